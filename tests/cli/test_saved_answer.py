"""What people save of an answer, read again; nothing of it can hurt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaiko_cli.saved_answer import READ_LIMIT, SavedAnswer, read_answer

HEAD = b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nX-A: 1\r\nx-a: 2\r\n"
VERBOSE = b"""\
  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current
                                 Dload  Upload   Total   Spent    Left  Speed
\r  0     0    0     0    0     0      0      0 --:--:-- --:--:-- --:--:--     0*   Trying 127.0.0.1:80...
* Connected to 127.0.0.1 (127.0.0.1) port 80 (#0)
> HEAD /v2/contexts/ctx_1 HTTP/1.1\r
> Accept: */*\r
> \r
{ [3 bytes data]
< HTTP/1.1 100 Continue\r
< \r
< HTTP/2 404\r
< content-type: text/plain\r
< \r
{ [3 bytes data]
\r100   163  100   163    0     0  10979      0 --:--:-- --:--:-- --:--:-- 11642
"""  # noqa: E501 - as curl writes it


def test_a_head_and_a_body_are_told_apart() -> None:
    """Repeated headers are kept, and joined where one value is asked for."""
    answer = read_answer(HEAD + b"\r\nlost")
    assert answer == SavedAnswer(
        404, (("Content-Type", "text/plain"), ("X-A", "1"), ("x-a", "2")), b"lost"
    )
    assert (answer.value("x-a"), answer.value("x-b")) == ("1, 2", "")


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/2 404 \r\na: b\r\n\r\nlost",
        b"HTTP/3 404\na: b\n\nlost",
        b"HTTP/1.0 404 No such thing\r\na: b\r\n\r\nlost",
        b"$ curl -i http://a/\r\nHTTP/1.1 404 x\r\na: b\r\n\r\nlost",
        b"\n\nHTTP/1.1 404 x\na: b\n\nlost",
        b"HTTP/1.1 404 x\r\nno colon\r\na: b\r\n\r\nlost",
        b"\xef\xbb\xbfHTTP/1.1 404 x\r\na: b\r\n\r\nlost",
        "HTTP/1.1 404 x\r\na: b\r\n\r\nlost".encode("utf-16"),
    ],
    ids=["h2", "h3", "1.0", "prompt", "blank", "odd", "bom", "powershell"],
)
def test_a_head_is_known_in_every_form(raw: bytes) -> None:
    """Of any version, with any line ends, after what a shell wrote."""
    answer = read_answer(raw)
    assert (answer.status, answer.headers, answer.body) == (404, (("a", "b"),), b"lost")


def test_an_obsolete_folded_value_is_one() -> None:
    """Some servers still fold."""
    answer = read_answer(b"HTTP/1.1 404 x\r\n first\r\na: b\r\n  c\r\n\r\n")
    assert answer.headers == (("a", "b c"),)


@pytest.mark.parametrize(
    "before",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 200 Connection established\r\n\r\n",
        b"HTTP/1.1 301 Moved\r\nContent-Length: 178\r\nLocation: /b\r\n\r\n",
        b"HTTP/1.1 301 Moved\r\nContent-Length: 5\r\n\r\nmoved",
        b"HTTP/1.1 401 x\r\nContent-Length: 5\r\n\r\nwhat?\r\n",
    ],
)
def test_the_last_of_several_answers_counts(before: bytes) -> None:
    """Interim ones, a proxy's, redirects with and without their bodies."""
    answer = read_answer(before * 2 + HEAD + b"\r\nlost")
    assert (answer.status, answer.body, len(answer.earlier)) == (404, b"lost", 2)


def test_what_curl_says_of_the_connection_is_left_out() -> None:
    """Its notes, its meter, what it sent; the method is kept."""
    answer = read_answer(VERBOSE + b"* Connection #0 to host 127.0.0.1 left intact\nlost")
    assert answer == SavedAnswer(
        404, (("content-type", "text/plain"),), b"lost", earlier=(100,), method="HEAD"
    )


@pytest.mark.parametrize(
    "raw",
    [
        b"< HTTP/1.1 404 x\r\n< a: b\r\n< \r\nlost* Connection #0 to host a left intact\n",
        b"< HTTP/1.1 404 x\r\nHTTP/1.1 404 x\r\n< a: b\r\na: b\r\n< \r\n\r\nlost",
        b"< HTTP/1.1 404 x\r\n< a: b\r\n< \r\nHTTP/1.1 404 x\r\na: b\r\n\r\nlost",
    ],
    ids=["at its end", "line by line", "after it"],
)
def test_both_of_curls_options_at_once_are_read_once(raw: bytes) -> None:
    """`-i -v` writes each head twice, on a terminal by lines and in a file one after the other."""
    answer = read_answer(raw)
    assert answer == SavedAnswer(404, (("a", "b"),), b"lost")


@pytest.mark.parametrize(
    ("coded", "body", "notes"),
    [
        (b"4\r\nlost\r\n0\r\n\r\n", b"lost", ()),
        (b"2;a=b\r\nlo\r\n2\r\nst\r\n0\r\nTrailer: a\r\n\r\n", b"lost", ()),
        (b"2\nlo\n2\nst\n0\n\n", b"lost", ()),
        (b"lost", b"lost", ()),
        (b"", b"", ()),
        (b"4\r\nlos", b"los", ("the chunked body is cut off",)),
        (b"4\r\nlost\r\n", b"lost", ("the chunked body is cut off",)),
        (b"10\r\nlines of text", b"lines of text", ("the chunked body is cut off",)),
        (b"1\r\nlines of text", b"1\r\nlines of text", ()),
    ],
)
def test_a_chunked_body_is_undone_where_it_still_is_one(
    coded: bytes, body: bytes, notes: tuple[str, ...]
) -> None:
    """`curl --raw` keeps the coding, `curl` undoes it; both keep the header."""
    answer = read_answer(b"HTTP/1.1 500 x\r\nTransfer-Encoding: chunked\r\n\r\n" + coded)
    assert (answer.body, answer.notes) == (body, notes)


@pytest.mark.parametrize(
    ("length", "body", "kept", "notes"),
    [
        (b"4", b"lost", b"lost", ()),
        (b"4", b"lost\n", b"lost", ()),
        (b"4", b"lost and found", b"lost and found", ()),
        (b"9", b"lost", b"lost", ("the body has 4 of 9 bytes",)),
        (b"9", b"", b"", ()),
        (b"many", b"lost", b"lost", ()),
        (b"9" * 5000, b"lost", b"lost", ()),
    ],
)
def test_the_length_says_what_is_missing(
    length: bytes, body: bytes, kept: bytes, notes: tuple[str, ...]
) -> None:
    """A line end that an editor added is no part of the body; of HEAD nothing is missing."""
    answer = read_answer(b"HTTP/1.1 404 x\r\nContent-Length: " + length + b"\r\n\r\n" + body)
    assert (answer.body, answer.notes) == (kept, notes)


@pytest.mark.parametrize("raw", [b'{"a": "\\nHTTP/1.1 200 x"}', b"", b"\xff\xfe\xff", b"\x00" * 99])
def test_what_has_no_head_is_a_body(raw: bytes) -> None:
    """Whatever it is."""
    assert read_answer(raw).status is None


def test_a_huge_file_is_read_in_part() -> None:
    """And the rest is said to be missing, once."""
    raw = b"HTTP/1.1 404 x\r\nContent-Length: 99999999\r\n\r\n" + b"a" * READ_LIMIT
    answer = read_answer(raw)
    assert answer.notes == (f"only the first {READ_LIMIT} bytes were read",)
    assert len(answer.body) < READ_LIMIT


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 404 x\r\n" * 60_000,
        b"HTTP/1.1 100 x\r\n\r\n" * 50_000,
        b"HTTP/1.1 404 x\r\n" + b"a: b\r\n" * 150_000,
        b"HTTP/1.1 404 x\r\na: b\r\n" + b" c\r\n" * 200_000,
        b"HTTP/1.1 404 x\r\ntransfer-encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 150_000,
        b"< HTTP/1.1 404 x\r\n" * 60_000,
        b"\n" * 1_000_000 + b"HTTP/1.1 404 x\r\n\r\n",
        b"< HTTP/1.1 404 x\r\n< \r\n" + b"* Connection #0 to host " * 40_000,
        b"< HTTP/1.1 404 x\r\n< \r\n" + b" " * 900_000 + b"x",
        b"HTTP/1.1 404 x\r\ntransfer-encoding: chunked\r\n\r\n1;" + b"a" * 900_000,
    ],
)  # fmt: skip
def test_a_hostile_file_is_read(raw: bytes) -> None:
    """Work grows with the size, not with its square, or this would take minutes."""
    assert len(read_answer(raw).body) <= READ_LIMIT


@given(st.binary(max_size=2000))
def test_any_bytes_are_read(raw: bytes) -> None:
    """Nothing raises, with whatever begins it."""
    for start in (b"", b"HTTP/1.1 500 x\r\n", b"< HTTP/1.1 500 x\r\n< \r\n", b"\xff\xfe"):
        read_answer(start + raw)
