"""An error's whole way, in one screen: an exception or an error answer becomes a reply.

    map_exception     an exception        ─┐
    foreign_answer    a returned answer   ─┼→ typed error → report → render → reply
    validation, upstream raise            ─┘

One `Pipeline` is made per installed middleware, from its `Config`. A driver turns its
framework's request into a `RequestInfo`, and the `Answer` into its framework's response.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from .arguments import wrong_argument
from .config import Config
from .content_coding import decode_body
from .errors import KaikoError, ServerError
from .foreign_answer import error_from_answer, is_read_by_request
from .headers import DESCRIBES_BODY, sendable
from .ids import RequestIdPool, accept_request_id
from .kept_answer import keep_protocol_error
from .known_exceptions import Disconnected
from .known_protocols import may_depend_on_request
from .protocol_errors import may_be_one
from .render import Repeated, Reply, render
from .report import (
    RequestInfo,
    report_disconnect,
    report_error,
    report_failure,
    report_note,
    report_passing,
)
from .safe_exception import class_name
from .sentry import tell_sentry

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from .map_exception import Known

__all__ = ["Answer", "Pipeline"]

Headers = list[tuple[str, str]]
Fields = tuple[tuple[str, str], ...]

_RETRIES = {"true": True, "false": False}
_REMEMBERED = 256
_LONGEST = 1024
_IN_TIME = frozenset({"retry-after", "x-ratelimit-reset"})


class Answer:  # no NamedTuple, which takes twice as long to make
    """An error answer and what caused it.

    Arguments:
        reply: what is sent.
        error: what it was rendered from.
        unmapped: whether the exception has no mapping and is to be handed on.
        disconnected: whether there is no client to send the reply to.

    """

    def __init__(
        self,
        reply: Reply,
        error: KaikoError,
        *,
        unmapped: bool = False,
        disconnected: bool = False,
    ) -> None:
        self.reply: Reply = reply
        self.error: KaikoError = error
        self.unmapped: bool = unmapped
        self.disconnected: bool = disconnected


class Pipeline:
    """The core's steps, joined for one configuration.

    Arguments:
        config: the settings; its mapping is frozen from here on.

    """

    __slots__ = (
        "_answers",
        "_bug",
        "_internal",
        "config",
        "covers_everything",
        "id_header",
        "id_key",
        "ids",
        "pop_id",
    )

    def __init__(self, config: Config) -> None:
        if not isinstance(cast("object", config), Config):  # callers may give anything
            hint = "Config.from_mapping(…) makes one from a mapping of settings"
            raise wrong_argument("config takes a kaiko_middleware.Config", config, hint)
        config.mapping.freeze()
        tell_sentry()
        # A service returns the same few error answers: each is read and rendered once.
        self._answers: dict[tuple[int, Fields, bytes | None], tuple[KaikoError, Repeated]] = {}
        self._bug = ServerError()
        self._internal = Repeated(render(self._bug, "-", config))
        self.config: Config = config
        self.covers_everything: bool = config.covers_everything
        self.ids: RequestIdPool = RequestIdPool(config.request_id_digits)
        self.id_header: str = config.request_id_header
        self.id_key: str = self.id_header.lower()
        usual = self.covers_everything and not config.trust_request_id
        none: list[str] = []
        self.pop_id: Callable[[], str] = self.ids.pop if usual else none.pop
        """Returns a fresh id. IndexError: the request needs a look, or the pool is empty."""

    def on_exception(
        self,
        exc: BaseException,
        request: RequestInfo,
        *,
        replaced: Collection[tuple[str, str]] = (),
        known: Known | None = None,
        handed_on: bool = True,
    ) -> Answer:
        """Map an exception, report it and render the answer.

        Arguments as in `on_mapped` and `on_unmapped`.
        """
        answer = self.on_mapped(exc, request, replaced=replaced, known=known)
        if answer is None:
            return self.on_unmapped(exc, request, replaced, handed_on=handed_on)
        return answer

    def on_mapped(
        self,
        exc: BaseException,
        request: RequestInfo,
        *,
        replaced: Collection[tuple[str, str]] = (),
        known: Known | None = None,
    ) -> Answer | None:
        """Do what `on_exception` does, unless the exception is unmapped: then return None.

        Arguments:
            exc: what was raised.
            request: the request that failed.
            replaced: headers of an answer that was being made, of which some stay.
            known: what the adapter knows of its framework's classes, besides the toolkit.

        """
        # Not by isinstance, which asks the exception for its class where the type is another one.
        if issubclass(type(exc), KaikoError):
            typed: Any = exc  # known by its type, whatever it says of its class
            error: KaikoError = typed
        else:
            found = self._look_up(exc, request, known)
            if found is None:
                return None
            if isinstance(found, Disconnected):
                report_disconnect(exc, request)
                gone = KaikoError()
                return Answer(self.render(gone, request, replaced), gone, disconnected=True)
            error = found
        self.report(error, exc, request)
        reply = render(error, request.request_id, self.config, replaced)
        return Answer(reply, error)

    def on_unmapped(
        self,
        exc: BaseException,
        request: RequestInfo,
        replaced: Collection[tuple[str, str]] = (),
        *,
        handed_on: bool = True,
    ) -> Answer:
        """Report an exception without a mapping and render the answer: 500 `internal`.

        Arguments:
            exc: what was raised.
            request: the request that failed.
            replaced: as in `on_mapped`.
            handed_on: whether the driver can hand the exception on after the answer.

        """
        # A hook is told of an error of its own, which it may keep.
        error = ServerError() if self.config.on_error else self._bug
        self.report(error, exc, request, unmapped=True, handed_on=handed_on)
        if replaced:
            reply = render(error, request.request_id, self.config, replaced)
        else:
            reply = self._internal.for_request(request.request_id)
        return Answer(reply, error, unmapped=True)

    def on_passing(self, exc: BaseException, request: RequestInfo) -> None:
        """Tell the hooks that want to know of an unmapped exception that an outer layer answers.

        Arguments:
            exc: what was raised.
            request: the request that failed.

        """
        if self.config.on_error:
            report_passing(exc, ServerError(), request, self.config.on_error)

    def on_answer(
        self,
        status: int,
        headers: Headers,
        body: bytes | None,
        request: RequestInfo,
        *,
        report: bool = True,
    ) -> Answer:
        """Turn an error answer that inner code returned into ours, and report it.

        Arguments:
            status: its status, 400 or above; one outside 100 to 599 is a 500.
            headers: its headers.
            body: its body as sent, or None where it was dropped for its size.
            request: the request it answers.
            report: whether it is reported here; otherwise the caller reports it later.

        """
        found = self.recall(status, headers, body)
        if found is None:
            error, reply = self._read_answer(status, headers, body, request)
        else:
            error, reply = found[0], found[1].for_request(request.request_id)
        if report:
            self.report(error, None, request)
        return Answer(reply, error)

    def recall(
        self, status: int, headers: Headers, body: bytes | None
    ) -> tuple[KaikoError, Repeated] | None:
        """Return what such an error answer became before, if it always becomes the same."""
        return self._answers.get((status, tuple(headers), body))

    def keep(
        self, status: int, headers: Headers, body: bytes | None, request: RequestInfo
    ) -> tuple[KaikoError, Reply] | None:
        """Return what is reported and sent of another protocol's error; None for any other answer.

        Arguments as in `on_answer`.
        """
        if not body or not self.config.keep_protocol_errors:
            return None
        said = {name.lower(): value for name, value in headers}
        plain = decode_body(body, said.get("content-encoding", ""))
        if not plain or not may_be_one(plain):
            return None
        given, kind = Reply(status, tuple(headers), body), said.get("content-type", "")
        return keep_protocol_error(given, plain, kind, request, self.config)

    def _read_answer(
        self, status: int, headers: Headers, body: bytes | None, request: RequestInfo
    ) -> tuple[KaikoError, Reply]:
        said: dict[str, str] = {}
        kept: Headers = []
        for name, value in headers:
            lowered = name.lower()
            said[lowered] = f"{said[lowered]},{value}" if lowered in said else value
            if lowered not in DESCRIBES_BODY:
                kept.append((name, value))
        plain = body
        if body is not None and "content-encoding" in said:
            plain = decode_body(body, said["content-encoding"])
        config, kind = self.config, said.get("content-type", "")
        maybe = config.keep_protocol_errors and body and plain and may_be_one(plain)
        if body and plain and maybe:
            given = Reply(status, tuple(headers), body)
            kept_answer = keep_protocol_error(given, plain, kind, request, config)
            if kept_answer is not None:
                return kept_answer
        error = error_from_answer(
            status,
            plain,
            content_type=kind,
            retryable=_RETRIES.get(said.get("x-should-retry", "").lower()),
            request_type=request.content_type,
        )
        reply = self.render(error, request, kept)
        if (
            not config.on_error  # a hook is told of an error of its own, which it may keep
            and _is_always_the_same(headers, body)
            and not (plain and maybe and may_depend_on_request(plain))
            and not (
                plain
                and is_read_by_request(
                    status, plain, content_type=kind, request_type=request.content_type
                )
            )
            and request.method != "HEAD"
        ):
            if len(self._answers) >= _REMEMBERED:  # threads may have passed it
                self._answers.clear()
            self._answers[status, tuple(headers), body] = error, Repeated(reply)
        return error, reply

    def on_bug(self, text: str, request: RequestInfo) -> Answer:
        """Answer 500 `internal` for something that no server would send, and log why."""
        error = ServerError()
        self.report(error, None, request, bug=text)
        return Answer(self.render(error, request, ()), error)

    def find(
        self, exc: BaseException, request: RequestInfo, known: Known | None = None
    ) -> KaikoError | None:
        """Return the typed error for `exc`, or None where it is unmapped.

        A handler that fails is logged, and the exception is then unmapped. Arguments as in
        `on_exception`.
        """
        found = self._look_up(exc, request, known)
        return None if isinstance(found, Disconnected) else found

    def _look_up(
        self, exc: BaseException, request: RequestInfo, known: Known | None
    ) -> KaikoError | Disconnected | None:
        try:
            return self.config.mapping.look_up(exc, known)
        except Exception as failed:  # noqa: BLE001 - a service's handler may raise anything
            text = f"the mapping's handler for {class_name(type(exc))} failed"
            report_failure(failed, request, text)
            return None

    def report(
        self,
        error: KaikoError,
        exc: BaseException | None,
        request: RequestInfo,
        *,
        unmapped: bool = False,
        handed_on: bool = True,
        bug: str | None = None,
        late: str | None = None,
    ) -> None:
        """Report an error; that this fails is never a reason not to answer.

        Arguments:
            error: what is answered.
            exc: the exception behind it, if there is one.
            request: the request that failed.
            unmapped: whether the exception has no mapping.
            handed_on: whether the driver can hand it on after the answer.
            bug: what inner code did wrong without raising anything.
            late: when the exception came, if the answer was under way or out already: the
                driver then hands it on whatever the configuration says.

        """
        config = self.config
        try:
            report_error(
                error,
                exc,
                request,
                config.on_error,
                unmapped=unmapped,
                handed_on=handed_on
                and unmapped
                and (late is not None or config.reraise or not isinstance(exc, Exception)),
                bug=bug,
                late=late,
            )
        except Exception as failed:  # noqa: BLE001 - a broken subclass, or a broken log filter
            try:
                report_failure(failed, request, "an error could not be reported")
            except Exception:  # noqa: BLE001, S110 - logging itself is broken: nobody to tell
                pass

    def render(
        self, error: KaikoError, request: RequestInfo, replaced: Collection[tuple[str, str]] = ()
    ) -> Reply:
        """Render `error` for `request` with this configuration."""
        return render(error, request.request_id, self.config, replaced)

    def request_id(self, inbound: Sequence[str] = ()) -> str:
        """Return the request's id: the inbound one where that is trusted, else a fresh one.

        Arguments:
            inbound: the values of the inbound id header, all of them.

        """
        if inbound and self.config.trust_request_id:
            taken = accept_request_id(inbound)
            if taken is not None:
                return taken
            fresh = self.ids()
            report_note(
                f"inbound {self.config.request_id_header} replaced: {inbound[0]!a}",
                RequestInfo(fresh, "-", "-"),
            )
            return fresh
        return self.ids()


def _is_always_the_same(headers: Headers, body: bytes | None) -> bool:
    """Whether the same answer becomes the same reply at any time and for any request."""
    if body is None or len(body) > _LONGEST:
        return False
    kept, dropped = sendable(headers)
    # A date becomes seconds from now, and the log tells of each header that is dropped.
    return (
        not dropped
        and sum(len(name) + len(value) for name, value in kept) <= _LONGEST
        and _IN_TIME.isdisjoint(name.lower() for name, _ in kept)
    )
