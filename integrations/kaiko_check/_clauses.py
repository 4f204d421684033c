"""The clauses: every rule of the contract that can be seen from outside, as a table.

An id is stable: baselines and dashboards keep it. `topic` selects how a breach is mended.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CLAUSES", "Clause", "Topic"]

Topic: TypeAlias = Literal[
    "answer", "auth", "coding", "cors", "envelope", "ids", "leak", "method", "stream", "validation"
]


class Clause(NamedTuple):
    """One rule of the contract.

    `id` is a short, stable name, `section` the contract's section, `promise` what is promised, and
    `why` what a client loses where it is not kept.
    """

    id: str
    section: str
    promise: str
    why: str
    topic: Topic


_ROWS: tuple[tuple[str, str, Topic, str, str], ...] = (
    # --- 1: the envelope ---
    ("envelope.json", "1", "envelope", "An error answer is JSON",
     "A client that parses every error fails here, and shows its own parser's error instead."),
    ("envelope.empty", "1", "envelope", "An error answer has a body",
     "A client learns nothing but the status, and has no id to ask about."),
    ("envelope.portable", "1", "envelope", "An error's JSON can be read by every parser",
     "Strict parsers refuse NaN, repeated members, lone surrogates and a byte order mark."),
    ("envelope.shape", "1", "envelope", "The body is an object with one member, 'error', an object",
     "A client that reads error.code finds nothing there."),
    ("envelope.beside", "1", "envelope", "There is no member beside 'error'",
     "Strict clients refuse it, and others start to depend on the extra member."),
    ("envelope.members", "1", "envelope", "'error' has type, code, message, param and request_id",
     "A client that reads one of them fails where it is missing."),
    ("envelope.param", "1", "envelope", "'param' is always there, null where nothing is to blame",
     "A typed client fails on the missing member."),
    ("envelope.more", "1", "envelope", "'error' has no other member",
     "What is only sent sometimes becomes a promise that nobody made."),
    ("envelope.order", "1", "envelope", "The five members come in the documented order",
     "Answers that differ in order cannot be compared byte by byte, as tests and caches do."),
    ("envelope.content-type", "1", "envelope", "An error answer is application/json, once",
     "Clients choose their parser by this header."),
    ("envelope.content-length", "1", "envelope", "An error answer says its length, and it is right",
     "A client cannot tell a whole answer from one that was cut."),
    ("envelope.endless", "1", "envelope", "An error answer is small, and ends",
     "A client that reads the body of an error waits, and fills its memory."),
    ("head.body", "1", "envelope", "An answer to HEAD has no body",
     "The body is read as the start of the next answer on the connection."),
    ("head.status", "1", "method", "HEAD is answered with the status of GET",
     "Monitors and caches ask with HEAD and are told something else than readers."),
    ("head.headers", "1", "method", "HEAD is answered with the headers of GET",
     "HEAD is asked for the headers alone; a client cannot learn the type or the length."),
    ("type.closed", "1", "envelope", "The type is one of seven",
     "A client's switch over the types has no case for it."),
    ("code.pattern", "1", "envelope", "The code matches [a-z][a-z0-9_]{0,63}",
     "Codes become names of constants, metrics and files; this one cannot."),
    ("message.text", "1", "envelope", "The message is a text that is not empty",
     "A person who reads the error has nothing to read."),
    ("message.length", "1", "envelope", "The message has at most 1,024 characters",
     "It breaks layouts and log lines, and usually is a page or a dump."),
    # --- 2: the rows ---
    ("type.status", "2", "envelope", "The type is that of the status",
     "Two clients, one branching on the status and one on the type, do different things."),
    ("code.meaning", "2", "envelope", "A documented code comes with its own status only",
     "A client that handles the code does the wrong thing at this status."),
    ("code.one-status", "2", "envelope", "A code has the same status everywhere",
     "One code means one thing; here it means two."),
    # --- 3: other statuses ---
    ("status.folded", "3", "envelope", "Of the 5xx, only 500 and 503 leave a service",
     "Proxies replace the body of 502 and 504 with a page, and clients do not know the rest."),
    ("status.valid", "3", "answer", "A status is between 100 and 599",
     "Servers and clients treat other statuses as broken connections."),
    ("status.code", "3", "method", "What the framework answers has the code of its status",
     "A client finds another code on each service for the same mistake."),
    ("message.phrase", "3", "envelope", "The message says more than the status's phrase",
     "'Not Found' repeats the status and helps nobody."),
    # --- 4: headers ---
    ("id.header", "4", "ids", "Every error answer has the request id header",
     "Support cannot find the request in the logs."),
    ("id.on-success", "4", "ids", "Every success, 304 included, has the request id header",
     "A wrong result cannot be traced, only a failed one."),
    ("id.on-redirect", "4", "ids", "Every redirect has the request id header",
     "A redirect loop cannot be traced."),
    ("id.once", "4", "ids", "No answer has the request id header twice",
     "Clients take the first, the last or both joined, and ask about an id that does not exist."),
    ("id.same", "4", "ids", "The id in the body is the one in the header",
     "The id that a person copies from the body is not the one in the logs."),
    ("retry.header", "4", "envelope", "Every error answer says X-Should-Retry: true or false",
     "A client has to guess whether to try again."),
    ("retry.row", "4", "method", "X-Should-Retry on the framework's answers is that of the status",
     "A client repeats what can never succeed, or gives up on what would."),
    ("cache.control", "4", "envelope", "Every error answer says Cache-Control",
     "A cache keeps the error after the fault is gone."),
    ("retry-after.seconds", "4", "envelope", "Retry-After is whole seconds",
     "Many clients read no dates and no fractions, and retry at once."),
    ("rate-limit.number", "4", "envelope", "The X-RateLimit headers are whole numbers",
     "A client cannot pace itself by what it cannot read."),
    ("rate-limit.delta", "4", "envelope", "X-RateLimit-Reset is seconds from now",
     "A client that waits for a point in time as if it were seconds waits for decades."),
    ("auth.challenge", "4", "auth", "Every 401 has WWW-Authenticate",
     "HTTP requires it, and libraries that log in by themselves need it."),
    ("stale.coding", "4", "coding", "An error is not in a coding that was not asked for",
     "The client decodes what is not encoded, or cannot decode what is."),
    ("stale.validators", "4", "envelope", "An error has no ETag, Last-Modified or Digest",
     "They describe the body that was replaced: a cache answers 304 for an error."),
    ("stale.description", "4", "envelope", "An error has no header that described another body",
     "Expires, Content-Language and their like describe the body that was replaced."),
    ("headers.legal", "4", "answer", "Every header can be sent",
     "Strict proxies and clients drop the whole answer."),
    ("cors.exposed", "4", "cors", "A script in a browser may read our headers",
     "The id and the wait are there, and the browser hides them."),
    ("cors.on-errors", "4", "cors", "An error has the CORS headers that a success has",
     "The browser hides the whole error: the script sees 'network error'."),
    ("cors.preflight", "4", "cors", "A preflight is answered before anybody asks for a key",
     "Preflights have no key: no browser client can call the service at all."),
    ("cors.credentials", "4", "cors", "A wildcard origin does not come with credentials",
     "Browsers refuse the combination and hide the answer."),
    ("cors.once", "4", "cors", "Access-Control-Allow-Origin comes once, with one origin",
     "Browsers refuse two values and hide the answer."),
    ("cors.vary", "4", "cors", "An error that names an origin varies by it, as a success does",
     "A cache gives one site's answer to another site, whose browser hides it."),
    ("coding.readable", "4", "coding", "A compressed error is what its header says",
     "The client cannot read the error at all."),
    ("coding.vary", "4", "coding", "A compressed error varies by Accept-Encoding",
     "A cache gives it to a client that cannot read it."),
    # --- 5: request ids ---
    ("id.alphabet", "5", "ids", "An id has 1 to 128 characters of [A-Za-z0-9._:/+=-]",
     "Other characters break log lines, URLs and shells."),
    ("id.in-body", "5", "ids", "The body has the request id",
     "The id is lost as soon as somebody saves the body alone."),
    ("id.form", "5", "ids", "A generated id is 'req-' and 10 to 32 lowercase hex digits",
     "People and log searches recognize an id by its form."),
    ("id.unique", "5", "ids", "No two requests have the same id",
     "A search for the id finds somebody else's request."),
    ("id.concurrent", "5", "ids", "Concurrent requests have ids of their own",
     "Under load, one caller's error is logged under another's id."),
    ("id.pipelined", "5", "ids", "Requests on one connection have ids of their own",
     "Behind a proxy, which reuses connections, ids of different callers are mixed."),
    ("id.ignored", "5", "ids", "An inbound id is ignored, unless the service trusts its gateway",
     "Anybody can send the id of somebody else's request, or the same one a thousand times."),
    ("id.trusted", "5", "ids", "A service that trusts its gateway takes a good inbound id",
     "The gateway's log and the service's cannot be joined."),
    ("id.hostile", "5", "ids", "A bad inbound id is never reflected",
     "Markup, control characters and long texts reach logs and pages."),
    ("id.refused", "5", "ids", "A bad inbound id never makes an error",
     "A faulty gateway takes the service down."),
    ("id.twice", "5", "ids", "Two inbound ids are no id",
     "A caller adds one to the gateway's and decides which is logged."),
    ("id.key", "5", "ids", "An inbound id that looks like a key is never reflected",
     "A key that was put in the wrong header reaches every log."),
    ("id.stays", "5", "ids", "An id never appears in a later request",
     "Something keeps the id of a request that is over, such as a thread."),
    # --- 6: messages ---
    ("leak.inside", "6", "leak", "The message of a 5xx says nothing of what failed inside",
     "Class names, SQL and paths tell an attacker what to try next."),
    ("leak.traceback", "6", "leak", "No message shows a traceback",
     "It shows the code, its versions and often its data to anyone."),
    ("leak.debug", "6", "leak", "No debug page is shown",
     "It shows settings, source and local variables to anyone."),
    ("leak.key", "6", "leak", "No answer shows a key",
     "The key is in every log and screenshot of the error."),
    ("leak.echo", "6", "validation", "Rejected input is not repeated",
     "A password that failed validation comes back, and is logged by the client."),
    ("param.length", "6", "envelope", "'param' is null or 1 to 256 characters",
     "It is a path to a field; a longer one is input that came back."),
    ("param.control", "6", "envelope", "'param' has no control character",
     "It breaks the log lines and terminals of the people who read it."),
    # --- 7: validation ---
    ("body.json", "7", "validation", "A body that is not JSON is 400 invalid_json",
     "A client cannot tell a broken body from a bad field."),
    ("body.missing", "7", "validation", "A missing body is 400 missing_body or missing_field",
     "A client cannot tell that it sent nothing."),
    ("body.media-type", "7", "validation", "A content type that is not supported is 415",
     "A client looks for the fault in the body, not in the header."),
    ("body.too-large", "7", "validation", "A body that is too large is 413 payload_too_large",
     "A client does not know that splitting the request would help."),
    ("field.missing", "7", "validation", "A missing field is 400 missing_field, named in 'param'",
     "A client cannot mark the field."),
    ("field.value", "7", "validation", "A bad value of a body's field is 422 invalid_<field>",
     "A client cannot mark the field, or takes it for a missing one."),
    ("field.parameter", "7", "validation", "A bad parameter is 400 invalid_<name> with its 'param'",
     "A client cannot tell which parameter is wrong."),
    ("client.no-500", "7", "validation", "No client can make a 500 at will",
     "Alarms ring for what a client did wrong, and clients repeat it."),
    # --- 8: exceptions and answers ---
    ("answer.given", "8", "answer", "Every request is answered",
     "The client sees a broken connection and cannot tell whose fault it is."),
    ("answer.in-time", "8", "answer", "Every request is answered in time",
     "The client gives up and never learns the id."),
    ("answer.whole", "8", "answer", "An error answer is not cut",
     "The client cannot parse the half of it."),
    ("route.unknown", "8", "method", "A path that nothing serves is 404",
     "A client takes a wrong path for a failure that may pass."),
    ("method.status", "8", "method", "A method that a path does not take is 405",
     "A client takes a wrong method for a wrong path or for a failure."),
    ("method.allow", "8", "method", "A 405 has Allow",
     "HTTP requires it, and a client learns what it may do."),
    ("accept.any", "8", "method", "An error is an envelope whatever Accept says",
     "A client behind a library that sends another Accept gets a page."),
    ("host.bad", "8", "method", "A bad Host is the client's fault",
     "Scanners that send nonsense raise alarms about server errors."),
    ("auth.status", "8", "auth", "A missing, malformed or unknown key is 401",
     "A client does not know that it has to log in again."),
    ("stream.id", "8", "stream", "A stream has the request id header",
     "A stream that fails cannot be traced."),
    ("stream.ended", "8", "stream", "A stream of events or lines ends its last one",
     "Clients drop the last event or line that is not ended."),
    ("stream.cut", "8", "stream", "A failed stream ends with an error, not with a cut",
     "A client cannot tell the failure from a bad network, and connects again."),
    ("stream.envelope", "8", "stream", "The error in a stream is an envelope",
     "A client that reads every error alike fails on this one."),
    ("stream.last", "8", "stream", "After the error a stream ends",
     "A client that closes at the error loses what follows."),
    ("stream.same-id", "8", "stream", "The error in a stream has the id of the header",
     "The id that a person copies is not the one in the logs."),
)  # fmt: skip

CLAUSES: Mapping[str, Clause] = MappingProxyType(
    {
        name: Clause(name, section, promise, why, topic)
        for name, section, topic, promise, why in _ROWS
    }
)
"""Every clause by its id, in the contract's order."""
