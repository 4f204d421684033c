"""The base of all typed errors: how a class fixes its code, and what is said where it is raised.

Implements sections 2 and 4 of the V2 contract.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, TypeVar

from ._text import is_code
from .catalog import STATUSES, TOOLKIT_STATUSES
from .codes import RegisteredCode, register_class
from .error_values import WAIT, checked_class, flag, header_pairs, refuse_code, text_of
from .settings_check import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .catalog import ErrorType
    from .error_values import Check, Headers

__all__ = ["Category", "KaikoError", "UpstreamDetails", "default_message", "restore_error"]

_E = TypeVar("_E", bound="KaikoError")
Category = Literal["throttled", "account", "unavailable", "rejected", "broken"]
"""Whose fault an upstream's failure is, and so what it becomes (section 10)."""


class UpstreamDetails(NamedTuple):
    """What an upstream said; it goes to the log record and the hooks, never into an answer.

    `status` is None where no answer came; `request_id` the upstream's own; `excerpt` the
    start of what it said, redacted, on one line and cut; `processed` whether the request
    may have been acted on.
    """

    name: str
    category: Category
    status: int | None
    request_id: str | None
    excerpt: str
    processed: bool


class KaikoError(Exception):
    """The base of all typed errors; raised as itself it is a 500 `internal`.

    Arguments:
        message: what a person is told, cut to 1,024 characters when sent; the class's by
            default. Anything that `str()` makes text, such as a lazy translation.
        code: `[a-z][a-z0-9_]{0,63}`; on row classes only, since a class with a code of
            its own has fixed it.
        param: the parameter to blame, as a path like `messages[0].role`; the class's by default.
        headers: extra response headers, as a mapping or as pairs.
        retryable: what `X-Should-Retry` says; the class's by default.

    Raises:
        TypeError: a value is of a wrong type, or `code` is given to a class whose code is fixed.
        ValueError: `code` does not match the pattern.

    """

    status: int = 500
    """The HTTP status that is answered."""
    type: ErrorType = "server_error"
    """One of the seven types of the contract."""
    code: str = "internal"
    """The machine-readable reason."""
    param: str | None = None
    """The parameter to blame, or None."""
    retryable: bool = True
    """Whether the client may send the request again."""
    retry_after: float | None = None
    """Seconds until a retry makes sense, or None where unknown."""
    message: str = STATUSES[500].message
    """What a person is told."""
    resolution: ClassVar[str | None] = None
    """What a client does about it, for the catalogue; None where the status says it."""
    headers: tuple[tuple[str, str], ...] = ()
    """Extra response headers."""
    upstream: UpstreamDetails | None = None
    """What an upstream said to cause this error: for the log, never sent."""
    protocol: str | None = None
    """The protocol whose own error answer was kept in place of an envelope: for the log."""

    _fixed: ClassVar[bool] = False
    _numbers: ClassVar[Mapping[str, Check]] = WAIT

    def __init_subclass__(
        cls,
        *,
        code: str | None = None,
        status: int | None = None,
        param: str | None = None,
        message: str | None = None,
        resolution: str | None = None,
        retryable: bool | None = None,
    ) -> None:
        """Define a service's own code; what the class's body sets counts like a keyword.

        Arguments:
            code: the code, fixed for the class and entered into the catalogue.
            status: another status than the base's, of the same type (`410` under
                `NotFoundError`, say).
            param: the parameter to blame unless the raise site names another.
            message: what is sent unless the raise site says something else; the status's by
                default. The docstring is for developers and is never sent.
            resolution: what a client does about it, for the catalogue; the status's by default.
            retryable: what `X-Should-Retry` says; the status's by default.

        Raises:
            TypeError: a value is of a wrong type, or blank; the code does not match the pattern;
                the status is unknown or of another type than the base; another class has the code,
                or the toolkit gives it another status.

        """
        super().__init_subclass__()
        keywords = {
            "code": code,
            "status": status,
            "param": param,
            "message": message,
            "resolution": resolution,
            "retryable": retryable,
        }
        own_type = cls.__dict__.get("type")
        said = checked_class(cls, cls._numbers, keywords)
        if "status" in said:
            cls._take_status(said)
        for name, value in said.items():
            setattr(cls, name, value)
        if own_type is not None and own_type != STATUSES[cls.status].type:
            msg = f"{cls.__name__}: type {shown(own_type)} is not that of status {cls.status}"
            raise TypeError(msg)
        if "code" in said:
            cls._fixed = True
            cls._register()

    @classmethod
    def _take_status(cls, said: dict[str, Any]) -> None:
        """Take a status, and with it what is not said of its code, message and retry."""
        entry = STATUSES[said["status"]]
        parent = next(base for base in cls.__mro__[1:] if issubclass(base, KaikoError))
        base = STATUSES[parent.status]
        # Only KaikoError itself has no type, so its children choose one.
        if KaikoError not in cls.__bases__ and entry.type != base.type:
            types = f"is {_with_article(entry.type)}, its base {_with_article(base.type)}"
            msg = f"{cls.__name__}: status {entry.status} {types}"
            raise TypeError(msg)
        cls.type = entry.type
        if not cls._fixed:
            cls.code = entry.code
        elif entry.status != base.status:
            said.setdefault("code", cls.code)  # one code with two statuses is refused
        if cls.message is base.message:
            cls.message = entry.message
        cls.retryable = entry.retryable

    @classmethod
    def _register(cls) -> None:
        doc: str = cls.__dict__.get("__doc__") or ""
        entry = RegisteredCode(
            cls,
            cls.code,
            cls.status,
            cls.retryable,
            cls.message,
            cls.resolution,
            doc.strip().partition("\n")[0].strip(),
        )
        register_class(entry, TOOLKIT_STATUSES.get(cls.code, ()))

    def __init__(
        self,
        message: str | None = None,
        *,
        code: str | None = None,
        param: str | None = None,
        headers: Headers | None = None,
        retryable: bool | None = None,
    ) -> None:
        if message is None:
            message = type(self).message
        if type(message) is not str:
            message = text_of(message, self.status)
        self.message = message
        super().__init__(message)
        if code is not None:
            if self._fixed:
                msg = f"{type(self).__name__} has the fixed code {self.code!r}"
                raise TypeError(msg)
            if not is_code(code):
                refuse_code(code)
            self.code = code
        if param is not None:
            self.param = param if type(param) is str else str(param)
        if retryable is not None:
            self.retryable = flag("retryable", retryable)
        if headers is not None:
            self.headers = header_pairs("headers", headers)

    def __reduce__(self) -> tuple[object, ...]:
        """Make every subclass picklable and copyable, whatever its `__init__` takes."""
        return restore_error, (self.__class__, self.args, self.__dict__.copy())


def restore_error(cls: type[_E], args: tuple[object, ...], state: Mapping[str, object]) -> _E:
    """Return an error that was never raised, without a call of its `__init__`.

    Arguments:
        cls: its class.
        args: its `args`.
        state: its attributes.

    """
    error = cls.__new__(cls, *args)
    error.__dict__.update(state)
    return error


def default_message(error: KaikoError) -> str:
    """Return what is sent where an error's own message is blank, or no text."""
    cls, entry = type(error), STATUSES[error.status]
    return text_of(cls.message, entry.status) if cls.status == entry.status else entry.message


def _with_article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeio' else 'a'} {noun}"
