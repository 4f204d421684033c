"""Every option, with the types that it takes."""

from __future__ import annotations

from typing import assert_type

from kaiko_middleware import Config, ErrorReport, ErrorType, ExceptionMapping, KaikoError


def count(report: ErrorReport) -> None:
    """A hook gets a report; its answer is not looked at."""
    assert_type(report.error, KaikoError)
    kind: ErrorType = report.error.type
    print(kind, report.request_id)


class Recorder:
    """A hook may be any callable."""

    def __init__(self) -> None:
        self.codes: list[str] = []

    def __call__(self, report: ErrorReport) -> None:
        """Remember the code."""
        self.codes.append(report.error.code)


config = Config(
    request_id_header="X-Correlation-ID",
    request_id_digits=32,
    trust_request_id=True,
    paths=("/v2",),
    exclude_paths=("/v2/health",),
    rewrite_answers=False,
    keep_protocol_errors=False,
    hold_event_streams=True,
    challenge='ApiKey realm="kaiko"',
    mapping=ExceptionMapping(),
    on_error=(count, Recorder()),
    reraise=False,
)
assert_type(config.request_id_header, str)
assert_type(config.request_id_digits, int)
assert_type(config.trust_request_id, bool)
assert_type(Config(), Config)
