"""Whose fault an upstream's answer is, whatever shape it comes in; and nothing of it leaks."""

from __future__ import annotations

import re
from typing import Literal

import pytest

from kaiko_middleware import KaikoError, render
from kaiko_middleware.conformance import check_answer
from kaiko_middleware.upstream import Category, Trust, Upstream
from unit.upstream import corpus
from unit.upstream.corpus import ENVELOPE, Case
from unit.upstream.reported import REPORTED

ALL = [*corpus.ALL, *REPORTED]

Row = tuple[int, str, str, bool]

ANSWERS: dict[Category, Row] = {
    "throttled": (429, "rate_limit_error", "too_many_requests", True),
    "account": (500, "server_error", "internal", False),
    "unavailable": (503, "server_error", "service_unavailable", True),
    "rejected": (500, "server_error", "internal", False),
    "broken": (500, "server_error", "internal", False),
}
REFUSALS: dict[str, Row] = {
    "payload_too_large": (413, "invalid_request_error", "payload_too_large", False),
    "content_policy_violation": (422, "invalid_request_error", "content_policy_violation", False),
}
FOR_LLM: dict[str, Row] = {**REFUSALS, **{str(category): row for category, row in ANSWERS.items()}}


def ids(case: Case) -> str:
    """Name a case."""
    return case.name


def row(error: KaikoError) -> Row:
    """Return what a caller gets of an error."""
    return error.status, error.type, error.code, error.retryable


def judge(case: Case, trust: Trust, *, rate_limit_as: Literal[429, 503] = 429) -> KaikoError | None:
    """Ask for the error of a case."""
    upstream = Upstream("up", trust=trust, rate_limit_as=rate_limit_as)
    return upstream.error_from_response(case.status, case.headers, case.raw)


@pytest.mark.parametrize("case", ALL, ids=ids)
def test_opaque_upstream_is_answered_by_whose_fault_it_is(case: Case) -> None:
    """Status, type, code, retry and wait follow from the category alone."""
    error = judge(case, "opaque")
    if case.category is None:
        assert error is None
        return
    assert error is not None
    assert error.upstream is not None
    assert error.upstream.category == case.category
    status, kind, code, retry = ANSWERS[case.category]
    assert row(error) == (status, kind, code, retry if case.retry is None else case.retry)
    assert error.retry_after == case.wait


@pytest.mark.parametrize("case", ALL, ids=ids)
def test_llm_provider_refuses_the_callers_own_content(case: Case) -> None:
    """What is too long, or against a policy, is the caller's business; nothing else is."""
    error = judge(case, "llm")
    if case.llm is None:
        opaque = judge(case, "opaque")
        assert (error and row(error)) == (opaque and row(opaque))
        return
    assert error is not None
    assert row(error) == FOR_LLM[case.llm]
    assert error.retry_after is None


@pytest.mark.parametrize("case", [case for case in ALL if case.body != ENVELOPE], ids=ids)
def test_peer_without_its_envelope_is_a_stranger(case: Case) -> None:
    """What a gateway says before another V2 service is nothing that the service said."""
    error, opaque = judge(case, "peer"), judge(case, "opaque")
    assert (error and row(error)) == (opaque and row(opaque))


@pytest.mark.parametrize("case", [case for case in ALL if case.category == "throttled"], ids=ids)
def test_our_own_limit_can_be_an_outage(case: Case) -> None:
    """`rate_limit_as=503`: the caller did nothing that it could do less of."""
    error = judge(case, "opaque", rate_limit_as=503)
    assert error is not None
    assert row(error)[:3] == (503, "server_error", "service_unavailable")
    assert error.retry_after == case.wait
    assert error.upstream is not None
    assert error.upstream.category == "throttled"


def test_reported_answers_name_their_source() -> None:
    """A repository and an issue, or a package and its version; no answer is there twice."""
    sources = [
        re.fullmatch(r"[\w.-]+(?:/[\w.-]+#\d+| \d+\.\d+\.\d+)", case.source) for case in REPORTED
    ]
    assert all(sources)
    assert len({case.name for case in ALL}) == len(ALL) > 30


@pytest.mark.parametrize("trust", ["opaque", "llm"])
@pytest.mark.parametrize("case", [case for case in ALL if case.category is not None], ids=ids)
def test_nothing_that_an_upstream_said_is_answered(case: Case, trust: Trust) -> None:
    """Body, message and headers are ours; they are a correct answer of the contract."""
    error = judge(case, trust)
    assert error is not None
    reply = render(error, "req-0000000000")
    assert check_answer(reply.status, reply.headers, reply.body) == []
    seen = f"{error} {error!r} {error.param} {error.headers} {reply.headers} {reply.body!r}"
    assert [word for word in case.secret if word in seen] == []
    names = {name.lower() for name, _ in reply.headers}
    assert names <= {
        "content-type", "content-length", "x-request-id", "x-should-retry", "cache-control",
        "retry-after",
    }  # fmt: skip


@pytest.mark.parametrize("case", [case for case in ALL if 100 <= case.status < 300], ids=ids)
def test_success_is_looked_into_only_where_json_was_asked_for(case: Case) -> None:
    """A download, or an answer to HEAD, may be whatever it is."""
    look = Upstream("up", trust="llm").error_from_response
    assert look(case.status, case.headers, case.raw, expects="any") is None
    assert look(case.status, case.headers, case.raw, method="HEAD") is None
