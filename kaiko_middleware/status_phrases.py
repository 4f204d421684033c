"""The phrases that HTTP itself has for its statuses, which no author wrote for anybody.

A table of our own and not `HTTPStatus.phrase`: Python 3.13 renamed those of 413, 414, 416
and 422, and an answer may come from any version. Implements the last rule of section 3 of
the V2 contract.
"""

from __future__ import annotations

from functools import lru_cache

__all__ = ["is_phrase"]

# Every phrase that a Python version, or RFC 9110, registers for a status: no author wrote it.
_PHRASES: dict[int, frozenset[str]] = {
    status: frozenset(phrases.lower().split("|"))
    for status, phrases in {
        400: "Bad Request",
        401: "Unauthorized",
        402: "Payment Required",
        403: "Forbidden",
        404: "Not Found",
        405: "Method Not Allowed",
        406: "Not Acceptable",
        407: "Proxy Authentication Required",
        408: "Request Timeout",
        409: "Conflict",
        410: "Gone",
        411: "Length Required",
        412: "Precondition Failed",
        413: "Request Entity Too Large|Payload Too Large|Content Too Large",
        414: "Request-URI Too Long|URI Too Long",
        415: "Unsupported Media Type",
        416: "Requested Range Not Satisfiable|Range Not Satisfiable",
        417: "Expectation Failed",
        418: "I'm a Teapot",
        421: "Misdirected Request",
        422: "Unprocessable Entity|Unprocessable Content",
        423: "Locked",
        424: "Failed Dependency",
        425: "Too Early",
        426: "Upgrade Required",
        428: "Precondition Required",
        429: "Too Many Requests",
        431: "Request Header Fields Too Large",
        451: "Unavailable For Legal Reasons",
    }.items()
}


@lru_cache(maxsize=256)
def is_phrase(text: str, status: int) -> bool:
    """Whether `text` is a phrase that some Python version registers for `status`."""
    return text.strip().rstrip(".!").lower() in _PHRASES.get(status, ())
