"""Validation failures: one rule, our own words, and no path that a client could have written."""

# ruff: noqa: E501 - a row of a table stands on one line

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    NamedTuple,
    NotRequired,
    Required,
    TypeAlias,
)

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import (
    AfterValidator,
    AliasChoices,
    AliasPath,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Json,
    Tag,
    TypeAdapter,
    ValidationError,
    WrapValidator,
    model_validator,
    validate_call,
)
from pydantic.dataclasses import dataclass as validated_dataclass
from pydantic_core import InitErrorDetails, PydanticCustomError
from typing_extensions import TypedDict

from kaiko_middleware import KaikoError, parse_body, render, validation_error
from kaiko_middleware.conformance import check_answer
from kaiko_middleware.validation import Failure, Where, error_from_failures, failure, failures
from kaiko_middleware.validation.declared_path import declared_path
from unit.support import REQUEST_ID, error_of

if TYPE_CHECKING:
    from collections.abc import Sequence

SECRET = "kaiko_live_hunter2"
WRONG: Any = "x"  # of no type that anything here is declared with


class Role(enum.StrEnum):
    """Who speaks."""

    USER = "user"
    SYSTEM = "system"


class Message(BaseModel):
    """A model as services write them."""

    model_config = ConfigDict(extra="forbid")

    role: Role
    content: str = Field(min_length=1)


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]
    tricks: list[int] = []


class Numbered(BaseModel):
    version: Literal[1]
    size: int


class Other(BaseModel):
    version: Literal[2]


class Aliased(BaseModel):
    kind: Literal["aliased"] = Field(alias="sort")
    size: int = 0


class AliasedToo(BaseModel):
    kind: Literal["too"] = Field(alias="sort")


def by_members(value: Any) -> str | None:
    """Tell two shapes apart without a field for it."""
    if isinstance(value, dict):
        return "cat" if "lives" in value else "dog" if "tricks" in value else None
    return None


class Node(BaseModel):
    name: str
    left: Node | Leaf | None = None
    children: list[Node] = []


class Leaf(BaseModel):
    left: Leaf | Node | None = None
    value: int


class Point(NamedTuple):
    x: int
    y: int = 0


class Options(TypedDict, total=False):
    depth: Required[int]
    width: NotRequired[int]


@dataclass
class Plain:
    number: int
    items: list[int] = field(default_factory=list[int])


@validated_dataclass
class Validated:
    number: int


def positive(value: int) -> int:
    """Refuse, and echo the input as validators do."""
    if value < 0:
        msg = f"{value} is {SECRET}"
        raise ValueError(msg)
    return value


Nested: TypeAlias = dict[str, list[dict[str, int]]]


class Request(BaseModel):
    model: str
    messages: list[Message] = []
    meta: dict[str, int] = {}
    nested: Nested = {}
    matrix: list[list[int]] = []
    pair: tuple[int, str] | None = None
    many: tuple[int, ...] = ()
    either: int | list[int] | Message | None = None
    pet: Annotated[Cat | Dog, Field(discriminator="kind")] | None = None
    pets: list[Annotated[Cat | Dog, Field(discriminator="kind")]] = []
    shape: (
        Annotated[
            Annotated[Cat, Tag("cat")] | Annotated[Dog, Tag("dog")], Discriminator(by_members)
        ]
        | None
    ) = None
    versioned: Annotated[Numbered | Other, Field(discriminator="version")] | None = None
    sorted_: Annotated[Aliased | AliasedToo, Field(discriminator="kind")] | None = None
    maximum: int = Field(default=1, alias="maxTokens")
    user: str = Field(
        default="", validation_alias=AliasChoices("user_id", AliasPath("who", 0, "id"))
    )
    first: int = Field(default=0, validation_alias=AliasPath("list", 1))
    node: Node | None = None
    point: Point | None = None
    options: Options | None = None
    plain: Plain | None = None
    validated: Validated | None = None
    embedded: Json[list[int]] | None = None
    after: Annotated[int, AfterValidator(positive)] = 0
    before: Annotated[int, BeforeValidator(lambda value: value)] = 0
    wrapped: Annotated[list[int], WrapValidator(lambda value, handler: handler(value))] = []
    choices: set[int] = set()
    strict: Annotated[int, Field(strict=True)] = 0
    keyed: dict[int, Message] = {}
    anything: dict[str, Any] = {}


MODEL: dict[str, Any] = {"model": "emotion-v2"}


def refused(data: object, model: Any = Request) -> KaikoError:
    """Return what the parsed body is refused with."""
    with pytest.raises(KaikoError) as caught:
        parse_body(model, data)
    return caught.value


# What the body holds beside the model: status, code, param.
CASES: list[tuple[str, dict[str, Any], int, str, str | None]] = [
    ("bad value", {"model": 7}, 422, "invalid_model", "model"),
    ("bad leaf", {"messages": [{"role": SECRET, "content": "x"}]}, 422, "invalid_role", "messages[0].role"),
    ("second item", {"messages": [{"role": "user", "content": "x"}, {"role": "user", "content": ""}]}, 422, "invalid_content", "messages[1].content"),
    ("missing leaf", {"messages": [{"role": "user"}]}, 400, "missing_field", "messages[0].content"),
    ("unknown field", {"messages": [{"role": "user", "content": "x", SECRET: 1}]}, 400, "unknown_field", "messages[0]"),
    ("not a list", {"messages": SECRET}, 422, "invalid_messages", "messages"),
    ("not an object", {"messages": [SECRET]}, 422, "invalid_messages", "messages[0]"),
    ("mapping", {"meta": {SECRET: "x"}}, 422, "invalid_meta", "meta[*]"),
    ("nested mapping", {"nested": {SECRET: [{SECRET: "x"}]}}, 422, "invalid_nested", "nested[*][0][*]"),
    ("mapping's key", {"keyed": {SECRET: {"role": "user", "content": "x"}}}, 422, "invalid_keyed", "keyed[*]"),
    ("below a mapping", {"keyed": {7: {"role": "user"}}}, 400, "missing_field", "keyed[*].content"),
    ("nested list", {"matrix": [[1], [2, SECRET]]}, 422, "invalid_matrix", "matrix[1][1]"),
    ("tuple", {"pair": [1, 2]}, 422, "invalid_pair", "pair[1]"),
    ("tuple too long", {"pair": [1, "a", 2]}, 422, "invalid_pair", "pair"),
    ("long tuple", {"many": [1, 2, "x"]}, 422, "invalid_many", "many[2]"),
    ("set", {"choices": [1, "x"]}, 422, "invalid_choices", "choices[1]"),
    ("union", {"either": SECRET}, 422, "invalid_either", "either"),
    ("tag absent", {"pet": {}}, 400, "missing_field", "pet.kind"),
    ("tag unknown", {"pet": {"kind": SECRET}}, 422, "invalid_kind", "pet.kind"),
    ("tag in a list", {"pets": [{"kind": SECRET}]}, 422, "invalid_kind", "pets[0].kind"),
    ("below a tag", {"pet": {"kind": "cat", "lives": SECRET}}, 422, "invalid_lives", "pet.lives"),
    ("list below a tag", {"pets": [{"kind": "dog", "tricks": [SECRET]}]}, 422, "invalid_tricks", "pets[0].tricks[0]"),
    ("no object for a tag", {"pet": SECRET}, 422, "invalid_pet", "pet"),
    ("tag by function", {"shape": {"lives": SECRET, "kind": "cat"}}, 422, "invalid_lives", "shape.lives"),
    ("no tag by function", {"shape": {}}, 422, "invalid_shape", "shape"),
    ("tag that is a number", {"versioned": {"version": 1, "size": SECRET}}, 422, "invalid_size", "versioned.size"),
    ("tag of another number", {"versioned": {"version": 3}}, 422, "invalid_version", "versioned.version"),
    ("aliased tag absent", {"sorted_": {}}, 400, "missing_field", "sorted_.sort"),
    ("aliased tag", {"sorted_": {"sort": "aliased", "size": SECRET}}, 422, "invalid_size", "sorted_.size"),
    ("alias", {"maxTokens": SECRET}, 422, "invalid_value", "maxTokens"),
    ("alias of choices", {"user_id": 7}, 422, "invalid_user_id", "user_id"),
    ("alias path of choices", {"who": [{"id": 7}]}, 422, "invalid_id", "who[0].id"),
    ("alias path", {"list": [1, SECRET]}, 422, "invalid_list", "list[1]"),
    ("recursive", {"node": {"name": "a", "children": [{"name": "b", "children": [{}]}]}}, 400, "missing_field", "node.children[0].children[0].name"),
    ("named tuple as a list", {"point": [SECRET]}, 422, "invalid_point", "point[0]"),
    ("named tuple as an object", {"point": {"x": SECRET}}, 422, "invalid_x", "point.x"),
    ("named tuple too short", {"point": {}}, 400, "missing_field", "point.x"),
    ("typed dict", {"options": {"depth": SECRET}}, 422, "invalid_depth", "options.depth"),
    ("typed dict's required", {"options": {}}, 400, "missing_field", "options.depth"),
    ("dataclass", {"plain": {"number": 1, "items": [SECRET]}}, 422, "invalid_items", "plain.items[0]"),
    ("validated dataclass", {"validated": {}}, 400, "missing_field", "validated.number"),
    ("JSON in a string", {"embedded": "[1"}, 422, "invalid_embedded", "embedded"),
    ("inside JSON in a string", {"embedded": '["x"]'}, 422, "invalid_embedded", "embedded[0]"),
    ("after validator", {"after": -5}, 422, "invalid_after", "after"),
    ("before validator", {"before": SECRET}, 422, "invalid_before", "before"),
    ("wrap validator", {"wrapped": [SECRET]}, 422, "invalid_wrapped", "wrapped[0]"),
    ("strict", {"strict": "1"}, 422, "invalid_strict", "strict"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_a_failure_has_its_status_code_and_path(
    case: tuple[str, dict[str, Any], int, str, str | None],
) -> None:
    """By section 7, with only declared names in the path, and nothing of the input anywhere."""
    _, data, status, code, param = case
    error = refused(MODEL | data)
    assert (error.status, error.code, error.param) == (status, code, param)
    assert SECRET not in f"{error!r} {error.message} {error.param} {error.code}"
    assert error.__cause__ is None
    assert error.__context__ is None
    assert check_answer(*render(error, REQUEST_ID)) == []


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "The 'model' field is required"),
        ({"model": 1}, "The 'model' field has an invalid value"),
        (
            {"messages": 1, "meta": 1},
            "The 'model' field is required (and 2 more: messages, meta)",
        ),
        (
            {"messages": 1, "meta": 1, "matrix": 1, "many": 1, "node": 1, "point": 1, "plain": 1},
            "The 'model' field is required (and 7 more: messages, meta, matrix, many, node)",
        ),
    ],
)
def test_the_first_failure_is_told_and_the_others_are_named(
    data: dict[str, Any], message: str
) -> None:
    """In the order of the validator, at most five names."""
    error = refused(data)
    assert error.message == error.args[0] == message


def test_a_field_refused_by_every_branch_of_a_union_is_one_failure() -> None:
    """Three branches refuse it, the client made one mistake."""
    assert refused(MODEL | {"either": SECRET}).message == "The 'either' field has an invalid value"


def test_an_unknown_field_at_the_top_blames_nothing() -> None:
    """The path of the object that it is in is null there; its own name is the client's."""
    error = refused({"role": "user", "content": "x", SECRET: 1}, Message)
    assert (error.status, error.code, error.param) == (400, "unknown_field", None)
    assert error.message == "The request body has a field that is not allowed"


NO_JSON = [
    b'{"model":',
    b"\xff\xfe",
    b'{"model": "\xe9"}',
    b"[" * 100_000,
    b"not json",
    b"\x00",
    '{"model": "\ud800"}',
    bytearray(b"{"),
    memoryview(b"{"),
]


@pytest.mark.parametrize("data", NO_JSON, ids=[str(number) for number in range(len(NO_JSON))])
def test_a_body_that_is_no_json_is_invalid_json(data: object) -> None:
    """However it is broken, and however deep."""
    error = refused(data)
    assert (error.status, error.code, error.param) == (400, "invalid_json", None)
    assert error.message == "The request body is not valid JSON"


class Inner(BaseModel, extra="forbid"):
    """What a validator validates by itself."""

    x: int = 0
    y: int


def _validates(value: Any) -> Any:
    Inner.model_validate(value)
    return value


Checked = Annotated[Any, AfterValidator(_validates)]


class Outer(BaseModel):
    """A body whose fields are validated by what it does not declare."""

    any: Checked = None
    map: Annotated[dict[str, Any], AfterValidator(_validates)] | None = None
    values: dict[str, Checked] = {}
    items: list[Checked] = []
    renamed: Checked = Field(None, alias="wire")
    pair: tuple[int, Checked] | None = None
    either: Checked | int = None
    declared: Inner | None = None


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        ({"any": {}}, 422, "invalid_any", "any"),
        ({"any": {"y": "s"}}, 422, "invalid_any", "any"),
        ({"any": {"y": 1, "s": 1}}, 422, "invalid_any", "any"),
        ({"map": {}}, 422, "invalid_map", "map"),
        ({"values": {"s": {}}}, 422, "invalid_values", "values[*]"),
        ({"values": {"s": {"y": 1, "s": 1}}}, 422, "invalid_values", "values[*]"),
        ({"items": [{"y": 1}, {}]}, 422, "invalid_items", "items[1]"),
        ({"wire": {}}, 422, "invalid_wire", "wire"),
        ({"pair": [1, {}]}, 422, "invalid_pair", "pair[1]"),
        ({"pair": [1]}, 400, "missing_field", "pair[1]"),
        ({"either": {}}, 422, "invalid_either", "either"),
        ({"declared": {}}, 400, "missing_field", "declared.y"),
        ({"declared": {"y": 1, "s": 1}}, 400, "unknown_field", "declared"),
    ],
    ids=ascii,
)
def test_a_field_that_is_there_and_fails_inside_is_a_bad_value(
    body: object, status: int, code: str, param: str
) -> None:
    """What its own validator found absent or too much is no name that the service declared."""
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(body)
    with pytest.raises(KaikoError) as parsed:
        parse_body(Outer, body)
    error = validation_error(caught.value)
    for each in (error, parsed.value):
        assert (each.status, each.code, each.param) == (status, code, param)
    verb = "is required" if code == "missing_field" else "has an invalid value"
    if code != "unknown_field":
        assert error.message.startswith(f"The '{param}' field {verb}")


def test_a_whole_body_that_fails_inside_names_nothing() -> None:
    """A validator of the model itself may validate another one: no field of its own is to blame."""
    failed = failure("missing", ("y",), schema=TypeAdapter(Checked).core_schema)
    assert failed == Failure("missing", "body", None)


def test_a_headers_name_is_that_on_the_wire() -> None:
    """Servers take no names with underscores."""

    class Headers(BaseModel):
        x_token: int
        other: Annotated[int, Field(alias="X-Other_One")]

    with pytest.raises(ValidationError) as caught:
        Headers.model_validate({"X-Other_One": "s"})
    error = validation_error(caught.value, where="header")
    assert error.param == "x-token"
    assert error.message == "The 'x-token' field is required (and 1 more: X-Other-One)"
    assert validation_error(caught.value, where="query").param == "x_token"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_in_json_is_refused(number: str) -> None:
    """RFC 8259, section 6; in a text it is as good as any other word."""

    class Price(BaseModel):
        amount: float
        note: str = ""

    for data in (f'{{"amount": {number}}}', f'{{"amount": 1, "more": [{number}]}}'.encode()):
        with pytest.raises(KaikoError) as caught:
            parse_body(Price, data)
        assert (caught.value.status, caught.value.code) == (400, "invalid_json")
    assert parse_body(Price, f'{{"amount": 1, "note": "{number}"}}').note == number


@pytest.mark.parametrize(
    "data",
    [None, b"", b" \r\n\t", "", bytearray(), memoryview(b" ")],
    ids=["nothing", "bytes", "blanks", "text", "bytearray", "memoryview"],
)
def test_no_body_is_a_missing_body(data: object) -> None:
    """White space is no body either."""
    error = refused(data)
    assert (error.status, error.code, error.param) == (400, "missing_body", None)
    assert error.message == "A request body is required"


@pytest.mark.parametrize("data", [b"[]", b"null", b'"x"', [], 7, "[1]"])
def test_json_of_the_wrong_kind_is_an_invalid_value_of_the_whole(data: object) -> None:
    """There is no field to blame."""
    error = refused(data)
    assert (error.status, error.code, error.param) == (422, "invalid_value", None)
    assert error.message == "The request body has an invalid value"


@pytest.mark.parametrize(
    "data",
    [
        {"role": "user", "content": "hi"},
        b'{"role": "user", "content": "hi"}',
        '{"role": "user", "content": "hi"}',
        bytearray(b'{"role": "user", "content": "hi"}'),
        memoryview(b'{"role": "user", "content": "hi"}'),
    ],
    ids=lambda data: type(data).__name__,
)
def test_a_valid_body_is_the_model(data: object) -> None:
    """From raw JSON, or from what was parsed of it already."""
    assert parse_body(Message, data) == Message(role=Role.USER, content="hi")
    assert parse_body(TypeAdapter(Message), data) == Message(role=Role.USER, content="hi")


def test_a_body_that_was_not_awaited_is_a_bug_of_the_service() -> None:
    """The client sent nothing wrong, and Python has nothing to warn of any more."""

    async def body() -> bytes:
        return b"{}"

    with pytest.raises(TypeError, match="not a coroutine: await it first"):
        parse_body(Message, body())


@pytest.mark.parametrize(
    ("adapter", "data", "status", "code", "param"),
    [
        (TypeAdapter(list[Message]), b'[{"role": "x", "content": "y"}]', 422, "invalid_role", "[0].role"),
        (TypeAdapter(list[int]), [1, "x"], 422, "invalid_value", "[1]"),
        (TypeAdapter(dict[str, int]), {SECRET: "x"}, 422, "invalid_value", "[*]"),
        (TypeAdapter(Options), {}, 400, "missing_field", "depth"),
        (TypeAdapter(Plain), {"number": SECRET}, 422, "invalid_number", "number"),
        (TypeAdapter(Annotated[Cat | Dog, Field(discriminator="kind")]), {}, 400, "missing_field", "kind"),
        (TypeAdapter(int), b'"x"', 422, "invalid_value", None),
    ],
)  # fmt: skip
def test_an_adapter_of_any_type_follows_the_same_rule(
    adapter: TypeAdapter[Any], data: object, status: int, code: str, param: str | None
) -> None:
    """Lists, mappings, typed dictionaries and unions at the top of a body."""
    error = refused(data, adapter)
    assert (error.status, error.code, error.param) == (status, code, param)


def test_a_model_whose_schema_is_built_late_has_paths_too() -> None:
    """`defer_build` is common in large services."""

    class Late(BaseModel):
        model_config = ConfigDict(defer_build=True)
        items: list[int]

    assert refused({"items": ["x"]}, Late).param == "items[0]"
    adapter = TypeAdapter(list[Late], config=None)
    assert refused([{"items": ["x"]}], adapter).param == "[0].items[0]"


def test_what_a_models_own_validator_refuses_is_an_invalid_value() -> None:
    """Its text goes nowhere: it may echo the input."""

    class Range(BaseModel):
        low: int
        high: int

        @model_validator(mode="after")
        def check(self) -> Range:
            if self.low > self.high:
                raise ValueError(SECRET)
            return self

    error = refused({"low": 2, "high": 1}, Range)
    assert (error.status, error.code, error.param) == (422, "invalid_value", None)
    assert SECRET not in error.message


def caught(call: Any) -> ValidationError:
    """Return what pydantic raises."""
    with pytest.raises(ValidationError) as info:
        call()
    return info.value


@pytest.mark.parametrize(
    "call",
    [
        lambda: Message(role=WRONG, content="y"),
        lambda: Message.model_validate({"role": "x", "content": "y"}),
        lambda: Message.model_validate_json('{"role": "x", "content": "y"}'),
        lambda: TypeAdapter(Message).validate_python({"role": "x", "content": "y"}),
        lambda: TypeAdapter(Message).validate_json('{"role": "x", "content": "y"}'),
    ],
    ids=["init", "python", "json", "adapter-python", "adapter-json"],
)
def test_pydantics_own_failure_finds_its_model_by_itself(call: Any) -> None:
    """A framework hands over the exception alone; its frames know the model."""
    error = validation_error(caught(call))
    assert (error.status, error.code, error.param) == (422, "invalid_role", "role")


def test_a_validated_dataclass_finds_itself_too() -> None:
    """It has no method of pydantic's to be recognized by."""
    error = validation_error(caught(lambda: Validated(number=WRONG)))
    assert error.param == "number"


def test_the_model_may_be_named_where_the_exception_is_bare() -> None:
    """An exception that crossed a process has no frames."""
    bare = caught(lambda: Message.model_validate({"role": "x", "content": "y"})).with_traceback(
        None
    )
    assert validation_error(bare).param is None
    assert validation_error(bare).code == "invalid_value"
    assert validation_error(bare, model=Message).param == "role"
    assert validation_error(bare, model=object()).param is None


def test_a_call_that_was_validated_names_no_argument_of_python() -> None:
    """Nor does a failure that somebody made by hand."""

    @validate_call
    def function(argument_name: int) -> int:
        return argument_name

    error = validation_error(caught(lambda: function(WRONG)))
    assert error.param is None
    by_hand = ValidationError.from_exception_data(
        "title",
        [InitErrorDetails(type=PydanticCustomError(SECRET, SECRET), loc=(SECRET,), input=SECRET)],
    )
    assert SECRET not in render(validation_error(by_hand), REQUEST_ID).body.decode()


@pytest.mark.parametrize("where", ["path", "query", "header", "cookie"])
def test_a_bad_parameter_is_a_400_with_its_name(where: Where) -> None:
    """Only a body's bad value is a 422."""

    class Query(BaseModel):
        limit: int

    error = validation_error(caught(lambda: Query(limit=WRONG)), where=where)
    assert (error.status, error.code, error.param) == (400, "invalid_limit", "limit")
    assert error.message == "The 'limit' parameter has an invalid value"
    absent = validation_error(caught(Query), where=where)
    assert (absent.status, absent.code) == (400, "missing_field")
    assert absent.message == "The 'limit' field is required"


@pytest.mark.parametrize(
    ("failures", "status", "code", "param", "message"),
    [
        ([Failure("json", "body", None)], 400, "invalid_json", None, "The request body is not valid JSON"),
        ([Failure("body", "body", None)], 400, "missing_body", None, "A request body is required"),
        ([Failure("missing", "body", None)], 400, "missing_field", None, "A required field is absent"),
        ([Failure("value", "query", None)], 400, "invalid_value", None, "A parameter has an invalid value"),
        ([Failure("value", "body", "a"), Failure("value", "body", None)], 422, "invalid_a", "a", "The 'a' field has an invalid value (and 1 more)"),
        ([Failure("value", "body", "a"), Failure("value", "body", "a")], 422, "invalid_a", "a", "The 'a' field has an invalid value"),
    ],
)  # fmt: skip
def test_failures_of_any_validator_follow_the_rule(
    failures: list[Failure], status: int, code: str, param: str | None, message: str
) -> None:
    """What DRF, Django's forms and the others will be turned into."""
    error = error_from_failures(failures)
    assert (error.status, error.code, error.param, error.message) == (status, code, param, message)


def test_no_failure_is_an_invalid_value() -> None:
    """A service may raise a validator's exception without saying what failed."""
    error = error_from_failures([])
    assert (error.status, error.code, error.param) == (422, "invalid_value", None)
    assert error.message == "A field has an invalid value"


def test_a_failure_without_a_schema_has_no_path() -> None:
    """Nothing tells its declared names from a client's keys."""
    assert failure("missing", ["messages"]) == Failure("missing", "body", None)
    assert failure("missing", []) == Failure("body", "body", None)
    assert failure("json_invalid", [12]) == Failure("json", "body", None)
    assert failure("extra_forbidden", ["x"], where="query") == Failure("unknown", "query", None)


# --- hostile input -----------------------------------------------------------------------

names = st.sampled_from(
    ["model", "messages", "role", "meta", "node", "left", "name", "kind", "pet"]
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.just(SECRET), names),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(names, st.just(SECRET)), inner, max_size=4),
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.one_of(st.sampled_from(list(Request.model_fields)), names), values))
@example({"node": {"left": {"left": {"left": {}}}}})
def test_whatever_a_client_sends_only_declared_names_come_back(data: dict[str, Any]) -> None:
    """Neither its keys nor its values, in no place of the answer."""
    try:
        parse_body(Request, data)
    except KaikoError as error:
        reply = render(error, REQUEST_ID)
        assert b"hunter2" not in reply.body
        assert b"kaiko_live" not in reply.body
        assert check_answer(*reply) == []


def test_a_path_in_a_recursive_union_costs_no_more_than_its_length() -> None:
    """Walked without memory, each level that a client nests would double the work."""
    location = ["node", *["left", "Node"] * 60, "name"]
    schema = Request.__pydantic_core_schema__
    path = declared_path(schema, location)
    assert path is not None
    assert path.startswith("node.left.left.left")
    assert path.count("left") > 30


def test_a_path_deeper_than_a_param_can_be_long_ends_somewhere() -> None:
    """Python's own limit is never reached."""
    location: list[int | str] = ["node"]
    location += ["children", 0] * 5_000
    path = declared_path(Request.__pydantic_core_schema__, location)
    assert path is not None
    error = error_from_failures([Failure("value", "body", path)])
    assert len(error_of(render(error, REQUEST_ID).body)["param"]) <= 256


def test_of_very_many_failures_only_the_first_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A body of 240 KB can fail 160,000 times; the others are counted, which costs nothing."""
    read: list[Sequence[int | str]] = []

    def counting(schema: Any, location: Sequence[int | str]) -> str | None:
        read.append(location)
        return declared_path(schema, location)

    monkeypatch.setattr(failures, "declared_path", counting)
    error = refused({"model": "x", "messages": [{}] * 1000})
    assert (error.status, error.code, error.param) == (400, "missing_field", "messages[0].role")
    assert error.message == (
        "The 'messages[0].role' field is required (and 1999 more: messages[0].content, "
        "messages[1].role, messages[1].content, messages[2].role, messages[2].content)"
    )
    assert len(read) == 200


def test_failures_that_are_read_are_counted_by_path() -> None:
    """What each branch of a union refuses is one failure; beyond, each record is one."""
    many = TypeAdapter(list[int | list[int]])
    assert refused(["x"] * 100, many).message.startswith(
        "The '[0]' field has an invalid value (and 99 "
    )
    assert refused(["x"] * 102, many).message.startswith(
        "The '[0]' field has an invalid value (and 103 "
    )


def test_an_error_without_a_failure_is_still_one() -> None:
    """A service can make such an exception of pydantic's; nobody knows what it refuses."""
    empty = ValidationError.from_exception_data("Request", [])
    assert (validation_error(empty).status, validation_error(empty).code) == (422, "invalid_value")


@pytest.mark.parametrize(
    ("schema", "location", "path"),
    [
        ({"type": "any"}, ["secret"], None),
        ({"type": "list"}, [0, "secret"], "[0]"),
        ({"type": "list", "items_schema": {"type": "int"}}, ["secret"], None),
        ({"type": "tuple", "items_schema": []}, [0], "[0]"),
        ({"type": "dict"}, ["secret", "secret"], "[*]"),
        ({"type": "function-plain"}, ["secret"], None),
        ({"type": "chain", "steps": [{"type": "any"}, {"type": "list"}]}, [3], "[3]"),
        ({"type": "typed-dict", "fields": {"": {"schema": {"type": "any"}}}}, [""], None),
        (
            {"type": "definitions", "definitions": [{"type": "definition-ref", "schema_ref": "a", "ref": "a"}], "schema": {"type": "definition-ref", "schema_ref": "a"}},
            ["secret"],
            None,
        ),
        (None, ["secret"], None),
        ({"type": "list"}, [], None),
    ],
)  # fmt: skip
def test_a_schema_that_declares_no_name_gives_none(
    schema: dict[str, Any] | None, location: list[int | str], path: str | None
) -> None:
    """Schemas come from any version of pydantic, and are walked as far as they go."""
    assert declared_path(schema, location) == path
