"""Validation errors that a service raises itself: which of their keys are names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django import forms
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from adapters.drf.asking import error, refused
from adapters.drf.views import Child, Thing, project

if TYPE_CHECKING:
    from collections.abc import Callable

    from rest_framework.request import Request
    from rest_framework.response import Response


def literal(request: Request) -> Response:
    """Name a field as a literal."""
    assert request.method not in (4, "GET")
    raise ValidationError({"model": "secret", "messages": {"role": ["secret"]}})


def test_a_literal_is_declared() -> None:
    """A key that stands in the code that raised is the service's own."""
    said = error(project(literal), {})
    assert (said["status"], said["code"], said["param"]) == (422, "invalid_model", "model")
    assert said["message"].endswith("(and 1 more: messages.role)")


def computed(request: Request) -> Response:
    """Take the client's own key for a name."""
    raise ValidationError(dict.fromkeys(request.data, "secret"))


def test_what_was_sent_is_not_declared() -> None:
    """A key that came from the client is no name, and says nothing."""
    said = error(project(computed), {"kaiko_live_secret": 1})
    assert (said["code"], said["param"]) == ("invalid_value", None)
    assert said["message"] == "The request body has an invalid value"


def indexed(_request: Request) -> Response:
    """Name a position, and what may be an identifier."""
    detail: Any = {"messages": {4242: ["secret"]}}
    raise ValidationError(detail)


def test_numbers_are_no_names() -> None:
    """A number that is no position of a list may be anything: an identifier, say."""
    assert refused(project(indexed), {}) == (422, "invalid_messages", "messages")


def wordy(_request: Request) -> Response:
    """Say it as DRF's own answers do."""
    raise ValidationError({"detail": "secret", "code": "x"})


def test_words_of_answers_are_no_names() -> None:
    """`detail` is where a text stands, not a field."""
    assert refused(project(wordy), {}) == (422, "invalid_value", None)


class Creating(serializers.Serializer[Any]):
    """Finds out late."""

    email = serializers.CharField()

    def create(self, validated_data: Any) -> Any:
        """Refuse."""
        del validated_data
        raise ValidationError(self.context["detail"])


def creating(detail: Any) -> Any:
    """Return a project whose serializer raises `detail` when it is saved."""

    def act(request: Request) -> Response:
        serializer = Creating(data=request.data, context={"detail": detail})
        serializer.is_valid(raise_exception=True)
        serializer.save()
        raise AssertionError

    return project(act)


def test_a_serializer_that_ran_declares() -> None:
    """An error that is raised while it saves knows the serializer by its frame."""
    saved = {"email": "secret"}
    assert refused(creating({"email": "taken"}), saved) == (422, "invalid_email", "email")
    assert refused(creating({"email": "taken", "secret": "x"}), saved)[2] == "email"
    assert refused(creating({"secret": "x"}), saved) == (422, "invalid_value", None)
    assert refused(creating(["taken"]), saved) == (422, "invalid_value", None)
    assert refused(creating({"email": ErrorDetail("x", "required")}), saved)[0] == 400


class Found(forms.Form):
    """What may be searched for."""

    since = forms.DateField()
    rank = forms.IntegerField(required=False)


def by_form(made: Callable[[Any], Any]) -> Any:
    """Return a project that validates its query with a form, as django-filter does."""

    def act(request: Request) -> Response:
        searched = made(request.query_params)
        raise ValidationError(searched.errors)

    return project(act)


class FilterSet:
    """The part of django-filter's class that its errors come from."""

    def __init__(self, data: Any) -> None:
        self._form = Found(data)

    @property
    def errors(self) -> Any:
        """Validate."""
        return self._form.errors


FilterSet.__module__ = "django_filters.filterset"


@pytest.mark.parametrize("made", [Found, FilterSet])
def test_a_form_that_ran_declares(made: Any) -> None:
    """Its fields are names, in the part of the request that it validated."""
    app = by_form(made)
    said = error(app, None, where="/x?since=2026-11-30&rank=x")
    assert (said["status"], said["code"], said["param"]) == (400, "invalid_rank", "rank")
    assert said["message"] == "The 'rank' parameter has an invalid value"
    said = error(app, {"a": "body"}, where="/x?since=secret")
    assert (said["status"], said["code"], said["param"]) == (400, "invalid_since", "since")


def test_a_form_with_a_prefix_declares_nothing() -> None:
    """Its names on the wire are others."""
    app = by_form(lambda data: Found(data, prefix="by"))
    assert error(app, None, where="/x?by-since=x")["param"] is None


def among(request: Request) -> Response:
    """Put a serializer's errors among others."""
    thing, child = Thing(data=request.data), Child(data={"n": "secret"})
    thing.is_valid()
    child.is_valid()
    raise ValidationError({"things": [thing.errors], "child": child.errors})


def test_errors_among_others_keep_their_serializer() -> None:
    """What was validated apart and raised together is told by all names."""
    said = error(project(among), {"children": [{}], "name": "x", "age": 1})
    assert said["param"] == "things[0].name"
    assert said["message"].endswith("(and 2 more: things[0].children[0].n, child.n)")


class Own(ValidationError):
    """A service's own class: what it says is what is answered."""

    status_code = 409
    default_detail = "Taken already"
    default_code = "duplicate_id"


class Coded(ValidationError):
    """Another, of the same status."""

    default_detail = "The model is malformed"
    default_code = "invalid_model"


def test_own_classes_say_what_is_answered() -> None:
    """A subclass with a status or a code of its own is a typed error."""

    def raises(make: Any) -> Any:
        def act(_request: Request) -> Response:
            raise make()

        return error(project(act), {})

    assert raises(Own) == {
        "status": 409,
        "type": "conflict_error",
        "code": "duplicate_id",
        "message": "Taken already",
        "param": None,
    }
    said = raises(Coded)
    assert (said["status"], said["code"]) == (400, "invalid_model")
    assert said["message"] == "The model is malformed"
    assert raises(lambda: Own({"a": ["b"]}))["message"] != "Taken already"
    assert raises(lambda: Own(["first", "second"]))["code"] == "conflict"
