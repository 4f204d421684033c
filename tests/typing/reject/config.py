"""A wrong keyword or value of the configuration is found before the service starts."""

from __future__ import annotations

from kaiko_middleware import Config, ErrorReport


def wants_text(report: str) -> None:
    """A hook of the wrong type."""
    print(report)


def wants_two(report: ErrorReport, request: object) -> None:
    """Hooks get the report alone."""
    print(report, request)


Config("X-Request-ID")  # error
Config(request_id_headers="X-Request-ID")  # error
Config(request_id_header=None)  # error
Config(request_id_digits="10")  # error
Config(trust_request_id="yes")  # error
Config(paths=(1,))  # error
Config(exclude_paths=None)  # error
Config(challenge=b"ApiKey")  # error
Config(on_error=wants_two)  # error
Config(on_error=(wants_text,))  # error
Config(on_error=(wants_two,))  # error
Config(on_error=("log",))  # error
Config(reraise=None)  # error
