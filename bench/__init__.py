"""What the middleware costs: `nox -s bench`, or `python -P bench/run.py`.

Every figure is a ratio against the same application without the middleware (or against the
answer that its author would write by hand), taken in one run, the sides interleaved in short
rounds: what disturbs the machine then disturbs both. Where valgrind is at hand, instructions
are counted too; these hardly vary, and decide whether a goal is met. `--quick` takes a few
minutes, `--counted` only counts, `--only TEXT` selects.

- `measure`: interleaved rounds, and medians of paired ratios with their spread.
- `callgrind`: the same sides, counted.
- `figure`, `table`: one result with its goal, and how it is shown and saved.
- `asgi`, `wsgi`, `starlette_site`, `fastapi_site`, `flask_site`, `django_site`, `drf_site`: the
  applications, driven in process; `uvicorn_driven`: one under uvicorn's protocol, without a socket.
- `fastapi_by_hand`, `django_by_hand`: what a careful team writes instead of the toolkit.
- `error_way`: which files and functions of ours an error passes.
- `case`, `cases`: which sides make which figure, and its goal; `sides`: what makes the sides.
- `serving`, `load`: uvicorn on loopback, and what asks it.
- `calling`: a client's calls on loopback, and what becomes of an upstream's error.
- `footprint`: memory of requests in flight, a long stream, the import.
- `plugin`: what the pytest plugin costs on a suite of 1,000 tests.
- `outage`: no figure, but the simulation that docs/outage.md shows.

Below is what is left of the figures that are over their goal, in instructions on CPython 3.13.0.
A part was left out, or counted by itself, to about a tenth; the steps between are the rest.

What a success on ASGI costs (`asgi_success`: 14,950 more than the bare application, 7.3 times what
a pass-through adds, 2,050; the goal is 7). `starlette_success` (15,000, 1.133) and
`fastapi_success` (15,400, 1.045) are made of the same parts, for 13,500 and 13,900. On 3.14, 12,400
are 7.5 times 1,650:

=====  ==============================================  ==========================================
2,050  a coroutine that calls the application          the id is put back when the call has ended
2,010  the context variable, set and reset             a leak would show one request's id to others
1,500  status, and the two fields of JSON              what no server takes, and a second id header
1,530  the object with the state of one response       two requests share none
1,300  its bound method, and two calls through it      `send` has to know the response
1,190  a new list with the id's field                  a response may be sent twice
1,040  a copy of the message                           likewise
  900  the scope's state, and the id in it             outer handlers look for it there
  850  the kind of connection, and the settings        a branch each
  570  the id, with its share of 256 new ones          from the operating system's randomness
  430  whether the body is whole                       an application that stops halfway is reported
  280  a look for Starlette's body limit               it would put a text in place of our answer
1,300  attributes and branches between these           as little as was found
=====  ==============================================  ==========================================

An inbound id that is trusted (`asgi_trusted`) takes 5,800 more, 4,700 of them for a pass over 12
header fields. Tried, and no gain: a closure in place of the object (400 for each variable that it
shares), a list and `MethodType` (a second one is needed for `receive`), an `__init__`,
`ContextVar.set` in place of `reset`, pairs of ids in the pool, ids out of columns of digits, a
dictionary of the request's header fields, a display or `dict(…)` in place of the copy of the
message, the type's name known as the very object. Two would gain, by their parts: a list with one
bound function for `send` and `receive` (400), which has no types; and objects that are used again
(900), where a weak reference that somebody kept to `send` would answer another request.

A success on WSGI whose body is a list (`wsgi_success`) takes 14,100 more than the bare application,
11.6 times what a pass-through adds, 1,215; the goal is 7. Where OpenTelemetry is loaded, as by
FastAPI, 1,900 more look for a span (16,000, 13.2):

=====  ==============================================  ==========================================
1,220  a call of the application                       all that a pass-through does
2,010  the context variable, set and reset             a leak would show one request's id to others
1,500  the server reads and closes the body through    granian closes no list, and the id would stay
       two methods of ours                             in its thread
1,180  status, and the two fields of JSON              what no server takes, and a second id header
1,080  the id, with its share of 256 new ones          from the operating system's randomness
  960  the object that is `start_response` and body    two requests share none
  920  a new list with the id's field                  the application may send its list twice
  790  the context in which the head is given          Flask's instrumentation needs Flask's
  730  whether the body is a list of bytes             anything else may fail
  630  the object's bound method                       `start_response` has to know the response
  500  a call of that                                  the head is held: the application may fail
  380  the id, in the environ                          outer layers and handlers look for it there
  250  whether OpenTelemetry is loaded                 its span ends before the held head is out
  220  whether it is a second head                     PEP 3333
  190  which id was current before                     a layer outside, or a caller in process
1,500  attributes and branches between these           as little as was found
=====  ==============================================  ==========================================

Tried, and no gain: the list's iterator in a slot named `__iter__`, `object.__new__`, and `map` over
the body.

On Flask (`flask_success`), 17,000 more are 1.046, for 1.05, and 18,300 are 1.0495 where
OpenTelemetry is loaded. CPython takes 5,200 of these: it finds the methods of an application that
has a class of its own, or more than some 29 attributes, in a slower way. 2,600 look whether Flask's
response is a list of one chunk; the server then reads that list, which saves about as much.

A typed error on Flask (`flask_typed`) took 1.04 to 1.05 times what it takes by hand, and takes
0.92; an unknown route (`flask_unknown`) took 1.23, and takes 0.99; both for 1.0. The head of
an answer that a handler of ours made now goes the way of a success, past the driver; the response
gets its fields and its body as they are; and the type of Werkzeug's own page is dropped ahead of
rendering. Of the unknown route's, 14,000 are a walk along the frames of its exception, which has a
context: FastAPI's and Starlette's handlers, which may fail, are looked for there.

The same request in flight (`memory_in_flight`: 610 bytes over a pass-through, for 500):

===  =====================================  ====================================================
123  the context's map with the variable    one for each context that a variable is set in
120  the key in the scope's state           an empty dictionary has no room for one
128  the object with the state              eight attributes, and four that few responses have
 64  its bound method                       `send`, for as long as the application has it
 64  the variable's token                   what was current before
 55  the id                                 the text alone
 56  a coroutine with more variables        the exception's part is in a method of its own
===  =====================================  ====================================================

An unmapped exception on Starlette that is handed on, without our record (`starlette_bug_off`:
152,000 more than the framework's own 500, 1.015, for 1.0; the traceback in the server's log is
10,000,000 on both sides). Where OpenTelemetry is loaded, as by FastAPI, 20,000 more tell its span:

=======  ===============================================  ======================================
 26,000  the middleware, which the exception passes       as for a success
 31,000  inside, whether it is mapped                     middleware outside may catch it if not
  9,500  Starlette calls a handler                        the only place outside of all middleware
 16,000  the state of the answer, again                   `send` is another one there
 20,000  whether it is logged, and the reply              the id is in the body and in a field
 24,000  its head and its body, as events                 names and values are bytes there
 45,000  the steps between                                whether a layer outside or the service's
                                                          own handler answers, once for each
-19,000  Starlette's own text, which is not made
=======  ===============================================  ======================================

Our record takes 58,000 more, and 148,000 to format (1.036, for 1.05).

An unmapped exception that nobody hands on (`starlette_storm`: 640,000, and 342,000 by hand, 0.534
of its throughput, for 0.55; 654,000 and 0.52 where OpenTelemetry is loaded):

=======  ================================================  ====================================
119,000  to raise, map and answer it, less by hand's JSON  as above, but inside alone
 54,000  its record                                        25,000 are the standard library's
 51,000  the record as a line, written                     the standard library's
 68,000  the text of 17 frames                             42,000 are steps from frame to frame,
                                                           and the key that the text is kept by
=======  ================================================  ====================================

On Django, a success takes 11,300 (`django_wsgi_success`: 1.0295, for 1.03): the id, the variable
and what puts it back when the response is closed, the id's header. What the handler adds to that
with DRF, where its own NotFound is answered for 0.987 of what DRF takes, a typed error for 0.923
(for 0.9), and a serializer's failure for 1.008 (17,100 more, for 1.0):

========  ========  ===================================  =======================================
NotFound  failure
========  ========  ===================================  =======================================
  14,000    14,000  the id, as for a success
  17,400         –  what its author said                 DRF's own texts are never sent
       –    60,600  a path of declared names             each key may be one that the client sent
  17,200    13,800  the error                            the type, the code and the status
  18,000    18,000  the reply                            the envelope and its fields
  22,500    22,500  the response                         Django's constructor takes twice as much
   4,600     4,600  whether it is logged                 one record for each error
  29,000    29,000  the steps between                    who maps it, and its transaction
-134,800  -148,100  DRF's own answer and its renderer
========  ========  ===================================  =======================================
"""
