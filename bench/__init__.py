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

What a success on ASGI still costs, in instructions on CPython 3.13.0 (`asgi_success`: 15,300 more
than the bare application, 7.5 times what a pass-through adds, 2,050). A part was left out, or
counted by itself; each is right to about a tenth:

=====  ==============================================  ==========================================
2,050  a coroutine that calls the application          the id is put back when the call has ended
2,010  the context variable, set and reset             a leak would show one request's id to others
1,800  status, and the two fields that JSON comes with what no server takes, and a second id header
1,580  the object with the state of one response       two requests share none
1,300  its bound method, and two calls through it      `send` has to know the response
1,190  a new list with the id's field                  a response may be sent twice
1,040  a copy of the message                           likewise
  900  the scope's state, and the id in it             outer handlers look for it there
  870  the kind of connection, and the settings        a branch each
  570  the id, with its share of 256 new ones          from the operating system's randomness
  530  whether the body is whole                       an application that stops halfway is reported
  280  a look for Starlette's body limit               it would put a text in place of our answer
1,200  attributes and branches between these           as little as was found
=====  ==============================================  ==========================================

Tried, and no gain: a closure in place of the object (400 for each variable that it shares), a
list and `MethodType` (a second one is needed for `receive`), an `__init__`, `ContextVar.set` in
place of `reset`, pairs of ids in the pool, a dictionary of the request's header fields.

An unmapped exception that nobody hands on (`starlette_storm`, 665,000; 345,000 by hand): 95,000 to
raise, map and answer it, 56,000 to make its record, 51,000 to format and write that, and 85,000
for the text of 17 frames, 31,000 of which are steps from frame to frame.
"""
