"""The settings of an `Upstream`: every way to be wrong is one line that says what to write."""

from __future__ import annotations

from typing import Any

import pytest

from kaiko_middleware import ConfigError
from kaiko_middleware.upstream import Upstream

NAME = "a text that is not empty"


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("name", "", NAME),
        ("name", " ", NAME),
        ("name", None, NAME),
        ("name", b"up", NAME),
        ("name", 5, NAME),
        ("trust", "all", "one of ('opaque', 'llm', 'peer')"),
        ("credential", None, "one of ('own', 'forwarded')"),
        ("rate_limit_as", 500, "one of (429, 503)"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_key_value_and_what_is_allowed(
    key: str, value: object, allowed: str
) -> None:
    """As in the middleware's `Config`."""
    settings: Any = {"name": "up", key: value}
    with pytest.raises(ConfigError) as caught:
        Upstream(**settings)
    assert str(caught.value) == f"{key}: {value!a} is not allowed; it must be {allowed}"


def test_its_repr_says_whose_service_it_is() -> None:
    """For a log at start."""
    shown = repr(Upstream("llm", trust="llm", credential="forwarded"))
    assert shown == "Upstream('llm', trust='llm', credential='forwarded')"
