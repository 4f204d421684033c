"""Every operation of an OpenAPI document, with requests that schemathesis makes.

Half of the requests fit the document and half do not. Schemathesis only makes them: they are sent
as every other probe is, at the same rate, to the same host, and judged by the same rules.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, cast

from kaiko_middleware.extras import is_missing

from ._exchange import Request
from ._probe import Probe, no_server_error, nothing_more
from ._target import TargetError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._openapi import Document
    from ._probe import Judge
    from ._probes import Places

__all__ = ["INSTALL", "operation_probes"]

INSTALL = (
    "The OpenAPI document's operations need schemathesis: pip install 'kaiko-middleware[check]'"
)
_DROPPED = frozenset(
    {
        "accept", "accept-encoding", "connection", "content-length", "host", "transfer-encoding",
        "user-agent", "x-schemathesis-testcaseid",
    }
)  # fmt: skip
_BASE = "http://kaiko.invalid"
_TRIES = 20
"""Cases that are generated for one that is wanted: of some operations nearly all are none."""


class _NoneLeftError(Exception):
    """That many were generated."""


def operation_probes(
    places: Places, document: Document, prefix: str, *, unsafe: bool, cases: int
) -> Iterator[Probe]:
    """Yield at most `cases` probes for each operation.

    Arguments:
        places: the headers of every request.
        document: the document.
        prefix: what is put before its paths.
        unsafe: whether operations that could change data are sent.
        cases: requests for each operation.

    Raises:
        TargetError: schemathesis is not installed, or cannot read the document.

    """
    if is_missing("schemathesis"):
        raise TargetError(INSTALL)
    import schemathesis  # noqa: PLC0415 - slow to import, and an extra

    wanted = set(document.operations(unsafe=unsafe))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            schema: Any = schemathesis.openapi.from_dict(dict(document.raw))
            found = [result.ok() for result in schema.get_all_operations() if _is_ok(result)]
        except Exception as exc:  # the document is another's, and so is its reader
            raise TargetError(
                f"schemathesis cannot read the OpenAPI document: {exc}"[:300]
            ) from exc
    for operation in found:
        if (operation.method.upper(), operation.path) not in wanted:
            continue
        yield from _probes_of(operation, places, prefix, cases)


def _is_ok(result: Any) -> bool:
    return type(result).__name__ == "Ok"


def _probes_of(operation: Any, places: Places, prefix: str, cases: int) -> Iterator[Probe]:
    from schemathesis import GenerationMode  # noqa: PLC0415 - as above

    good = _cases(operation, GenerationMode.POSITIVE, (cases + 1) // 2)
    bad = _cases(operation, GenerationMode.NEGATIVE, cases // 2)
    both: tuple[tuple[str, Judge, list[Any]], ...] = (
        ("fits", nothing_more, good),
        ("does not fit", no_server_error, bad),
    )
    for what, judge, found in both:
        for number, case in enumerate(found, 1):
            request = _request(case, places, prefix)
            if request is not None:
                name = f"{operation.label}, {what} the document, {number}"
                yield Probe(name, "operations", (request,), judge)


def _cases(operation: Any, mode: Any, count: int) -> list[Any]:
    """Return generated cases, always the same ones; none where a kind cannot be generated."""
    from hypothesis import HealthCheck, Phase, given, settings  # noqa: PLC0415 - as above
    from hypothesis.strategies import composite  # noqa: PLC0415 - as above

    found: list[Any] = []
    every: Any = HealthCheck
    tries = count * _TRIES
    if not count:
        return found

    @composite
    def tried(draw: Any) -> Any:
        nonlocal tries
        tries -= 1
        if tries < 0:
            raise _NoneLeftError
        return draw(cases)

    def collect(case: Any) -> None:
        found.append(case)

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            limited: Any = settings(
                max_examples=count,
                phases=[Phase.generate],
                database=None,
                deadline=None,
                derandomize=True,
                suppress_health_check=list(every),
            )
            cases: Any = operation.as_strategy(generation_mode=mode)
            test: Any = given(tried())
            limited(test(collect))()
    except Exception:  # noqa: BLE001 - an operation without parameters cannot be spoiled, for one
        return found[:count]
    return found[:count]


def _request(case: Any, places: Places, prefix: str) -> Request | None:
    """Return the request of a case; None if no client could send it."""
    import requests  # noqa: PLC0415 - comes with schemathesis

    try:
        given = case.as_transport_kwargs(base_url=_BASE)
        arguments = cast("dict[str, Any]", given)  # those of requests
        prepared = requests.Request(**arguments).prepare()
        headers = tuple(
            (str(name), value if isinstance(value, str) else bytes(value).decode("latin-1"))
            for name, value in prepared.headers.items()
        )
        "".join(name + value for name, value in headers).encode("latin-1")
    except Exception:  # noqa: BLE001 - nonsense that cannot be put on a wire is no probe
        return None
    body = prepared.body
    if isinstance(body, str):
        body = body.encode("utf-8", "surrogatepass")
    usual = places.get(f"{prefix}{prepared.path_url}", method=str(prepared.method))
    given = {name.lower() for name, _ in usual.headers} | _DROPPED
    extra = tuple(pair for pair in headers if pair[0].lower() not in given)
    whole = body if isinstance(body, bytes) else None
    return Request(usual.method, usual.target, (*usual.headers, *extra), whole)
