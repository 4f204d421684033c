"""A request as a line for a shell that sends it again, with secrets masked.

Bytes that are no text are written as Bash writes them, and long runs of one character are made by
the shell, so that the line can be read and still sends the same.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._exchange import Redactor, Request

__all__ = ["curl_line"]

_RUN = re.compile(r"(.)\1{79,}+", re.DOTALL)  # possessive: of megabytes it is five times faster
_LONGEST_WORD = 100_000  # Linux takes 128 KiB


def curl_line(request: Request, base: str, redact: Redactor) -> str:
    """Return the command that sends a request again.

    Arguments:
        request: the request.
        base: the address of the service, without a trailing slash.
        redact: masks what must not be shown.

    """
    words = ["curl", "-i"]
    if request.method == "HEAD":
        words.append("-I")
    elif request.method != ("GET" if request.body is None else "POST"):
        words += ["-X", _quoted(request.method)]
    for name, value in request.headers:
        shown = redact.header(value)
        words += ["-H", _quoted(f"{name}: {shown}" if shown else f"{name};")]
    if request.body is not None and not request.values("content-type"):
        words += ["-H", "Content-Type:"]  # curl would add a form's
    pipe = ""
    if request.body is not None:
        body = redact(request.body.decode("latin-1"))
        if len(body) > _LONGEST_WORD:
            pipe, body = f"{_printed(body)} | ", "@-"
        words += ["--data-binary", _quoted(body)]
    if ".." in request.target:
        words.append("--path-as-is")
    if any(char in "[]{}" for char in request.target):
        words.append("-g")
    words.append(_quoted(redact(f"{base}{request.target}")))
    return pipe + " ".join(words)


def _quoted(text: str) -> str:
    """Return latin-1 text as a word of Bash."""
    parts: list[str] = []
    end = 0
    for run in _RUN.finditer(text):
        parts += [_plain(text[end : run.start()]), f'"$({_repeated(run)})"']
        end = run.end()
    parts.append(_plain(text[end:]))
    return "".join(part for part in parts if part != "''") or "''"


def _plain(text: str) -> str:
    if text.isprintable() and text.isascii():
        return shlex.quote(text)
    escaped = "".join(
        char if " " <= char <= "~" and char not in "\\'" else f"\\x{ord(char):02x}" for char in text
    )
    return f"$'{escaped}'"


def _printed(text: str) -> str:
    """Return a command that prints a long text."""
    commands: list[str] = []
    end = 0
    for run in _RUN.finditer(text):
        commands += [f"printf %s {_plain(text[end : run.start()])}", _repeated(run)]
        end = run.end()
    commands.append(f"printf %s {_plain(text[end:])}")
    return f"{{ {'; '.join(commands)}; }}"


def _repeated(run: re.Match[str]) -> str:
    return rf"head -c {len(run[0])} /dev/zero | tr '\0' {_plain(run[1])}"
