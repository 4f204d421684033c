"""What gateways and SDKs write before a provider's own message, and what they quote after it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kaiko_middleware.json_values import members

from ._body import parse_start

if TYPE_CHECKING:
    from kaiko_middleware.json_values import Members

_WORDS = (
    r"litellm\.\w{1,64}: "
    r"|\w{1,64}(?:Error|Exception)(?: \w{1,64}Error)?(?:: | - )"  # LiteLLM
    r"|The model returned the following errors: "  # Bedrock's Converse
    r"|An error occurred \(\w{1,64}\) when calling the \w{1,64} operation: "  # boto3
    r"|Error code: \d{1,3} - "  # the SDKs of OpenAI and Anthropic
    r"|<\d{1,3}> InternalError\.Algo\.\w{1,64}: "  # Alibaba
    r"|\d{3} [A-Z][a-z]{1,16}(?: [A-Z][a-z]{1,16}){0,2}: "  # Titan on Bedrock
    r"|[\w-]{1,64} error: (?:Provider returned error \| metadata: )?"  # Portkey, TrueFoundry
)
SOME_BEFORE = f"(?:{_WORDS}){{0,8}}?"
"""A pattern for the fixed words before a message, as few as possible."""

_QUOTES = re.compile(f"(?:{_WORDS})*+(?:b')?(?={{)")


def quoted(message: str) -> Members:
    """Return the JSON object that a message is, or quotes after a gateway's words; else none."""
    match = _QUOTES.match(message)
    if match is None:
        return {}
    return members(parse_start(message[match.end() :].replace("\\n", " ")))
