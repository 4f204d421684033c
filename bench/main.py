"""The command: which figures, how thoroughly, and where they go."""

from __future__ import annotations

import argparse
import gc
import sys
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

from rich.console import Console

from bench import error_way
from bench.callgrind import CannotCountError, Counts, count
from bench.calling import CALLS, added, classifying, ratio
from bench.cases import CASES, thread_hops
from bench.footprint import importing, memory, stream_kept, stream_time
from bench.guard_servers import server_jobs
from bench.guards import GUARD_CASES, guard_jobs
from bench.logs import write_logs_to_nowhere
from bench.measure import Effort
from bench.serving import SERVED, throughput
from bench.table import save, show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bench.figure import Figure

_ALL = (*CASES, *GUARD_CASES)
_CHILD = [sys.executable, "-P", str(Path(__file__).with_name("child.py"))]


class _Efforts(NamedTuple):
    """How much is spent on each kind of figure."""

    driven: Effort
    served: Effort
    called: Effort
    streamed: Effort
    stream: int
    requests: int
    imports: int


_FULL = _Efforts(
    Effort(120, 0.006),
    Effort(40, 0.2),
    Effort(150, 0.012, 5),
    Effort(15, 0.0, 2),
    1024**3,
    10_000,
    12,
)
_QUICK = _Efforts(
    Effort(15, 0.002),
    Effort(5, 0.1, 2),
    Effort(15, 0.02),
    Effort(4, 0.0, 1),
    2**27,
    2_000,
    3,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks; return 1 where `--gate` was asked for and a counted goal is missed."""
    options = _parser().parse_args(arguments)
    write_logs_to_nowhere()
    efforts = _QUICK if options.quick else _FULL
    figures, notes = _measure(efforts, options.only, kinds=options.kinds)
    if not figures:
        print(f"nothing to show for {' or '.join(options.only)}", file=sys.stderr)  # noqa: T201 - a command prints
        return 2
    show(figures, notes)
    if options.json is not None:
        save(figures, notes, options.json, quick=options.quick)
    missed = any(item.counted is not None and not item.met for item in figures)
    return 1 if options.gate and missed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="What the middleware costs, as ratios.")
    parser.add_argument("--quick", action="store_true", help="take under a minute")
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument(
        "--counted", dest="kinds", action="store_const", const="counted", help="time nothing"
    )
    kinds.add_argument(
        "--timed", dest="kinds", action="store_const", const="timed", help="count nothing"
    )
    parser.add_argument("--json", type=Path, help="where the figures are saved")
    parser.add_argument(
        "--only", action="append", default=[], metavar="TEXT", help="figures whose key has TEXT"
    )
    parser.add_argument(
        "--gate", action="store_true", help="fail where a counted figure misses its goal"
    )
    return parser


def _measure(
    efforts: _Efforts, only: Sequence[str], *, kinds: str | None
) -> tuple[list[Figure], list[str]]:
    """Return the figures that are asked for, and what is to be said of them all."""

    def wanted(key: str) -> bool:
        return not only or any(text in key for text in only)

    console = Console(stderr=True)
    counts: Counts = {}
    notes: list[str] = []
    counted = [case for case in _ALL if case.counted and wanted(case.key)]
    if counted and kinds != "timed":
        console.print("counting instructions …", style="dim")
        try:
            counts = count(counted, [*_CHILD, "count"])
        except CannotCountError as exc:
            notes.append(str(exc))
    ways = [key for key in error_way.KEYS if wanted(f"way_{key}")]
    passed = error_way.figures(ways) if ways and kinds != "timed" else []
    if kinds == "counted":
        known = [case for case in counted if case.key in counts]
        return [*(case.counted_figure(counts[case.key]) for case in known), *passed], notes
    gc.freeze()  # what is imported by now is nothing that a collection need look at
    figures: list[Figure] = []
    for key, measure in _jobs(efforts, counts):
        if wanted(key):
            start = perf_counter()
            figures.append(measure())
            console.print(f"{key} {perf_counter() - start:.0f} s", style="dim")
    return [*figures, *passed], notes


def _jobs(efforts: _Efforts, counts: Counts) -> Iterator[tuple[str, Callable[[], Figure]]]:
    """Yield each figure's key with what measures it."""
    for case in _ALL:
        yield case.key, partial(case.figure, efforts.driven, counts.get(case.key))
    yield "django_asgi_hops", thread_hops
    for served in SERVED:
        yield served.key, partial(throughput, served, efforts.served, [*_CHILD, "serve"])
    for called in CALLS:
        command = [*_CHILD, "serve"]
        yield called.key, partial(ratio, called, efforts.called, command)
        yield f"{called.key}_added", partial(added, called, efforts.called, command)
    yield "upstream_classify", partial(classifying, efforts.driven)
    for kind in ("application/octet-stream", "text/event-stream"):
        key = f"stream_time_{kind}"
        yield key, partial(stream_time, efforts.streamed, size=efforts.stream, kind=kind)
    yield "stream_kept", partial(stream_kept, efforts.stream)
    yield "memory_in_flight", partial(memory, efforts.requests)
    yield "import", partial(importing, efforts.imports)
    yield from guard_jobs(efforts.driven)
    yield from server_jobs(efforts.called)
