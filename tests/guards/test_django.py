"""The guards in Django's `MIDDLEWARE`: under WSGI and ASGI, with the envelope and without."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from django.http import HttpResponse
from django.test import RequestFactory, override_settings

from adapters.django.stacks import BARE, STACKS, Project, Stack
from guards.test_asgi import BROKEN, KEY, REVOKED, UNKNOWN, AsyncKeys, Keys
from guards.test_memory import Clock
from kaiko_guards import ApiKeys, BodyLimit, Deadline, RateLimit, deadline
from kaiko_guards.django import GuardMiddleware
from kaiko_middleware.conformance import check_answer
from kaiko_middleware.settings_check import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.asgi.server import Answer

OURS = "kaiko_guards.django.GuardMiddleware"
each_stack = pytest.mark.parametrize("stack", STACKS, ids=lambda stack: stack.name)
each_way = pytest.mark.parametrize("enveloped", [True, False], ids=["enveloped", "alone"])


def whose(request: Any) -> HttpResponse:
    """Answer with whose key it was."""
    return HttpResponse(str(request.kaiko_principal))


async def whose_async(request: Any) -> HttpResponse:
    """Answer with whose key it was."""
    return HttpResponse(str(request.kaiko_principal))


def project(view: Callable[..., object], *guards: Any, **others: Any) -> Project:
    """Return a project whose view is guarded."""
    return Project(
        view, middleware=(OURS,), settings={"KAIKO_GUARDS": {"guards": guards, **others}}
    )


def ask(
    stack: Stack, served: Project, where: str = "/x", *, enveloped: bool, **request: Any
) -> Answer:
    """Serve one request."""
    if enveloped:
        return stack.ask(served, where, **request)
    with override_settings(**served.all_settings(ours=False)):
        return stack.ask_app(BARE[stack.asgi](), where, **request)


def error_of(answer: Answer) -> dict[str, Any]:
    """Return the error of an answer that conforms."""
    assert check_answer(answer.status, answer.headers, answer.body) == []
    error: dict[str, Any] = json.loads(answer.body)["error"]
    return error


@each_stack
@each_way
@pytest.mark.parametrize("view", [whose, whose_async])
@pytest.mark.parametrize(
    ("key", "status", "code"),
    [
        (None, 401, "invalid_api_key"),
        (UNKNOWN, 401, "invalid_api_key"),
        (REVOKED, 403, "key_revoked"),
        (BROKEN, 503, "service_unavailable"),
    ],
)
def test_a_request_without_a_valid_key_is_refused(
    stack: Stack,
    view: Any,
    key: str | None,
    status: int,
    code: str,
    *,
    enveloped: bool,
    caplog: Any,
) -> None:
    """One record, and the view does not hear of it."""
    headers = [] if key is None else [("x-api-key", key)]
    answer = ask(stack, project(view, ApiKeys(Keys())), headers=headers, enveloped=enveloped)
    assert (answer.status, error_of(answer)["code"]) == (status, code)
    names = [record.name for record in caplog.records if record.name != "kaiko.guards"]
    assert names == ["kaiko"]


@each_stack
@each_way
@pytest.mark.parametrize("view", [whose, whose_async])
def test_a_valid_key_lets_a_request_through(stack: Stack, view: Any, *, enveloped: bool) -> None:
    """And says whose it is; public paths need none."""
    served = project(view, ApiKeys(Keys(), public=("/x/health",)))
    answer = ask(stack, served, headers=[("x-api-key", KEY)], enveloped=enveloped)
    assert (answer.status, answer.body) == (200, b"billing")


@each_way
@pytest.mark.parametrize("stack", [stack for stack in STACKS if stack.asgi], ids=lambda s: s.name)
@pytest.mark.parametrize(
    ("key", "status"), [(KEY, 200), (UNKNOWN, 401), (BROKEN, 503), (None, 401)]
)
def test_an_asynchronous_verifier_is_awaited(
    stack: Stack, key: str | None, status: int, *, enveloped: bool
) -> None:
    """Where the stack awaits."""
    headers = [] if key is None else [("x-api-key", key)]
    served = project(whose_async, ApiKeys(AsyncKeys()))
    assert ask(stack, served, headers=headers, enveloped=enveloped).status == status


@each_stack
@each_way
def test_a_limit_tells_what_is_left_and_then_refuses(stack: Stack, *, enveloped: bool) -> None:
    """On every answer that it governs."""
    served = project(whose, RateLimit("2/minute", by="address", clock=Clock()))
    told = [ask(stack, served, enveloped=enveloped) for _ in range(3)]
    assert [each.status for each in told] == [200, 200, 429]
    assert [each.one("x-ratelimit-remaining") for each in told] == ["1", "0", "0"]
    assert told[2].one("retry-after") == "30"


@each_stack
@each_way
def test_a_body_that_is_too_large_is_refused(stack: Stack, *, enveloped: bool) -> None:
    """By what the request says of it."""
    served = project(whose, BodyLimit(10))
    request: dict[str, Any] = {"method": "POST", "enveloped": enveloped}
    assert ask(stack, served, body=b"x" * 10, **request).status == 200
    answer = ask(stack, served, body=b"x" * 11, **request)
    assert (answer.status, error_of(answer)["code"]) == (413, "payload_too_large")


@pytest.mark.parametrize("stack", [stack for stack in STACKS if stack.asgi], ids=lambda s: s.name)
def test_a_body_of_unknown_length_is_measured(stack: Stack) -> None:
    """Django's ASGI handler has all of it by then."""
    served = project(whose, BodyLimit(10))
    headers = [("content-length", "ten")]
    assert ask(stack, served, body=b"x" * 11, headers=headers, enveloped=True).status == 413
    assert ask(stack, served, body=b"x" * 9, headers=headers, enveloped=True).status == 200


async def slow(_request: Any) -> HttpResponse:
    """Take too long."""
    await asyncio.sleep(30)
    return HttpResponse("late")


@each_way
@pytest.mark.parametrize("stack", [stack for stack in STACKS if stack.asgi], ids=lambda s: s.name)
def test_a_view_that_awaits_is_ended(stack: Stack, *, enveloped: bool) -> None:
    """At its deadline."""
    answer = ask(stack, project(slow, Deadline(0.01)), enveloped=enveloped)
    assert (answer.status, error_of(answer)["code"]) == (503, "timeout")


@each_stack
def test_a_view_is_told_what_is_left(stack: Stack) -> None:
    """Also where nothing can be ended."""
    told: list[float | None] = []

    def view(_request: Any) -> HttpResponse:
        told.append(deadline())
        return HttpResponse("ok")

    ask(stack, project(view, Deadline(5)), enveloped=True)
    assert told[0] is not None
    assert 0 < told[0] <= 5
    assert deadline() is None


@each_stack
def test_a_caller_without_time_is_answered_at_once(stack: Stack) -> None:
    """The work would be in vain."""
    headers = [("x-request-deadline", "0")]
    answer = ask(stack, project(whose, Deadline(5)), headers=headers, enveloped=True)
    assert (answer.status, error_of(answer)["code"]) == (503, "timeout")


GUARDS = [RateLimit("1/minute", by=lambda _request: "everyone")]


def test_the_guards_may_be_named_by_their_path() -> None:
    """A settings module then imports nothing."""
    served = Project(
        whose, middleware=(OURS,), settings={"KAIKO_GUARDS": {"guards": f"{__name__}.GUARDS"}}
    )
    assert [ask(STACKS[0], served, enveloped=True).status for _ in range(2)] == [200, 429]


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ([], "KAIKO_GUARDS: "),
        ({"guard": []}, "KAIKO_GUARDS: 'guard'"),
        ({"guards": "no.such.path"}, "KAIKO_GUARDS: guards: "),
        ({"guards": ["100/minute"]}, "KAIKO_GUARDS: guards: "),
        ({"trusted_proxies": "10.0.0.0/8"}, "KAIKO_GUARDS: trusted_proxies: "),
        ({"guards": [ApiKeys(AsyncKeys())]}, "KAIKO_GUARDS: guards: "),
    ],
)
def test_a_wrong_setting_is_named_at_once(setting: Any, named: str) -> None:
    """When the stack is made."""
    with override_settings(KAIKO_GUARDS=setting), pytest.raises(ConfigError, match=f"^{named}"):
        GuardMiddleware(whose)


def test_a_timeout_within_the_deadline_is_raised() -> None:
    """It is a bug of a limit's callable, and no late request."""

    def identify(_request: object) -> str:
        raise TimeoutError

    guards = {"guards": [Deadline(30), RateLimit("1/minute", by=identify)]}
    with override_settings(KAIKO_GUARDS=guards):
        middleware: Any = GuardMiddleware(whose_async)
        with pytest.raises(TimeoutError):
            asyncio.run(middleware(RequestFactory().get("/")))
