"""The pytest plugin: options, the marker, fixtures. It is loaded in every session.

So it imports nothing but pytest: everything else is loaded when an option or a fixture asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

    from ._records import RequestRecords
    from ._upstream import RaiseUpstream

__all__ = ["kaiko_records", "raise_upstream"]

_MARKER = (
    "kaiko(allow=..., reason=...): an error answer of this test may break the contract. `allow` is"
    " a code, a rule, or one of contract, catalogue, openapi and leak, or a list of these; without"
    " it, all are allowed. `reason` says why, and is needed."
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    group = parser.getgroup("kaiko", "the error contract (kaiko-middleware)")
    group.addoption(
        "--kaiko",
        choices=("off", "strict"),
        default=None,
        help="strict: fail a test in whose course an error answer breaks the contract, or has a "
        "code that the catalogue or the route's OpenAPI document lacks",
    )
    group.addoption(
        "--kaiko-report",
        action="store_true",
        default=None,
        help="list the declared errors that no test saw",
    )
    parser.addini("kaiko", "off or strict, as --kaiko", default="off")
    parser.addini("kaiko_report", "whether --kaiko-report is on", type="bool", default=False)
    parser.addini(
        "kaiko_urls",
        "where the service is, for tests that call it over a network: starts of URLs",
        type="linelist",
    )
    parser.addini(
        "kaiko_allow", "codes and rules that --kaiko=strict allows everywhere", type="linelist"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Start to watch, if an option says so."""
    config.addinivalue_line("markers", _MARKER)
    mode = cast("str", config.getoption("--kaiko") or config.getini("kaiko"))  # as it is registered
    if mode not in {"off", "strict"}:
        raise pytest.UsageError(f"the setting kaiko is off or strict, not {mode!r}")
    report = bool(config.getoption("--kaiko-report") or config.getini("kaiko_report"))
    if mode == "off" and not report:
        return
    from ._session import Session  # noqa: PLC0415 - only now is it needed

    session = Session(config, strict=mode == "strict", report=report)
    config.pluginmanager.register(session, "kaiko_session")


@pytest.fixture
def kaiko_records() -> Generator[RequestRecords]:
    """Collect the log records of the test; `kaiko_records(request_id)` returns a request's.

    >>> def test_the_log(client, kaiko_records):
    ...     request_id = client.get("/v2/contexts/ctx_1").headers["X-Request-ID"]
    ...     (record,) = kaiko_records(request_id, logger="kaiko")
    ...     assert record.code == "context_not_found"
    """
    from ._records import collect  # noqa: PLC0415 - only now is it needed

    with collect() as records:
        yield records


@pytest.fixture
def raise_upstream() -> Generator[RaiseUpstream]:
    """Have upstreams fail as real providers fail, for the rest of the test.

    >>> def test_the_provider_is_throttled(client, raise_upstream):
    ...     upstream = raise_upstream("openai", "throttled")
    ...     assert_error(client.post("/v2/complete", json=...), status=429)
    ...     assert len(upstream.requests) == 3
    """
    from ._upstream import RaiseUpstream  # noqa: PLC0415 - only now is it needed

    with RaiseUpstream() as upstreams:
        yield upstreams
