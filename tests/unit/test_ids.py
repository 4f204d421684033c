"""Request ids: their form, their randomness, and never one in two requests."""

from __future__ import annotations

import asyncio
import contextvars
import os
import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaiko_middleware import Config, bind_request_id, current_request_id
from kaiko_middleware.ids import (
    RequestIdPool,
    _forget_pools,
    accept_request_id,
    current_request_id_or,
    inbound_request_id,
    is_request_id,
    reset_request_id,
    set_request_id,
)
from kaiko_middleware.pipeline import Pipeline
from unit.support import REQUEST_ID, any_text

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/+=-"


@pytest.mark.parametrize("digits", range(10, 33))
def test_an_id_is_req_and_the_configured_number_of_hex_digits(digits: int) -> None:
    """Lower case, odd numbers too, over more than one refill of the pool."""
    pool = RequestIdPool(digits)
    pattern = re.compile(rf"req-[0-9a-f]{{{digits}}}")
    ids = [pool() for _ in range(600)]
    assert all(pattern.fullmatch(each) for each in ids)
    assert len(set(ids)) == 600


def test_a_hundred_thousand_ids_are_different() -> None:
    """At 128 bits a repetition would be a bug."""
    pool = RequestIdPool(32)
    assert len({pool() for _ in range(100_000)}) == 100_000


def test_every_digit_is_random() -> None:
    """No position is constant, odd lengths included."""
    for digits in (10, 11):
        pool = RequestIdPool(digits)
        columns = zip(*(pool()[4:] for _ in range(2_000)), strict=True)
        assert all(set(column) == set("0123456789abcdef") for column in columns)


def empty(pool: RequestIdPool) -> None:
    """Drop the ids that other tests have left; pools of one length share them."""
    try:
        while True:
            pool.pop()
    except IndexError:
        pass


def test_ids_come_from_the_operating_systems_randomness(monkeypatch: pytest.MonkeyPatch) -> None:
    """256 at a time, and each piece of it is used once."""
    asked: list[int] = []

    def urandom(size: int) -> bytes:
        asked.append(size)
        return bytes(index // 5 for index in range(size))

    monkeypatch.setattr(os, "urandom", urandom)
    pool = RequestIdPool(10)
    empty(pool)
    try:
        ids = {pool() for _ in range(256)}
        assert ids == {f"req-{bytes([index] * 5).hex()}" for index in range(256)}
        assert asked == [5 * 256]
    finally:
        empty(pool)  # these were no random ids


def test_the_bare_pop_says_when_the_pool_is_empty() -> None:
    """The hot path calls it and refills on IndexError."""
    pool = RequestIdPool(31)
    empty(pool)
    first = pool.refill()
    rest = {pool.pop() for _ in range(255)}
    assert len(rest | {first}) == 256
    with pytest.raises(IndexError):
        pool.pop()


FORK = """
import os, sys
from kaiko_middleware.ids import RequestIdPool
pools = [RequestIdPool(10), RequestIdPool(16)]
for pool in pools:
    pool()

def draw():
    return {pool() for pool in pools for _ in range(255)}

def draw_in_a_child():
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, "\\n".join(draw()).encode())
        os._exit(0)
    os.close(write)
    with open(read) as pipe:
        drawn = set(pipe.read().split("\\n"))
    os.waitpid(child, 0)
    return drawn

every = [draw_in_a_child(), draw_in_a_child(), draw()]
assert [len(drawn) for drawn in every] == [510] * 3
sys.exit(510 * 3 - len(set.union(*every)))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_process_has_ids_of_its_own() -> None:
    """The pool is emptied in the child: workers that are forked share nothing."""
    assert subprocess.run([sys.executable, "-c", FORK], check=False).returncode == 0


def test_forgetting_empties_every_pool() -> None:
    """What a forked child does first."""
    pools = [RequestIdPool(digits) for digits in (10, 11, 32)]
    for pool in pools:
        pool()
    _forget_pools()
    for pool in pools:
        with pytest.raises(IndexError):
            pool.pop()


def test_threads_draw_different_ids() -> None:
    """Two hundred of them, from one pool."""
    pool = RequestIdPool(12)
    barrier = threading.Barrier(20)

    def draw() -> list[str]:
        barrier.wait()
        return [pool() for _ in range(500)]

    with ThreadPoolExecutor(20) as executor:
        drawn = [each for run in executor.map(lambda _: draw(), range(20)) for each in run]
    assert len(set(drawn)) == 10_000


# --- which ids are taken -------------------------------------------------------------------


KEY, SK = "kaiko_live_0123456789abcdef", "gw:sk-0123456789abcdef"


@pytest.mark.parametrize("key", [KEY, SK])
def test_a_key_is_no_inbound_id(key: str) -> None:
    """It would be in every log; the bytes of a header are looked at alike."""
    assert is_request_id(key)
    assert accept_request_id([key]) is None
    assert inbound_request_id([(b"x-request-id", key.encode())], {b"x-request-id"}) is None
    for text in ("kaiko_id", "task-sk-1"):
        fields = [(b"accept", b"*/*"), (b"x-request-id", text.encode())]
        assert inbound_request_id(fields, {b"x-request-id"}) == text == accept_request_id([text])


@given(
    st.text(st.sampled_from(ALPHABET), min_size=1, max_size=128).filter(
        lambda text: "sk-" not in text and "kaiko_" not in text
    )
)
def test_an_id_of_the_alphabet_is_one(text: str) -> None:
    """1 to 128 characters out of `[A-Za-z0-9._:/+=-]`."""
    assert is_request_id(text)
    assert accept_request_id([text]) == text


@given(any_text)
def test_any_other_is_none(text: str) -> None:
    """By a check written another way than the code's."""
    fits = 0 < len(text) <= 128 and all(character in ALPHABET for character in text)
    assert is_request_id(text) == fits


@pytest.mark.parametrize(
    "value",
    [
        "",
        "a" * 129,
        "a b",
        "a\n",
        "a\r\nSet-Cookie: b",
        "a;b",
        "a,b",
        "é",
        "٣",
        "<b>",
        None,
        b"a",
        5,
    ],
    ids=ascii,
)
def test_an_inbound_value_outside_the_alphabet_is_no_id(value: object) -> None:
    """A line feed at the end included."""
    assert not is_request_id(value)


@pytest.mark.parametrize("values", [[], ["a", "a"], ["a", "b"], ["a", "b", "c"]])
def test_more_than_one_value_is_no_value(values: list[str]) -> None:
    """Nor is none."""
    assert accept_request_id(values) is None


def test_an_inbound_id_is_ignored_unless_it_is_trusted(log: pytest.LogCaptureFixture) -> None:
    """Anyone can send one; ignoring it is not worth a record."""
    assert re.fullmatch("req-[0-9a-f]{10}", Pipeline(Config()).request_id(["gw-1"]))
    assert log.records == []


def test_a_trusted_inbound_id_is_taken() -> None:
    """From a gateway that sets it."""
    pipeline = Pipeline(Config(trust_request_id=True, request_id_digits=16))
    assert pipeline.request_id(["gw:1/a+b=c"]) == "gw:1/a+b=c"
    assert re.fullmatch("req-[0-9a-f]{16}", pipeline.request_id([]))
    assert re.fullmatch("req-[0-9a-f]{16}", pipeline.request_id())


@pytest.mark.parametrize(
    "values",
    [["a b"], ["x\r\nforged"], ["\ud800" * 5000], ["a", "b"], [""], [KEY], [SK]],
    ids=range(7),
)
def test_a_bad_trusted_id_is_replaced_and_logged_cut_and_escaped(
    values: list[str], log: pytest.LogCaptureFixture
) -> None:
    """Never reflected, and never answered with an error."""
    fresh = Pipeline(Config(trust_request_id=True)).request_id(values)
    assert re.fullmatch("req-[0-9a-f]{10}", fresh)
    (record,) = log.records
    assert "inbound X-Request-ID replaced" in record.getMessage()
    assert vars(record)["request_id"] == fresh
    assert len(record.getMessage().splitlines()) == 1
    assert "0123456789abcdef" not in record.getMessage()
    assert len(record.getMessage()) < 400


# --- the context variable --------------------------------------------------------------------


def test_outside_of_a_request_there_is_no_id() -> None:
    """In a fresh context."""
    fresh = contextvars.Context()
    assert fresh.run(current_request_id) is None
    assert fresh.run(current_request_id_or, "-") == "-"


def test_the_id_is_restored_after_the_request() -> None:
    """Also that of an outer request, where one app calls another in process."""
    outer = set_request_id("outer")
    inner = set_request_id("inner")
    assert current_request_id() == "inner"
    assert current_request_id_or("-") == "inner"
    reset_request_id(inner)
    assert current_request_id() == "outer"
    reset_request_id(outer)
    assert current_request_id() is None


def test_restoring_in_another_context_does_nothing() -> None:
    """A coroutine closed by the garbage collector, a response closed by another thread."""
    token = contextvars.Context().run(set_request_id, REQUEST_ID)
    reset_request_id(token)
    assert current_request_id() is None


def test_a_bare_thread_sees_no_id_unless_it_is_bound() -> None:
    """`bind_request_id` carries it, and hands arguments and results through."""
    seen: list[str | None] = []

    def work(label: str, *, end: str) -> str:
        seen.append(current_request_id())
        return label + end

    token = set_request_id(REQUEST_ID)
    bound = bind_request_id(work)
    bare = threading.Thread(target=work, args=("a",), kwargs={"end": "!"})
    carried = threading.Thread(target=bound, args=("b",), kwargs={"end": "!"})
    reset_request_id(token)
    for thread in (bare, carried):
        thread.start()
        thread.join()
    assert seen == [None, REQUEST_ID]
    assert bound("c", end="?") == "c?"
    assert current_request_id() is None
    assert getattr(bound, "__name__", "") == "work"


def test_a_reused_thread_of_an_executor_forgets_the_id() -> None:
    """Also when the function raises."""

    def fail() -> None:
        assert current_request_id() == REQUEST_ID
        raise LookupError

    token = set_request_id(REQUEST_ID)
    bound = bind_request_id(fail)
    reset_request_id(token)
    with ThreadPoolExecutor(1) as executor:
        with pytest.raises(LookupError):
            executor.submit(bound).result()
        assert executor.submit(current_request_id).result() is None


_INHERITING = """
from concurrent.futures import ThreadPoolExecutor
from kaiko_middleware.ids import bind_request_id, current_request_id, set_request_id
with ThreadPoolExecutor(1) as executor:
    for request_id in ("req-1", "req-2"):
        set_request_id(request_id)
        for work in (current_request_id, bind_request_id(current_request_id)):
            print(executor.submit(work).result())
"""


@pytest.mark.skipif(sys.version_info < (3, 14), reason="the option came with Python 3.14")
def test_a_thread_that_inherits_its_context_keeps_the_id_unless_it_is_bound() -> None:
    """What docs/request-ids.md says of the option: an executor has the first request's id."""
    command = [sys.executable, "-X", "thread_inherit_context=1", "-c", _INHERITING]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["req-1", "req-1", "req-1", "req-2"]


def test_ten_thousand_tasks_see_their_own_id() -> None:
    """And what they start through `asyncio.to_thread` does, too."""

    async def one(number: int) -> bool:
        mine = f"req-{number}"
        token = set_request_id(mine)
        await asyncio.sleep(0)
        kept = current_request_id() == mine
        if number % 100 == 0:
            kept &= await asyncio.to_thread(current_request_id) == mine
        await asyncio.sleep(0)
        reset_request_id(token)
        return kept and current_request_id() is None

    async def every() -> list[bool]:
        return await asyncio.gather(*(one(number) for number in range(10_000)))

    assert all(asyncio.run(every()))
