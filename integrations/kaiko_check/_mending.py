"""How to mend a breach on the framework or edge that answered, by the clause's topic.

Where a framework has its own text for a topic, that is shown; else what it takes to adopt the
contract there, and what the topic needs everywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._clauses import CLAUSES
from ._recognize import FRAMEWORKS

if TYPE_CHECKING:
    from ._clauses import Topic

__all__ = ["mend"]

# What adopts the contract as a whole.
_ADOPT: dict[str, str] = {
    "starlette": "Call kaiko_starlette.install(app) after the routes and middleware are added.",
    "fastapi": "Call kaiko_fastapi.install(app).",
    "litestar": "Pass plugins=[KaikoPlugin()] of kaiko_litestar to Litestar(…).",
    "flask": "Call kaiko_flask.install(app).",
    "django": 'Put "kaiko_django" in INSTALLED_APPS and "kaiko_django.KaikoMiddleware" first in '
    "MIDDLEWARE.",
    "drf": "Adopt kaiko_django, and set EXCEPTION_HANDLER of REST_FRAMEWORK to "
    '"kaiko_drf.exception_handler".',
    "ninja": "Adopt kaiko_django, and call kaiko_ninja.install(api).",
    "express": "Add a last route (app.use((req, res) => …)) and a last error handler "
    "((err, req, res, next) => …) that send the envelope with res.status(…).json(…).",
    "spring": "Answer with the envelope in a @RestControllerAdvice and an ErrorController, and set "
    "server.error.whitelabel.enabled=false.",
    "nginx": "nginx made this page. Set error_page for 4xx and 5xx to a named location that "
    "returns the envelope with default_type application/json, and proxy_intercept_errors off.",
    "envoy": "Envoy made this answer. Set local_reply_config with a json_format of the envelope "
    "(%REQ(X-REQUEST-ID)% is the id).",
    "cloudflare": "Cloudflare made this page. Set a custom error response (application/json) for "
    "the API's host, and let the origin's errors pass.",
    "aws": "AWS made this answer. In API Gateway, set gateway responses (DEFAULT_4XX, DEFAULT_5XX) "
    "with the envelope ($context.requestId is the id); on an ALB use fixed-response actions; in "
    "CloudFront add no custom error pages for the API.",
}

_READ = "Read bodies with kaiko_middleware.parse_body(Model, data)."

# Where an adapter of ours does it.
_OURS = frozenset({"starlette", "fastapi", "litestar", "flask", "django", "drf", "ninja"})

_GENERAL: dict[Topic, str] = {
    "answer": "Find out in the server's log why the connection ended or the wait was so long; the "
    "answer of a failure must come from the outermost layer.",
    "auth": "Answer a missing, malformed or unknown key alike, with 401 and WWW-Authenticate; keep "
    "403 for keys that are known.",
    "coding": "Let one layer compress, by the request's Accept-Encoding, and remove "
    "Content-Encoding where a body is replaced.",
    "cors": "Let CORS be the outermost layer, so that it decorates errors too and answers "
    "preflights before keys are checked; expose the contract's headers.",
    "envelope": "Make every error answer in one place, as the envelope.",
    "ids": "Make one id for each request in the outermost layer, before anything else runs, and "
    "put it in the header of every answer.",
    "leak": "Send a fixed text for what is not raised on purpose, and turn debug mode off.",
    "method": "Answer what the router refuses in the same place as every other error.",
    "stream": "End a failed stream with 'event: error' (or a last line) and the envelope.",
    "validation": "Turn the validator's failures into the codes of section 7 in one place.",
}

_SPECIAL: dict[tuple[str, Topic], str] = {
    ("starlette", "cors"): "Add CORSMiddleware with app.add_middleware before "
    "kaiko_starlette.install(app), which decorates errors through it.",
    ("fastapi", "cors"): "Add CORSMiddleware with app.add_middleware before "
    "kaiko_fastapi.install(app), which decorates errors through it.",
    ("starlette", "leak"): "Set debug=False; kaiko_starlette.install(app) sends fixed texts.",
    ("fastapi", "leak"): "Set debug=False; kaiko_fastapi.install(app) sends fixed texts.",
    ("django", "leak"): "Set DEBUG = False; kaiko_django sends fixed texts.",
    ("drf", "leak"): "Set DEBUG = False; kaiko_django sends fixed texts.",
    ("ninja", "leak"): "Set DEBUG = False; kaiko_django sends fixed texts.",
    ("litestar", "leak"): "Set debug=False; KaikoPlugin() sends fixed texts.",
    ("flask", "leak"): "Do not run with debug=True; kaiko_flask.install(app) sends fixed texts.",
    ("express", "leak"): "Set NODE_ENV=production, and send a fixed text in the error handler.",
    ("spring", "leak"): "Set server.error.include-stacktrace=never and include-message=never.",
    ("starlette", "validation"): f"{_ADOPT['starlette']} {_READ}",
    ("django", "validation"): f"{_ADOPT['django']} {_READ}",
    ("flask", "validation"): f"{_ADOPT['flask']} {_READ}",
    (
        "express",
        "validation",
    ): "Check what came before it is used, and answer 400 or 422 in the "
    "last error handler; an error of express.json() has a status of its own.",
    ("spring", "validation"): "Answer HttpMessageNotReadableException and "
    "MethodArgumentNotValidException in the @RestControllerAdvice.",
    ("drf", "auth"): "kaiko_drf.exception_handler answers NotAuthenticated and "
    "AuthenticationFailed with 401, also where DRF itself answers 403.",
    (
        "nginx",
        "ids",
    ): "Make the id at the edge (proxy_set_header X-Request-ID $request_id), trust "
    "it behind (trust_request_id=True), and add_header X-Request-ID $request_id always.",
    ("envoy", "ids"): "Let Envoy make the id (it does by default), trust it behind "
    "(trust_request_id=True), and set always_set_request_id_in_response.",
    ("express", "ids"): "Set the header in the first app.use: "
    "res.set('X-Request-ID', 'req-' + crypto.randomBytes(5).toString('hex')).",
    ("spring", "ids"): "Set the header in a filter with Ordered.HIGHEST_PRECEDENCE.",
    ("express", "envelope"): _ADOPT["express"] + " Remove ETag with app.set('etag', false).",
}

# What stays where the contract is adopted, and is nobody's to mend but the service's.
_STAYS: dict[str, str] = {
    "client.no-500": "A 500 that stays is a bug: look for the answer's id in the service's log. "
    "Check there what the client sent, and answer 400 or 422.",
}


def mend(clause: str, framework: str | None) -> str:
    """Return what mends a breach.

    Arguments:
        clause: the clause's id.
        framework: who answered, as a word of `FRAMEWORKS`; None if that is not known.

    """
    stays = _STAYS.get(clause)
    if framework is None:
        return stays or _GENERAL[CLAUSES[clause].topic]
    said = _on(framework, CLAUSES[clause].topic)
    return f"{said} {stays}" if stays else said


def _on(framework: str, topic: Topic) -> str:
    name = FRAMEWORKS[framework]
    special = _SPECIAL.get((framework, topic))
    if special is not None:
        return f"{name}: {special}"
    if topic in {"envelope", "method", "ids"} or (framework in _OURS and topic == "validation"):
        return f"{name}: {_ADOPT[framework]}"
    return (
        f"{_GENERAL[topic]} {name}: {_ADOPT[framework]}" if framework in _OURS else _GENERAL[topic]
    )
