"""The settings of a middleware: validated once, frozen, with errors that say what to write."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn, cast

from .headers import DESCRIBES_BODY, EXPOSED, is_field_name, is_field_value
from .map_exception import ExceptionMapping
from .settings_check import ConfigError, hooks_of, path_prefixes, refuse, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .report import Hook

__all__ = ["Config", "handing_on", "is_within", "routed_path", "served_path"]

# Headers that say something else, in a request or in an answer: by RFC 9110 (HTTP), 9111
# (caching), 6265 (cookies), 7239 (proxies), by CORS, and by this contract.
_TAKEN = DESCRIBES_BODY.union((name.lower() for name in EXPOSED[1:]), {
    "accept", "age", "allow", "alt-svc", "authentication-info", "authorization", "connection",
    "cookie", "date", "expect", "forwarded", "from", "host", "keep-alive", "link", "location",
    "max-forwards", "origin", "pragma", "range", "referer", "server", "set-cookie",
    "strict-transport-security", "te", "upgrade", "user-agent", "vary", "via", "warning",
})  # fmt: skip
_SLASHES = re.compile("//+")
_FAMILIES = ("accept-", "access-control-", "content-", "if-", "proxy-", "sec-", "x-forwarded-")


class Config:
    """What a service can choose, as an immutable value; every argument is keyword-only.

    Arguments:
        request_id_header: the header that carries the request id, both ways.
        request_id_digits: hex digits of a generated id, 10 to 32.
        trust_request_id: take an inbound id, for services behind a gateway that sets it.
        paths: the prefixes, by whole segments, within which answers are rewritten.
        exclude_paths: prefixes within these that are left alone.
        rewrite_answers: turn error answers that inner code returns into envelopes too.
        keep_protocol_errors: leave those of them alone that are errors of another protocol:
            JSON-RPC, OAuth, SCIM, ACME, Matrix, GraphQL, Connect, A2A, SOAP, WebDAV, S3.
        hold_event_streams: hold the head of an event stream until its first event, so
            that a failure before it gets a clean error; costs the early head.
        challenge: the `WWW-Authenticate` of a 401 that brings none.
        mapping: the service's own exception handlers; frozen when installed.
        on_error: hooks called with an `ErrorReport` for each error answered; one that
            raises is logged and harms nothing.
        reraise: hand unmapped exceptions on to the framework after answering them.

    Raises:
        ConfigError: a value is not allowed.

    """

    request_id_header: str
    request_id_digits: int
    trust_request_id: bool
    paths: tuple[str, ...]
    exclude_paths: tuple[str, ...]
    rewrite_answers: bool
    keep_protocol_errors: bool
    hold_event_streams: bool
    challenge: str
    mapping: ExceptionMapping
    on_error: tuple[Hook, ...]
    reraise: bool

    def __init__(
        self,
        *,
        request_id_header: str = "X-Request-ID",
        request_id_digits: int = 10,
        trust_request_id: bool = False,
        paths: Iterable[str] = ("/",),
        exclude_paths: Iterable[str] = (),
        rewrite_answers: bool = True,
        keep_protocol_errors: bool = True,
        hold_event_streams: bool = False,
        challenge: str = "ApiKey",
        mapping: ExceptionMapping | None = None,
        on_error: Iterable[Hook] = (),
        reraise: bool = True,
    ) -> None:
        _set = object.__setattr__
        if not is_field_name(request_id_header) or _is_taken(request_id_header.lower()):
            allowed = "a header name of its own, such as 'X-Request-ID'"
            refuse("request_id_header", request_id_header, allowed)
        _set(self, "request_id_header", request_id_header)
        if type(request_id_digits) is not int or not 10 <= request_id_digits <= 32:
            refuse("request_id_digits", request_id_digits, "an int from 10 to 32")
        _set(self, "request_id_digits", request_id_digits)
        for name, flag in (
            ("trust_request_id", trust_request_id),
            ("rewrite_answers", rewrite_answers),
            ("keep_protocol_errors", keep_protocol_errors),
            ("hold_event_streams", hold_event_streams),
            ("reraise", reraise),
        ):
            if type(flag) is not bool:
                refuse(name, flag, "True or False")
            _set(self, name, flag)
        _set(self, "paths", path_prefixes("paths", paths))
        if not self.paths:
            refuse("paths", paths, "at least one prefix, such as ('/',)")
        _set(self, "exclude_paths", path_prefixes("exclude_paths", exclude_paths))
        if not is_field_value(challenge) or not challenge.strip():
            refuse("challenge", challenge, "a header value such as 'ApiKey'")
        _set(self, "challenge", challenge.strip())
        given = ExceptionMapping() if mapping is None else mapping
        chosen = cast("object", given)  # callers may give anything
        if not isinstance(chosen, ExceptionMapping):
            refuse("mapping", chosen, "an ExceptionMapping")
        _set(self, "mapping", chosen)
        _set(self, "on_error", hooks_of("on_error", on_error, "an ErrorReport"))

    @classmethod
    def from_mapping(cls, settings: Mapping[str, object], *, source: str = "Config") -> Config:
        """Return the configuration that a dictionary of settings says.

        Arguments:
            settings: the same keys as the constructor's arguments.
            source: the setting's name, for the message.

        Raises:
            ConfigError: a key is unknown, or a value is not allowed.

        """
        given = cast("object", settings)  # callers may give anything
        if not isinstance(given, Mapping):
            msg = f"{source}: {shown(given)} is not allowed; it must be a mapping of settings"
            raise ConfigError(msg)
        for key in settings:
            if key not in _KEYS:
                raise ConfigError(_unknown(source, key, settings[key]))
        try:
            return cls(**cast("dict[str, Any]", settings))  # the constructor checks every value
        except ConfigError as exc:
            msg = f"{source}: {exc}"
        raise ConfigError(msg)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        """Refuse: a configuration is frozen."""
        msg = f"Config is frozen: make a new one to change {name!r}"
        raise AttributeError(msg)

    def __delattr__(self, name: str) -> NoReturn:
        """Refuse: a configuration is frozen."""
        msg = f"Config is frozen: {name!r} cannot be deleted"
        raise AttributeError(msg)

    def __reduce__(self) -> tuple[Callable[..., Config], tuple[dict[str, Any]]]:
        """Copy and pickle by the constructor, since nothing can be set afterwards."""
        return type(self).from_mapping, ({name: getattr(self, name) for name in _KEYS},)

    def __repr__(self) -> str:
        """Return the constructor's call."""
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in _KEYS)
        return f"Config({values})"

    def covers(self, path: str, root_path: str = "") -> bool:
        """Whether answers to `path` are ours: within `paths` and not within `exclude_paths`.

        Arguments:
            path: the request's path.
            root_path: the prefix that the application is served or mounted under. Where the path
                has it, what follows counts, as for the application's router.

        """
        path = routed_path(path, root_path)
        return is_within(path, self.paths) and not is_within(path, self.exclude_paths)

    @property
    def covers_everything(self) -> bool:
        """Whether no path is left out, so that nobody needs to ask."""
        return "/" in self.paths and not self.exclude_paths


_KEYS = tuple(sorted(Config.__annotations__))


def handing_on(config: Config) -> Config:
    """Return `config` with `reraise`, for what a framework's hooks hear of in any case."""
    return Config.from_mapping({name: getattr(config, name) for name in _KEYS} | {"reraise": True})


def _unknown(source: str, key: object, value: object) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - 5 ms, only for a wrong key

    close = get_close_matches(str(key).lower(), _KEYS, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    said = f"{shown(key)} (with the value {shown(value)})"
    return f"{source}: unknown key {said}; {hint}allowed are {', '.join(_KEYS)}"


def served_path(path: str, root_path: str) -> str:
    """Return the path with the prefix that the application is served under, for the log."""
    return path if not root_path or _is_below(path, root_path) else f"{root_path}{path}"


def routed_path(path: str, root_path: str) -> str:
    """Return the path that the application's router matches: what follows the root path."""
    path, root_path = _merge_slashes(path), root_path.rstrip("/")
    return path[len(root_path) :] if root_path and _is_below(path, root_path) else path


def _merge_slashes(path: str) -> str:
    """Return the path as most routers match it: Litestar, Quart, Falcon, Flask, Bottle."""
    return _SLASHES.sub("/", path) if "//" in path else path


def _is_below(path: str, root_path: str) -> bool:
    return path == root_path or path.startswith(f"{root_path}/")


def _is_taken(name: str) -> bool:
    return name in _TAKEN or name.startswith(_FAMILIES)


def is_within(path: str, prefixes: tuple[str, ...]) -> bool:
    """Whether `path` is one of the prefixes or below it, by whole segments."""
    path = _merge_slashes(path)
    for prefix in prefixes:  # noqa: SIM110 - a generator takes half as long again
        if prefix in {"/", path} or path.startswith(f"{prefix}/"):
            return True
    return False
