"""What a class statement says of an error, and that one code has one meaning."""

from __future__ import annotations

import importlib.util
import runpy
import sys
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest

from kaiko_middleware import (
    ConflictError,
    InvalidRequestError,
    InvalidValueError,
    KaikoError,
    MissingFieldError,
    NotFoundError,
    RateLimitError,
    ServiceUnavailableError,
    render,
)
from kaiko_middleware.catalog import TOOLKIT_STATUSES, known_codes
from kaiko_middleware.make_error import error_from_class, error_from_wire
from unit.support import REQUEST_ID, ContextNotFound, Lazy, Throttled, error_of

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType


class Sealed(ConflictError, code="unit_sealed", message="It is sealed"):
    """A secret of the developers."""


@dataclass(slots=True)
class Slotted(ConflictError, code="unit_slotted", message="It has slots"):
    """Made anew by its decorator, without its keywords."""

    seats: int = 3


def sent(error: KaikoError) -> str:
    """Return the message that a client gets."""
    message = error_of(render(error, REQUEST_ID).body)["message"]
    assert isinstance(message, str)
    return message


# --- the message ---------------------------------------------------------------------


def test_the_classs_message_is_sent_unless_the_raise_site_says_another() -> None:
    """By both ways of writing it; the docstring never is."""

    class InBody(ConflictError):
        """A secret of the developers."""

        code = "unit_in_body"
        message = "It is in the body"
        resolution = "Read it."

    assert (sent(Sealed()), sent(Sealed("Now open"))) == ("It is sealed", "Now open")
    assert (sent(InBody()), InBody.resolution) == ("It is in the body", "Read it.")
    assert str(Sealed()) == "It is sealed"


def test_without_a_message_the_rows_is_sent() -> None:
    """Also where the class names another status of its type."""

    class Undescribed(NotFoundError, code="unit_undescribed"):
        """A secret of the developers."""

    class Removed(NotFoundError, code="unit_removed", status=410):
        """A secret of the developers."""

    assert sent(Undescribed()) == "The resource was not found"
    assert sent(Removed()) == "The resource is gone"


@pytest.mark.parametrize("message", ["", " \t", 5, None])
def test_a_blank_message_becomes_the_classs(message: Any) -> None:
    """Also one that was set afterwards, and is no text."""
    error = Sealed(message if isinstance(message, str) else "Open")
    error.message = message
    assert sent(error) == "It is sealed"


def test_a_kind_of_text_is_a_text() -> None:
    """Such as markup that is safe, whose `str()` is itself."""

    class Markup(str):
        __slots__ = ()

        def __str__(self) -> str:
            return self

    assert sent(Sealed(Markup("<b>Sealed</b>"))) == "<b>Sealed</b>"


def test_a_subclass_inherits_the_texts() -> None:
    """A base of a service's own may have them for all its codes, whatever their status."""

    class ShopNotFound(NotFoundError, message="Not in this shop", resolution="Ask."): ...

    class Removed(ShopNotFound, code="unit_shop_removed", status=410): ...

    assert (Removed().message, Removed.resolution) == ("Not in this shop", "Ask.")
    assert (Removed.status, Removed.code) == (410, "unit_shop_removed")


def test_a_missing_field_has_the_classs_message_or_names_the_field() -> None:
    """A subclass can say more than the path."""

    class Unsigned(MissingFieldError, message="Sign it"): ...

    class Unnamed(MissingFieldError): ...

    assert Unsigned("signature").message == "Sign it"
    assert Unsigned("signature", "Sign here").message == "Sign here"
    assert Unnamed("name").message == "The 'name' field is required"


def test_a_lazy_translation_is_made_where_the_error_is_raised() -> None:
    """In the language of that request, by whatever `str()` makes of it."""
    late: Any = Lazy("eins")

    class Late(ConflictError, code="unit_late", message=late): ...

    first = Late()
    late.text = "zwei"
    assert (sent(first), sent(Late())) == ("eins", "zwei")
    given: Any = Lazy("drei")
    error = Late(given, param=given)
    assert (error.message, error.param, str(error)) == ("drei", "drei", "drei")


def test_a_computed_message_is_the_classs_business() -> None:
    """A property is no default; what it says is sent."""

    def count(error: KaikoError) -> str:
        return f"{len(error.args)} reason"

    message = property(count, lambda _error, _value: None)
    counted = type("Counted", (ConflictError,), {"message": message})()
    assert sent(counted) == "1 reason"
    assert str(counted) == "The request conflicts with the state of the resource"


def test_an_error_is_made_of_a_class_without_a_call() -> None:
    """Whatever its `__init__` takes."""
    error = error_from_class(Throttled)
    assert (type(error), error.message, str(error)) == (
        Throttled,
        "Too many requests",
        "Too many requests",
    )


# --- wrong values --------------------------------------------------------------------

WRONG: list[tuple[str, Any]] = [
    ("code", 404),
    ("code", ""),
    ("code", "Not A Code"),
    ("status", "410"),
    ("status", 410.0),
    ("status", True),
    ("status", [410]),
    ("param", 5),
    ("param", ""),
    ("param", "a\nb"),
    ("param", "x" * 257),
    ("message", 5),
    ("message", b"No"),
    ("message", ["No"]),
    ("message", ""),
    ("message", " \n"),
    ("message", "x" * 1025),
    ("resolution", 5),
    ("resolution", " "),
    ("retryable", "no"),
    ("retryable", 0),
]
IN_BODY: list[tuple[str, Any]] = [
    ("code", None),
    ("message", None),
    ("message", len),
    ("retryable", None),
    ("headers", "X-Own: 5"),
    ("headers", {"X-Own": 5}),
    ("retry_after", "5"),
    ("limit", 5.5),
    ("remaining", True),
    ("reset", "5"),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_keyword_is_refused(name: str, value: Any) -> None:
    """With the class, the name and the value, when the class is defined."""
    with pytest.raises(TypeError, match=f"^Own: {name}"):
        type("Own", (NotFoundError,), {}, **{name: value})


@pytest.mark.parametrize(("name", "value"), [*WRONG, *IN_BODY])
def test_a_wrong_value_in_the_body_is_refused(name: str, value: Any) -> None:
    """Attributes in the body are no way around the checks."""
    with pytest.raises(TypeError, match=f"^Own: {name}"):
        type("Own", (RateLimitError,), {name: value})


def test_right_values_are_taken() -> None:
    """Of the body as of keywords, and as what they are."""

    class Own(
        RateLimitError,
        code="unit_right_values",
        param="model",
        message="m" * 1024,
        resolution="r",
        retryable=False,
    ):
        headers: Any = [("X-Own", "a")]  # noqa: RUF012 - as a service may write it
        retry_after = 5
        limit = 3
        remaining = None
        reset = 2.5

    class Removed(NotFoundError, status=HTTPStatus.GONE): ...

    error = Own()
    assert (error.param, error.retryable, error.headers) == ("model", False, (("X-Own", "a"),))
    assert (error.retry_after, error.limit, error.remaining, error.reset) == (5, 3, None, 2.5)
    assert type(Removed.status) is int


def test_a_services_own_attributes_are_its_business() -> None:
    """Only what the class sends is checked."""

    class Large(InvalidRequestError, code="unit_large"):
        limit = "100 items"

    assert Large.limit == "100 items"


# --- one code, one meaning -----------------------------------------------------------


def test_a_second_class_with_a_code_is_refused() -> None:
    """Whatever its status; both are named."""
    with pytest.raises(TypeError, match=r"Again: code 'unit_sealed' is taken.*class\.Sealed's"):
        type("Again", (ConflictError,), {}, code="unit_sealed")
    with pytest.raises(TypeError, match=r"Again: code 'unit_sealed' is taken.*class\.Sealed's"):
        type("Again", (NotFoundError,), {"code": "unit_sealed"})
    assert type(error_from_wire(409, "unit_sealed", "No")) is Sealed
    assert type(error_from_wire(404, "unit_sealed", "No")) is NotFoundError


def test_a_refused_class_leaves_nothing_behind() -> None:
    """The code is still free."""
    with pytest.raises(TypeError, match="status 200 is none"):
        type("Own", (ConflictError,), {}, code="unit_still_free", status=200)
    type("Other", (ConflictError,), {}, code="unit_still_free")


def test_a_subclass_without_a_code_has_its_bases() -> None:
    """It means the same, so it may say it in other words; but a code has one status."""

    class Frozen(Sealed, message="It is frozen"): ...

    assert (Frozen.code, Frozen().message) == ("unit_sealed", "It is frozen")
    with pytest.raises(TypeError, match="fixed code 'unit_sealed'"):
        Frozen(code="other")
    with pytest.raises(TypeError, match=r"Locked: code 'unit_sealed' is taken: .*Sealed's"):
        type("Locked", (Sealed,), {}, status=423)
    type("Locked", (Sealed,), {}, status=409)
    (entry,) = (entry for entry in known_codes() if entry.code == "unit_sealed")
    assert entry.meaning == "It is sealed"


@pytest.mark.parametrize(
    ("code", "base", "status", "theirs"),
    [
        ("not_found", ConflictError, None, "404"),
        ("internal", ServiceUnavailableError, None, "500"),
        ("invalid_value", InvalidRequestError, None, "422"),
        ("invalid_json", InvalidValueError, None, "400"),
        ("unknown_field", InvalidValueError, None, "400"),
        ("gone", NotFoundError, None, "410"),
        ("locked", ConflictError, None, "423"),
        ("not_found", NotFoundError, 410, "404"),
        ("timeout", InvalidRequestError, 408, "503"),
        ("request_rejected", InvalidRequestError, None, "419, 420, "),
    ],
)
def test_a_code_of_the_toolkits_with_another_status_is_refused(
    code: str, base: type[KaikoError], status: int | None, theirs: str
) -> None:
    """Clients know these codes by their status."""
    words = f"Own: code '{code}' with status .* is taken: kaiko_middleware's '{code}' has status "
    with pytest.raises(TypeError, match=words + theirs):
        type("Own", (base,), {}, code=code, status=status)


def test_a_code_of_the_toolkits_with_its_status_may_have_a_class() -> None:
    """A service may say more of it."""
    assert TOOLKIT_STATUSES["locked"] == {423}

    class Locked(ConflictError, code="locked", status=423, message="Somebody edits it"): ...

    assert sent(Locked()) == "Somebody edits it"


def test_raise_sites_and_peers_are_not_asked() -> None:
    """Only classes are."""
    assert NotFoundError(code="unit_sealed").code == "unit_sealed"
    assert NotFoundError(code="conflict").code == "conflict"
    assert error_from_wire(404, "conflict", "No").code == "conflict"


SOURCE = """
from kaiko_middleware import NotFoundError

class Lost(NotFoundError, code="unit_lost_{0}", message="{1}"):
    pass
"""


def loaded(path: Path, name: str, *, listed: bool = True) -> ModuleType:
    """Import a file under a name, which need not be among the modules."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    if listed:
        sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    finally:
        sys.modules.pop(name, None)
    return module


def test_a_module_may_be_loaded_again(tmp_path: Path) -> None:
    """Reloaded, run as a program, under two names, through a link: the last one counts."""
    path, link = tmp_path / "lost.py", tmp_path / "link.py"
    link.symlink_to(path)
    path.write_text(SOURCE.format("again", "first"))
    loaded(path, "unit_lost")
    path.write_text(SOURCE.format("again", "second"))
    loaded(path, "unit_lost")
    loaded(path, "tests.unit_lost", listed=False)
    loaded(link, "unit_lost_link")
    runpy.run_path(str(path), run_name="__main__")
    last = loaded(path, "unit_lost_last").Lost
    assert type(error_from_wire(404, "unit_lost_again", "No")) is last
    (entry,) = (entry for entry in known_codes() if entry.code == "unit_lost_again")
    assert entry.meaning == "second"


def test_another_file_is_another_class(tmp_path: Path) -> None:
    """Even where class and module have the same names."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "lost.py").write_text(SOURCE.format("copied", name))
    loaded(tmp_path / "one" / "lost.py", "lost")
    with pytest.raises(TypeError, match=r"^lost.Lost: code 'unit_lost_copied' is taken"):
        loaded(tmp_path / "two" / "lost.py", "lost")


def test_a_class_at_a_prompt_may_be_defined_again() -> None:
    """There is no file, so the module's name counts."""
    prompt = {"__name__": "unit_prompt"}
    for word in ("first", "second"):
        exec(SOURCE.format("prompt", word), prompt)  # noqa: S102 - as a prompt does
    # In a module that no frame is in, as those of Cython.
    for _ in range(2):
        type("Lost", (NotFoundError,), {"__module__": "unit_compiled"}, code="unit_lost_compiled")
    with pytest.raises(TypeError, match=r"unit_elsewhere\.Lost.*unit_compiled\.Lost"):
        type("Lost", (NotFoundError,), {"__module__": "unit_elsewhere"}, code="unit_lost_compiled")


def test_a_class_that_is_made_in_a_function_may_be_made_again() -> None:
    """As in a test that runs twice."""

    def make(text: str) -> type[KaikoError]:
        class Made(ConflictError, code="unit_made", message=text): ...

        return Made

    assert (make("first")().message, make("second")().message) == ("first", "second")


def test_a_decorator_may_make_the_class_anew() -> None:
    """A dataclass with slots is a second class of that name."""
    assert type(error_from_wire(409, "unit_slotted", "No")) is Slotted
    assert (Slotted.code, Slotted.message) == ("unit_slotted", "It has slots")


def test_the_base_of_a_code_is_found_by_its_peers() -> None:
    """A class of the same code, for another kind of answer, is not."""
    assert type(error_from_wire(404, ContextNotFound.code, "No")) is ContextNotFound
    assert type(error_from_wire(409, ContextNotFound.code, "No")) is ConflictError
