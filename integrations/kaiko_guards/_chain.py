"""The guards of an application in the one sound order: deadline, size, key, limits.

The deadline runs while the others work; a body that is too large is refused before a key is
looked up; and a limit can count by key, since the key is known by then.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeVar, cast

from kaiko_guards._counting import Counting
from kaiko_guards._deadlines import Deadline
from kaiko_guards._keys import ApiKeys
from kaiko_guards._limits import RateLimit
from kaiko_guards._request import TrustedProxies
from kaiko_guards._sizes import BodyLimit
from kaiko_guards._verdicts import ValidKey, needs_thread
from kaiko_middleware.deadline import DEADLINE_HEADER
from kaiko_middleware.safe_exception import class_name
from kaiko_middleware.settings_check import is_plain_callable, refuse

if TYPE_CHECKING:
    from kaiko_guards._request import GuardedRequest
    from kaiko_guards._verdicts import KeyAnswer

__all__ = [
    "Guard",
    "Guards",
    "ask_plain_verifier",
    "ask_verifier",
    "needs_loop_verifier",
    "needs_plain_verifier",
]

_DEADLINE = DEADLINE_HEADER.lower()
_KINDS = (Deadline, BodyLimit, ApiKeys, RateLimit)
_G = TypeVar("_G")

Guard = ApiKeys | BodyLimit | Deadline | RateLimit
"""Any guard, as the type of what a service hands to its middleware."""


class Guards:
    """The guards of one application, sorted.

    Arguments:
        given: the guards, in any order; of each kind but `RateLimit` at most one.
        trusted_proxies: addresses and networks of proxies whose `X-Forwarded-For` is believed;
            `unix:` for the server's Unix socket.
        setting: what the settings are in, for messages, such as `"KAIKO_GUARDS: "`.

    Raises:
        ConfigError: it is no sequence of guards, one kind is there twice, or one of the proxies
            is no address.

    """

    def __init__(
        self, given: Iterable[Guard], trusted_proxies: Iterable[str] = (), *, setting: str = ""
    ) -> None:
        key = f"{setting}guards"
        allowed = f"a sequence of {', '.join(kind.__name__ for kind in _KINDS)}"
        anything = cast("object", given)
        if isinstance(anything, str) or not isinstance(anything, Iterable):
            refuse(key, given, allowed)
        guards = tuple(cast("Iterable[object]", anything))
        for guard in guards:
            if not isinstance(guard, _KINDS):
                refuse(key, guard, allowed)
        self.deadline: Deadline | None = _one(key, guards, Deadline)
        self.size: BodyLimit | None = _one(key, guards, BodyLimit)
        self.keys: ApiKeys | None = _one(key, guards, ApiKeys)
        self.limits: tuple[RateLimit, ...] = tuple(
            guard for guard in guards if isinstance(guard, RateLimit)
        )
        names = [name for limit in self.limits for name in limit.policies]
        for number, name in enumerate(names):
            if name in names[:number]:
                refuse(key, name, "limits whose policies differ in name: give one a name")
        self.counting: Counting = Counting(self.limits)
        self.asks_plainly: bool = self.keys is not None and is_plain_callable(
            self.keys.verifier.verify
        )
        """Whether nobody has to await what is said of a key."""
        self.proxies: TrustedProxies = TrustedProxies(f"{setting}trusted_proxies", trusted_proxies)

    def seconds_for(self, request: GuardedRequest) -> float | None:
        """Return the seconds that a request has; None for no deadline.

        Raises:
            ServiceUnavailableError: its caller waits no longer; the work would be in vain.

        """
        if self.deadline is None:
            return None
        asked = request.read_header(_DEADLINE)
        return self.deadline.for_request(request.path, asked)


def _one(key: str, guards: tuple[object, ...], kind: type[_G]) -> _G | None:
    found = [guard for guard in guards if isinstance(guard, kind)]
    if len(found) > 1:
        refuse(key, found, f"guards with one {kind.__name__} at most")
    return found[0] if found else None


def needs_plain_verifier(key: str, guards: Guards) -> None:
    """Refuse a verifier whose answer somebody would have to await.

    Raises:
        ConfigError: it is asynchronous.

    """
    if guards.keys is not None and not guards.asks_plainly:
        refuse(key, guards.keys.verifier, "guards whose verifier has a plain verify(key) here")


def needs_loop_verifier(key: str, keys: ApiKeys | None) -> None:
    """Refuse a verifier that an event loop cannot call: each request would be answered 503.

    Raises:
        ConfigError: it says that it needs a thread.

    """
    if keys is not None and needs_thread(keys.verifier):
        allowed = "one for an event loop, such as AsyncCachedKeys(AsyncModelKeys())"
        refuse(key, keys.verifier, allowed)


def ask_plain_verifier(keys: ApiKeys, value: str | None) -> tuple[str, ValidKey]:
    """Return the key that a header's value is, and what a synchronous verifier says of it.

    Raises:
        KaikoError: what the request is answered with.

    """
    key = keys.key_in(value)
    try:
        answer = keys.plain_verifier.verify(key)
    except Exception as exc:
        raise keys.failed(class_name(type(exc))) from exc
    return key, keys.accept(answer)


async def ask_verifier(keys: ApiKeys, value: str | None) -> tuple[str, ValidKey]:
    """Return the key that a header's value is, and what a verifier of either kind says of it.

    Raises:
        KaikoError: what the request is answered with.

    """
    key = keys.key_in(value)
    try:
        said = keys.verifier.verify(key)
        answer: KeyAnswer = said if isinstance(said, ValidKey | str) else await said
    except Exception as exc:
        raise keys.failed(class_name(type(exc))) from exc
    return key, keys.accept(answer)
