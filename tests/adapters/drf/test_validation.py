"""What a serializer refuses is told in the client's words, and by declared names only."""

from __future__ import annotations

import json
import re
import warnings
from typing import TYPE_CHECKING, Any

import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st
from rest_framework import serializers
from rest_framework.response import Response

from adapters.drf.asking import WSGI, ask, error, refused
from adapters.drf.views import Child, Thing, project, validating

if TYPE_CHECKING:
    from collections.abc import Callable

    from rest_framework.request import Request

FINE = {"name": "Ada", "age": 36}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"age": 1}, (400, "missing_field", "name")),
        ({**FINE, "name": None}, (422, "invalid_name", "name")),
        ({**FINE, "name": ""}, (422, "invalid_name", "name")),
        ({**FINE, "age": "old"}, (422, "invalid_age", "age")),
        ({**FINE, "child": {}}, (400, "missing_field", "child.n")),
        ({**FINE, "child": 7}, (422, "invalid_child", "child")),
        ({**FINE, "children": [{"n": 1}, {}]}, (400, "missing_field", "children[1].n")),
        ({**FINE, "children": [{"n": 1}, {"n": "x"}]}, (422, "invalid_n", "children[1].n")),
        ({**FINE, "children": [7]}, (422, "invalid_children", "children[0]")),
        ({**FINE, "children": {}}, (422, "invalid_children", "children")),
        ({**FINE, "tags": [1, 2, "x"]}, (422, "invalid_tags", "tags[2]")),
        ({**FINE, "tags": "x"}, (422, "invalid_tags", "tags")),
        ({**FINE, "meta": {"secret": {"n": 1}, "b": {}}}, (400, "missing_field", "meta[*].n")),
        ({**FINE, "meta": {"secret": 1}}, (422, "invalid_meta", "meta[*]")),
        ([FINE], (422, "invalid_value", None)),
        ("text", (422, "invalid_value", None)),
    ],
)
def test_fields(body: object, expected: object) -> None:
    """A path leads to what is to blame; what is absent is 400, what is wrong 422."""
    assert refused(validating(), body) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ([FINE, {}], (400, "missing_field", "[1].name")),
        ([FINE, {**FINE, "children": [{}]}], (400, "missing_field", "[1].children[0].n")),
        ([FINE, 7], (422, "invalid_value", "[1]")),
        (FINE, (422, "invalid_value", None)),
    ],
)
@pytest.mark.parametrize("as_dict", [True, False])
def test_bulk(body: object, expected: object, *, as_dict: bool) -> None:
    """Many at once are told by their position, in either of the formats that DRF has had."""
    framework = {
        "EXCEPTION_HANDLER": "kaiko_drf.exception_handler",
        "LIST_SERIALIZER_ERRORS_AS_DICT": as_dict,
    }
    with override_settings(REST_FRAMEWORK=framework), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # DRF's, of the older one
        assert refused(validating(many=True), body) == expected


def test_several() -> None:
    """The first failure is reported, in the order of the fields; the others are named."""
    said = error(validating(), {"name": "x", "children": [{}], "tags": ["a", "b"]})
    assert said["message"] == (
        "The 'name' field has an invalid value (and 4 more: age, children[0].n, tags[0], tags[1])"
    )


def test_one_field_that_fails_twice_is_one_failure() -> None:
    """Two texts for one field do not make two failures."""

    class Twice(serializers.Serializer[Any]):
        code = serializers.RegexField("^[a-z]+$", max_length=3)

    said = error(validating(Twice), {"code": "12345"})
    assert said["message"] == "The 'code' field has an invalid value"


class Range(serializers.Serializer[Any]):
    """Two fields that depend on each other."""

    low = serializers.IntegerField()
    high = serializers.IntegerField()

    def validate(self, attrs: Any) -> Any:
        """Compare them."""
        if attrs["low"] > attrs["high"]:
            raise serializers.ValidationError("secret is above it")
        if attrs["low"] < 0:
            raise serializers.ValidationError({"low": "too low", "secret": "x"})
        return attrs


class Ranges(serializers.Serializer[Any]):
    """Nested."""

    outer = Range()


@pytest.mark.parametrize(
    ("serializer", "body", "expected"),
    [
        (Range, {"low": 2, "high": 1}, (422, "invalid_value", None)),
        (Range, {"low": -2, "high": 1}, (422, "invalid_low", "low")),
        (Ranges, {"outer": {"low": 2, "high": 1}}, (422, "invalid_outer", "outer")),
        (Ranges, {"outer": {"low": -2, "high": 1}}, (422, "invalid_low", "outer.low")),
    ],
)
def test_non_field_errors(serializer: Any, body: object, expected: object) -> None:
    """What no field is to blame for is the object's."""
    assert refused(validating(serializer), body) == expected


def test_texts_of_validators_go_nowhere() -> None:
    """Neither the author's text nor DRF's leaves; both may echo what was sent."""
    answer = ask(validating(Range), {"low": 2, "high": 1})
    assert b"secret" not in answer.body
    said = error(validating(), {**FINE, "age": "kaiko_live_abc"})
    assert said["message"] == "The 'age' field has an invalid value"


class Closed(serializers.Serializer[Any]):
    """Takes no other field."""

    name = serializers.CharField()

    def to_internal_value(self, data: Any) -> Any:
        """Refuse others."""
        extra = data.keys() - self.fields.keys()
        if extra:
            raise serializers.ValidationError(dict.fromkeys(extra, "no"), code="unknown_field")
        return super().to_internal_value(data)


class Holder(serializers.Serializer[Any]):
    """Has one that takes no other field."""

    inner = Closed()


def test_unknown_field() -> None:
    """A serializer that takes no other fields says so by a code; their names go nowhere."""
    said = error(validating(Closed), {"secret": 1})
    assert (said["status"], said["code"], said["param"]) == (400, "unknown_field", None)
    assert said["message"] == "The request body has a field that is not allowed"
    assert refused(validating(Holder), {"inner": {"secret": 1}}) == (400, "unknown_field", "inner")


def where(read: Callable[[Request], Any]) -> Any:
    """Return a project that validates what `read` returns."""

    def act(request: Request) -> Response:
        Child(data=read(request)).is_valid(raise_exception=True)
        return Response({})

    return project(act)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_query(method: str) -> None:
    """A parameter of the query is 400, whatever is wrong with it."""
    checking = where(lambda request: request.query_params)
    said = error(checking, where="/x?n=secret", method=method)
    assert (said["status"], said["code"], said["param"]) == (400, "invalid_n", "n")
    assert said["message"] == "The 'n' parameter has an invalid value"
    assert refused(checking, method=method) == (400, "missing_field", "n")


@pytest.mark.parametrize(
    "read",
    [
        lambda request: request.parser_context["kwargs"],
        lambda request: request.headers,
        lambda request: request.COOKIES,
        lambda request: request.query_params.dict(),
    ],
    ids=["path", "headers", "cookies", "copy"],
)
def test_other_parts(read: Any) -> None:
    """So is one of the path, the headers and the cookies."""
    headers = [("N", "secret"), ("Cookie", "n=secret")]
    assert refused(where(read), where="/x/secret?n=secret", headers=headers)[0] == 400


def test_no_body() -> None:
    """A body that is needed and absent is told as that; one that is empty is not."""
    assert refused(validating(), method="POST") == (400, "missing_body", None)
    assert refused(validating(), {}) == (400, "missing_field", "name")


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b", None]
)
def test_an_empty_form_is_one_without_fields(kind: str | None) -> None:
    """Also where nothing says what it is, and the view reads forms."""
    headers = [] if kind is None else [("Content-Type", kind)]
    answer = WSGI.ask(validating(), method="POST", headers=headers, body=b"")
    said = json.loads(answer.body)["error"]
    assert (answer.status, said["code"], said["param"]) == (400, "missing_field", "name")


class Checking(serializers.Serializer[Any]):
    """Validates a field by what its fields do not tell of."""

    field = serializers.JSONField(required=False)
    map = serializers.DictField(required=False)
    child = serializers.JSONField(required=False)

    def validate_field(self, value: Any) -> Any:
        """Miss what nobody declared."""
        raise serializers.ValidationError(dict.fromkeys(value, "no"), code="required")

    validate_map = validate_field

    def validate_child(self, value: Any) -> Any:
        """Ask another serializer, which leaves its name on what it refuses."""
        Child(data=value).is_valid(raise_exception=True)
        return value


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"field": {"secret": 1}}, (422, "invalid_field", "field")),
        ({"map": {"secret": 1}}, (422, "invalid_map", "map")),
        ({"child": {}}, (400, "missing_field", "child.n")),
    ],
)
def test_a_field_that_is_there_and_fails_inside_is_a_bad_value(
    body: object, expected: object
) -> None:
    """Unless what is absent inside of it is a field that the service declares."""
    assert refused(validating(Checking), body) == expected


def test_a_header_is_called_as_on_the_wire() -> None:
    """Django finds `X-Token` under `x_token`."""

    class Tokens(serializers.Serializer[Any]):
        x_token = serializers.IntegerField()

    def act(request: Request) -> Response:
        Tokens(data=request.headers).is_valid(raise_exception=True)
        return Response({})

    assert refused(project(act)) == (400, "missing_field", "x-token")


def test_an_unneeded_body_is_not_asked_for() -> None:
    """An action that refuses for its own reasons does not blame the body for being absent."""

    def act(_request: Request) -> Response:
        raise serializers.ValidationError("Shipped already", code="required")

    assert refused(project(act), method="POST") == (400, "missing_field", None)


KEYS = st.text(min_size=1, max_size=8)
NESTED = st.recursive(
    st.none() | st.integers(-3, 3) | KEYS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)
THINGS = st.fixed_dictionaries(
    {"name": NESTED},
    optional={"children": NESTED, "child": NESTED, "tags": NESTED, "meta": NESTED, "free": NESTED},
)
DECLARED = re.compile(
    r"name|age|children(\[\d+\](\.n)?)?|child(\.n)?|tags(\[\d+\])?|meta(\[\*\](\.n)?)?|free"
)


@given(body=THINGS | NESTED)
def test_no_key_of_a_client_enters_a_path(body: object) -> None:
    """Whatever is sent, param and message name what the serializer declares, and nothing else."""
    answer = ask(validating(), body)
    if answer.status == 200:
        return
    said = error(validating(), body)
    assert said["status"] in {400, 422}
    assert said["param"] is None or DECLARED.fullmatch(said["param"])
    named = re.findall(r"'(.*?)' field|more: (.*)\)", said["message"])
    for name in (part for pair in named for each in pair for part in each.split(", ") if part):
        assert DECLARED.fullmatch(name)
    assert re.fullmatch("missing_field|invalid_[a-z]+", said["code"])


def returned(status: int = 400) -> Any:
    """Return a project that returns the errors, as DRF's tutorial does."""

    def act(request: Request) -> Response:
        serializer = Thing(data=request.data)
        serializer.is_valid()
        return Response(serializer.errors, status=status)

    return project(act)


def test_returned_errors_are_told_as_raised_ones() -> None:
    """`Response(serializer.errors, status=400)` is what raising it would be."""
    body = {"name": "x", "children": [{}]}
    assert error(returned(), body) == error(validating(), body)
    assert error(returned(422), body) == error(validating(), body)


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_returned_errors_whatever_is_accepted(accept: str) -> None:
    """The browsable API renders them as a page, which is no answer to a program."""
    said = refused(returned(), {"age": 1}, headers=[("Accept", accept)])
    assert said == (400, "missing_field", "name")


def changed(request: Request) -> Any:
    """Return errors to which a view has added."""
    serializer = Thing(data=request.data)
    serializer.is_valid()
    errors = serializer.errors
    errors["secret"] = "no"
    return errors


@pytest.mark.parametrize(
    "data",
    [
        lambda _: {"name": ["no"]},
        lambda _: Thing({"name": "Ada", "age": 1, "children": [], "child": {"n": 1}}).data,
        lambda _: None,
        changed,
    ],
    ids=["plain", "data", "none", "changed"],
)
def test_other_returned_data_has_no_names(data: Any) -> None:
    """What came from no validation is an answer like any."""
    refusing = project(lambda request: Response(data(request), status=400))
    assert refused(refusing, {}) == (400, "bad_request", None)


def test_returned_errors_of_another_status_are_left() -> None:
    """A status that no validation has stays."""
    assert refused(returned(409), {"age": 1}) == (409, "conflict", None)
