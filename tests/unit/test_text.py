"""Strings on their way out: no key in any position, cut where the contract cuts, one line."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic_core import from_json

from kaiko_middleware._text import (
    LOG_LIMIT,
    MESSAGE_LIMIT,
    PARAM_LIMIT,
    clean_message,
    clean_param,
    is_code,
    json_string,
    log_safe,
    redact,
    safe_str,
    well_formed,
)
from unit.support import KEYS, any_text

# What a key shows once its public prefix is gone; no piece of it of eight characters may stay.
SECRET = "Zq7Zq7Zq7Zq7Zq7Zq7Zq7Zq7Zq7Zq7Zq7Zq7"
SHAPES = [f"kaiko_live_{SECRET}", f"kaiko_test_{SECRET}", f"sk-{SECRET}", f"Bearer {SECRET}"]
separators = st.sampled_from([" ", ": ", "'", '"', "\n", "(", "/", "=", "…", "\u2028"])


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("the key kaiko_live_abc123 is revoked", "the key kaiko_live_*** is revoked"),
        ("kaiko_test_x", "kaiko_test_***"),
        ("use sk-ABCDEFGHIJKLMNOP now", "use sk-*** now"),
        ("sk-proj-abc_DEF-0123456789", "sk-***"),
        ("Authorization: Bearer abc.def-ghi_jkl~1", "Authorization: Bearer ***"),
        ("BEARER\t0123456789abcd==", "BEARER\t***"),
        (repr("Bearer\n 0123456789abcdef"), "'Bearer\\n ***'"),
        ("/login/Bearer%200123456789abcdef", "/login/Bearer%20***"),
        ("'sk-ABCDEFGHIJKLMNOP'", "'sk-***'"),
        ("kaiko_live_a,kaiko_test_b", "kaiko_live_***,kaiko_test_***"),
    ],
)
def test_keys_and_tokens_are_redacted(text: str, redacted: str) -> None:
    """The prefix stays, so that one sees which kind of key it was."""
    assert redact(text) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "disk-full",
        "the disk-full-and-nothing-can-be-written condition",
        "risk-assessment-of-the-century",
        "sk-short",
        "sk-ABCDEFGHIJKLMNO",
        "task-0123456789abcdef0",
        "kaiko_live_***",
        "Bearer ***",
        "kaiko_prod_abc",
        "the bearer: of bad news",
        "The bearer token has expired",
        "Bearer authentication is required",
        "Send it as Authorization: Bearer followed by your key",
        "Bearer 0123456789abcde",
        "",
    ],
)
def test_words_that_only_look_like_keys_stay(text: str) -> None:
    """Redaction eats no ordinary text, nor what it has redacted before."""
    assert redact(text) == text


@given(st.lists(any_text, max_size=4), st.sampled_from(SHAPES), separators, separators)
@example([], SHAPES[0], " ", " ")
def test_no_key_survives_wherever_it_stands(
    around: list[str], key: str, before: str, after: str
) -> None:
    """In a message, a param and a log record alike."""
    text = f"{''.join(around)}{before}{key}{after}{''.join(around)}"
    for shown in (clean_message(text, "x"), clean_param(text) or "", log_safe(text)):
        assert SECRET[:8] not in shown


@given(
    filler=st.sampled_from(["a ", "é", "\U0001f600", "kaiko_live_0123456789abcdef ", "\n"]),
    count=st.integers(0, 6000),
    key=st.sampled_from(SHAPES),
    tail=st.sampled_from(["", " ", " and more" * 1000]),
)
@example(filler="a", count=4 * MESSAGE_LIMIT - 10, key=SHAPES[2], tail=" more" * 100)
@example(filler="kaiko_live_0123456789abcdef ", count=150, key=SHAPES[2], tail=" " * 9000)
def test_no_half_key_survives_a_cut(filler: str, count: int, key: str, tail: str) -> None:
    """A key is known before anything is cut off it."""
    text = f"{filler * count} {key}{tail}"
    for shown in (clean_message(text, "x"), clean_param(text) or "", log_safe(text)):
        assert SECRET[:3] not in shown


@pytest.mark.parametrize("beyond", range(1, 24))
def test_a_key_cut_by_the_window_that_is_looked_at_is_gone_too(beyond: int) -> None:
    """The window of a huge text ends inside a key, and redaction has made the rest short."""
    window, shown = 4 * MESSAGE_LIMIT, len("kaiko_live_***")
    long_key = f"kaiko_live_{'x' * (window + shown - MESSAGE_LIMIT - beyond - 11)}"
    for visible in range(1, 20):
        lead = long_key.ljust(window - len("sk-") - visible)
        assert SECRET[:3] not in clean_message(f"{lead}sk-{SECRET} {'b' * 9999}", "x")


@given(any_text, st.integers(1, 300))
def test_a_message_is_never_empty_and_never_too_long(text: str, times: int) -> None:
    """1 to 1,024 characters, whatever an author wrote."""
    assert 1 <= len(clean_message(text * times, "meaning")) <= MESSAGE_LIMIT


@pytest.mark.parametrize("text", ["", " ", "\n\t ", "\u2028", None, 7, b"bytes", ["list"]])
def test_a_message_that_says_nothing_becomes_the_meaning(text: object) -> None:
    """Blank texts and things that are no text."""
    assert clean_message(text, "meaning") == "meaning"


@given(st.one_of(any_text, st.text(min_size=200, max_size=600), st.none(), st.integers()))
def test_a_param_is_short_and_has_no_control_character(text: object) -> None:
    """At most 256 characters, none of them a control character; or null."""
    param = clean_param(text)
    if param is not None:
        assert 1 <= len(param) <= PARAM_LIMIT
        assert not re.search("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]", param)


@pytest.mark.parametrize("piece", ["\0", "\x1b[", " ", "\u2028", "kaiko_live_a", "Bearer ", "é"])
def test_a_text_of_megabytes_is_cut_before_it_is_looked_at(piece: str) -> None:
    """Only its start counts, so that control characters, blanks and keys cost nothing."""
    text = piece * (1_000_000 // len(piece))
    start = text[: 16 * MESSAGE_LIMIT]
    for clean in (lambda each: clean_message(each, "x"), clean_param, log_safe):
        assert clean(text + "end") == clean(start + "end")


def test_a_key_broken_by_a_control_character_is_redacted_in_a_param() -> None:
    """Control characters go first, so what they broke is whole again when keys are sought."""
    assert clean_param(f"kaiko_\0live_{SECRET}") == "kaiko_live_***"


@given(any_text)
def test_a_json_string_is_read_back_by_a_strict_parser(text: str) -> None:
    """Only lone surrogates change: no strict parser takes them."""
    assert from_json(json_string(text)) == well_formed(text)
    assert json_string(text).isascii()


@given(any_text)
def test_well_formed_text_can_be_encoded_and_is_left_alone_otherwise(text: str) -> None:
    """Surrogate pairs are joined, lone ones replaced, nothing else is touched."""
    made = well_formed(text)
    made.encode()
    if not re.search("[\ud800-\udfff]", text):
        assert made is text


def test_surrogate_pairs_are_joined() -> None:
    """`"\\ud83d\\ude00"` read by a lenient parser is one character all the same."""
    assert well_formed("\ud83d\ude00 \ud83d") == "\U0001f600 \ufffd"


@given(any_text, st.integers(0, 60))
def test_a_log_text_is_one_line(text: str, times: int) -> None:
    """No input starts a line of its own, in any reader's idea of a line."""
    shown = log_safe(text * times)
    assert len(shown.splitlines()) <= 1
    shown.encode()


def test_a_log_text_is_cut_and_says_so() -> None:
    """An ellipsis tells that there was more."""
    assert log_safe("x" * 1000) == "x" * LOG_LIMIT + "…"
    assert log_safe("x" * LOG_LIMIT) == "x" * LOG_LIMIT
    assert log_safe("a\r\nb") == "a\\r\\nb"
    assert log_safe("\ud800\u2028") == "\\ud800\\u2028"
    assert log_safe(404) == "404"


def test_what_cannot_be_printed_is_named_by_its_class() -> None:
    """A `__str__` that raises is a note, not a second failure."""

    class Hostile:
        def __str__(self) -> str:
            raise RuntimeError

    assert safe_str(Hostile()) == "<unprintable Hostile object>"
    assert log_safe(Hostile()) == "<unprintable Hostile object>"


@pytest.mark.parametrize("key", KEYS)
def test_every_made_up_key_of_these_tests_is_one(key: str) -> None:
    """The keys that other tests hide are keys."""
    assert redact(key) != key


def test_a_text_that_redaction_makes_short_is_looked_at_to_its_end() -> None:
    """A key as long as the window leaves room for what comes after it."""
    text = f"kaiko_live_{'x' * 5 * MESSAGE_LIMIT} and sk-{SECRET}"
    assert clean_message(text, "x") == "kaiko_live_*** and sk-***"


def test_ten_megabytes_are_no_trouble() -> None:
    """A huge text is cut, not copied about."""
    huge = "kaiko_live_abc " * 700_000
    assert len(clean_message(huge, "x")) == MESSAGE_LIMIT
    assert len(clean_param(huge) or "") == PARAM_LIMIT
    assert len(log_safe(huge)) == LOG_LIMIT + 1


@pytest.mark.parametrize("code", ["kaiko_live_" + "0" * 20, "my_kaiko_test_abc"])
def test_a_key_is_no_code(code: str) -> None:
    """A key is written like a code, and a returned body may hold one in its place."""
    assert not is_code(code)
    assert is_code(code.replace("kaiko", "other"))
