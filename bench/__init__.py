"""What the middleware costs: `nox -s bench`, or `python -P bench/run.py`.

Every figure is a ratio against the same application without the middleware (or against the
answer that its author would write by hand), taken in one run, the sides interleaved in short
rounds: what disturbs the machine then disturbs both. Where valgrind is at hand, instructions
are counted too; these hardly vary, and decide whether a goal is met. `--quick` takes a few
minutes, `--counted` only counts, `--only TEXT` selects.

- `measure`: interleaved rounds, and medians of paired ratios with their spread.
- `callgrind`: the same sides, counted.
- `figure`, `table`: one result with its goal, and how it is shown and saved.
- `asgi`, `starlette_site`, `fastapi_site`, `django_site`, `drf_site`: the applications, driven
  in process; `uvicorn_driven`: one under uvicorn's protocol, without a socket.
- `fastapi_by_hand`, `django_by_hand`: what a careful team writes instead of the toolkit.
- `error_way`: which files and functions of ours an error passes.
- `cases`: which sides make which figure, and its goal.
- `serving`, `load`: uvicorn on loopback, and what asks it.
- `calling`: a client's calls on loopback, and what becomes of an upstream's error.
- `footprint`: memory of requests in flight, a long stream, the import.
- `outage`, `outage_picture`: no figure, but the simulation that docs/outage.md shows.
"""
