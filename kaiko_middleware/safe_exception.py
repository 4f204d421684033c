"""Reading an exception as Python keeps it, whatever its class says of it.

And whatever it says: an HTTP client's exception names the URL, which may hold a key.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ._text import compiled, safe_str

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterator
    from types import TracebackType

__all__ = [
    "cause_of",
    "class_name",
    "context_of",
    "dict_of",
    "is_client_error",
    "is_group",
    "leaves",
    "may_quote",
    "members",
    "module_name",
    "root_of",
    "suppresses_context",
    "text_of",
    "traceback_of",
]

CLIENTS = frozenset(
    {
        "aiohttp",
        "anthropic",
        "cerebras",
        "cohere",
        "fireworks",
        "groq",
        "httpcore",
        "httpcore2",
        "httpx",
        "httpx2",
        "litellm",
        "mistralai",
        "ollama",
        "openai",
        "perplexity",
        "requests",
        "together",
        "urllib3",
        "zai",
    }
)
"""The HTTP clients and the SDKs over them, by the roots of their modules."""

# What they stand on, and other clients that are known by less: their exceptions quote the same.
_QUOTING = CLIENTS.union((
    "azure", "botocore", "curl_cffi", "elastic_transport", "google", "h11", "h2", "http",
    "niquests", "tornado", "urllib", "websockets", "wsproto", "yarl",
))  # fmt: skip
_HEADER = r"(?is)(\bheader(?: (?:name|value|part|field|line)s?\b|s?(?=: ))).*"
# A URL up to the quote that it is in, or to white space; one without a scheme, a path or a query
# alone. Each takes all up to there, so that none can go back.
_OF_URL = r"""(?ix)
    (?P<quote>['"`])(?P<start>(?:[a-z][a-z0-9+.-]*:)?//)(?P<quoted>(?:(?!(?P=quote)).)*)
    |//(?P<bare>\S*)
    |(?<![\w.-])(?P<host>[\w-]+(?:\.[\w-]+)+(?::\d+)?)/[^\s'"`]*
    |(?P<around>['"`])[/?](?:(?!(?P=around)).)*
    |(?<![\w.~%/-])/\S+|(?<![\w.+:-])[\w.+-]+:[^\s/'"`]+/[^\s'"`]*
    |\?\S+|(?<=\S)\#\S+
    |(?<=\bURL[ ])(?P<only>['"`])(?:(?!(?P=only)).)*"""
_HOST = r"([\w.-]*|\[[\w:.%]+\])(:\d+)?"
_PATH = r"[/?#]"
_LONGEST = 16 * 1024


# Attributes as Python keeps them: what a class of the service's says of them instead may
# raise, or lead in a circle.
_slots = vars(BaseException)
cause_of: Callable[[BaseException], BaseException | None] = _slots["__cause__"].__get__
context_of: Callable[[BaseException], BaseException | None] = _slots["__context__"].__get__
suppresses_context: Callable[[BaseException], bool] = _slots["__suppress_context__"].__get__
traceback_of: Callable[[BaseException], TracebackType | None] = _slots["__traceback__"].__get__
dict_of: Callable[[BaseException], dict[str, Any]] = _slots["__dict__"].__get__
_held_by: Callable[[BaseException], tuple[BaseException, ...]]
_held_by = vars(BaseExceptionGroup)["exceptions"].__get__


def is_group(exc: BaseException | None) -> bool:
    """Whether `exc` is a group."""
    # Not by isinstance, which asks the exception for its class where the type is another one.
    return issubclass(type(exc), BaseExceptionGroup)


def members(exc: BaseException) -> tuple[BaseException, ...]:
    """Return what a group holds; nothing for what is no group."""
    return _held_by(exc) if is_group(exc) else ()


def leaves(exc: BaseException) -> Iterator[BaseException]:
    """Yield the exceptions that `exc` holds, in the order raised; itself if it is no group.

    Each one once: a group that holds another one twice, and so on, has leaves without number.
    """
    stack = [exc]
    seen: set[int] = set()
    while stack:
        current = stack.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        inside = members(current)
        stack.extend(reversed(inside))
        if not inside:
            yield current


# What a class says of itself, whatever its metaclass says.
_name_of: Callable[[type], str] = vars(type)["__qualname__"].__get__
_module_of: Callable[[type], object] = vars(type)["__module__"].__get__


def class_name(cls: type) -> str:
    """Return the name of a class."""
    return _name_of(cls)


def module_name(cls: type) -> str:
    """Return the name of a class's module."""
    return str(_module_of(cls))


def root_of(cls: type) -> str:
    """Return the name of the library that a class comes from."""
    return module_name(cls).partition(".")[0]


def is_client_error(exc: BaseException) -> bool:
    """Whether an HTTP client or an LLM SDK raised `exc`, of a class of its own or of another."""
    cls: type = type(exc)
    if _is_clients(cls):
        return True
    traceback = traceback_of(exc)
    if traceback is None:
        return False
    while (following := traceback.tb_next) is not None:
        traceback = following
    return str(traceback.tb_frame.f_globals.get("__name__")).partition(".")[0] in _QUOTING


@lru_cache(maxsize=256)
def _is_clients(cls: type) -> bool:
    return any(root_of(base) in _QUOTING for base in cls.__mro__)


def may_quote(text: str) -> bool:
    """Whether `text` has anything that `text_of` masks: most have not."""
    if "/" in text or "?" in text or "#" in text:
        return True
    lowered = text.lower()
    return "header" in lowered or "url " in lowered


def text_of(said: object) -> str:
    """Return what a client's exception says, or a note on it, for the log.

    Keys of other providers have no pattern to be known by: of URLs only the host is kept, and
    nothing of a header. An SDK's text holds what was answered, of which the start is
    enough; a URL may not be cut in two, though.
    """
    text = safe_str(said)
    if len(text) > _LONGEST:
        text = text[:_LONGEST].rpartition(" ")[0]
    return compiled(_OF_URL).sub(_cut_url, compiled(_HEADER).sub(r"\1 ***", text))


def _cut_url(match: re.Match[str]) -> str:
    quote, start, quoted, bare, host = match.group("quote", "start", "quoted", "bare", "host")
    if host is not None:
        return f"{host}/***"
    rest: str | None = bare if quoted is None else quoted
    if rest is None:
        return f"{match[0][0]}***" if match[0][0] in "'\"`/?#" else "***"
    shown, *path = compiled(_PATH).split(rest, maxsplit=1)
    user, _, after = shown.rpartition("@")
    # A password may have a slash or a question mark as well, and what has no scheme a colon.
    shown = after if compiled(_HOST).fullmatch(after) and "@" not in "".join(path) else "***"
    shown = f"***@{shown}" if user and shown != "***" else shown
    return f"{quote or ''}{start or '//'}{shown}{'/***' if path else ''}"
