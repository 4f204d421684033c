"""Prometheus: a counter of error answers, by code and status.

>>> from kaiko_middleware import Config
>>> from kaiko_telemetry.prometheus import prometheus_counter
>>> config = Config(on_error=[prometheus_counter()])
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from kaiko_middleware.extras import require

require(__name__, "prometheus_client", install="kaiko-middleware[prometheus]")

from prometheus_client import REGISTRY, CollectorRegistry, Counter

from kaiko_middleware import KaikoError
from kaiko_middleware.catalog import TOOLKIT_STATUSES
from kaiko_middleware.codes import find_class

if TYPE_CHECKING:
    from collections.abc import Callable

    from kaiko_middleware import ErrorReport

__all__ = ["OTHER", "prometheus_counter"]

OTHER = "other"
"""The label of every code that is not in the catalogue."""

_counters: WeakKeyDictionary[CollectorRegistry, dict[str, Counter]] = WeakKeyDictionary()
_lock = Lock()


def prometheus_counter(
    name: str = "kaiko_error_answers", *, registry: CollectorRegistry = REGISTRY
) -> Callable[[ErrorReport], None]:
    """Return a hook of `on_error` that counts error answers.

    The counter is `kaiko_error_answers_total`, with two labels: `code` and `status`. A code is a
    label if the catalogue has it with this status: the toolkit's own codes, and those of the
    service's error classes. Any other is `other`: a `code=` at a raise site, a validator's
    `invalid_<field>`, what a peer or inner code answered. Nothing that a client sends becomes a
    label.

    Calls with the same name and registry share one counter, so the applications of a process can
    count together. In multiprocess mode the workers' counts are added up, as for any counter.

    Arguments:
        name: the counter's name, to which the client adds `_total`.
        registry: where it is registered.

    Raises:
        ValueError: the name is none, or another collector of the registry has it.

    """
    with _lock:
        known = _counters.setdefault(registry, {})
        counter = known.get(name)
        if counter is None:
            text = "Error answers, by the code and the status of the error."
            counter = known[name] = Counter(name, text, ["code", "status"], registry=registry)

    def count_error(report: ErrorReport) -> None:
        error = report.error
        counter.labels(code=_label(error.code, error.status), status=str(error.status)).inc()

    return count_error


def _label(code: str, status: int) -> str:
    is_known = status in TOOLKIT_STATUSES.get(code, ()) or find_class(code, status, KaikoError)
    return code if is_known else OTHER
