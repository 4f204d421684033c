"""The script by which Redis counts, what it is called with, and what it says."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kaiko_guards._rates import Rate
    from kaiko_guards._storages import Batch, Charge

    Words = list[object]
    """The number of keys, the keys, and the script's arguments."""

__all__ = ["SCRIPT", "read_answer", "words_for", "words_to_settle"]

_ESCAPES = str.maketrans({"{": "%7B", "}": "%7D", "%": "%25"})
"""A cluster would only look at what is in braces to find where a key lies."""
_REMEMBERED = 600_000
"""Milliseconds for which a batch that may have arrived is known."""

# Arguments: whether to charge whatever the limits say, the number of keys, the batch's number;
# then for each key the number of its rates, and of each the charge, the period and the hair. The
# last key remembers the writer's batch. Numbers are returned as text: they would come back as
# integers. The comparison is that of `Rate.take`, so that both say the same. What is no time
# of ours is written over.
#
# The usual case has three arguments, those of the one rate of one key. It takes a server half the
# time, and clients read a status faster than a list.
SCRIPT = """
local t = redis.call('TIME')
local now = t[1] + t[2] / 1000000
if #KEYS == 1 and #ARGV == 3 then
  local since, period, hair = tonumber(redis.pcall('GET', KEYS[1])), tonumber(ARGV[2]), ARGV[3] + 0
  local ahead = since and since > now and since - now or 0
  local moved = ahead > 2 * period + hair
  if moved then ahead = 2 * period end
  local after = ahead + ARGV[1]
  local allowed = period - after >= -hair
  if allowed or moved then
    local kept = string.format('%.6f', now + (allowed and after or ahead))
    redis.call('SET', KEYS[1], kept, 'PX', math.ceil(after * 1000) + 1)
  end
  return redis.status_reply(string.format('%.17g', ahead))
end
local forced, keys, batch = ARGV[1] == '1', tonumber(ARGV[2]), ARGV[3]
local known = keys < #KEYS and redis.call('GET', KEYS[#KEYS]) == batch
local told, writes, allowed, moved, at = {}, {}, true, false, 4
for number = 1, keys do
  local kept, times, starts, afters, last = redis.pcall('GET', KEYS[number]), {}, {}, {}, 0
  if type(kept) == 'string' then
    for time in string.gmatch(kept, '[^ ]+') do
      local since = tonumber(time)
      times[#times + 1] = since == since and since or 0
    end
  end
  local rates = tonumber(ARGV[at])
  at = at + 1
  for rate = 1, rates do
    local charge, period = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
    local hair = tonumber(ARGV[at + 2])
    at = at + 3
    local ahead = math.max((times[rate] or 0) - now, 0)
    if ahead > 2 * period + hair then
      ahead = 2 * period
      moved = true
    end
    local after = ahead + charge
    if forced then
      if known then after = ahead end
      after = math.max(0, math.min(after, 2 * period))
    elseif period - after < -hair then
      allowed = false
    end
    told[#told + 1] = string.format('%.17g', forced and after or ahead)
    starts[rate] = string.format('%.6f', now + ahead)
    afters[rate] = string.format('%.6f', now + after)
    last = math.max(last, after, ahead)
  end
  writes[number] = {starts, afters, math.ceil(last * 1000) + 1}
end
if allowed and not known or moved then
  for number = 1, keys do
    local starts, afters, lasts = unpack(writes[number])
    redis.call('SET', KEYS[number], table.concat(allowed and afters or starts, ' '), 'PX', lasts)
  end
end
if keys < #KEYS and not known then
  redis.call('SET', KEYS[#KEYS], batch, 'PX', ARGV[#ARGV])
end
return told
"""


def words_for(charges: Sequence[Charge], *, forced: bool = False) -> Words:
    """Return what the script is called with."""
    if len(charges) == 1 and not forced:
        key, rates, seconds = charges[0]
        return [1, _key(key), *_usual_arguments(rates, seconds)]
    keys = [_key(key) for key, _, _ in charges]
    return [len(keys), *keys, *_arguments(charges, forced=forced, batch=0)]


def _arguments(charges: Sequence[Charge], *, forced: bool, batch: int) -> list[object]:
    arguments: list[object] = [int(forced), len(charges), batch]
    for _, rates, seconds in charges:
        arguments += _arguments_of(rates, seconds)
    return arguments


@lru_cache(maxsize=1024)
def _usual_arguments(rates: Sequence[Rate], seconds: Sequence[float]) -> tuple[bytes, ...]:
    """Return the arguments for one key, which are nearly always the same."""
    words = _arguments_of(rates, seconds)
    return tuple(words[1:]) if len(rates) == 1 else (b"0", b"1", b"0", *words)


def _arguments_of(rates: Sequence[Rate], seconds: Sequence[float]) -> list[bytes]:
    """Return what the script is told of a key; as octets, which the client need not encode."""
    words = [b"%d" % len(rates)]
    for rate, charge in zip(rates, seconds, strict=True):
        words += [repr(each).encode() for each in (charge, rate.period, rate.hair)]
    return words


def words_to_settle(batch: Batch, group: Sequence[Charge]) -> Words:
    """Return what the script is called with to charge some of a batch, once however often."""
    if not batch.writer:
        return words_for(group, forced=True)
    keys = [_key(key) for key, _, _ in group]
    keys.append(b"{%b}:%b" % (keys[0], batch.writer.encode()))  # where the first one lies
    arguments = _arguments(group, forced=True, batch=batch.number)
    return [len(keys), *keys, *arguments, _REMEMBERED]


def _key(key: str) -> bytes:
    if "{" in key or "}" in key or "%" in key:  # to look takes a tenth of the time
        key = key.translate(_ESCAPES)
    return key.encode("utf-8", "surrogatepass")


def read_answer(answer: bytes | list[bytes]) -> list[float]:
    """Return what the script says: one number in the usual case."""
    return [float(each) for each in answer] if isinstance(answer, list) else [float(answer)]
