"""Redis: the span's commands, the check of the owner and the watermark in one script, that is in one atomic step.

MULTI/EXEC would run the watermark's HSET even when a command before it failed; a script sees the failure and leaves the
watermark where it is. It also makes the driver's retries harmless: a script that ran and whose answer was lost finds
the watermark advanced and does nothing. A span too large for one script is cut: every part checks the owner, the last
one advances the watermark, and as commands are idempotent a crash between two parts is repaired by writing the span
again. The script touches keys that it does not declare, so this is for one Redis (with replicas), not for Redis
Cluster.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from sinks.base import PoisonRows, RedisCommand, Sink, SinkUnavailable, Span, TopicPartition
from sinks.claims import Claims, new_owner
from sinks.keys import Keys
from stridelog.settings import Settings

CONNECT_TIMEOUT_S: Final = 5.0
ANSWER_TIMEOUT_S: Final = 15.0  # a large script behind other large scripts
SCRIPT_ARGUMENTS: Final = 20_000  # a script of this size runs for some 10 ms, in which Redis serves nobody else
SCRIPT_BYTES: Final = 4 * 1024 * 1024
COMMAND_ARGUMENTS: Final = 4_000  # Lua's unpack() takes fewer than 8,000

# Commands of which a long call is the same as several shorter ones: how many arguments come before the list, and how
# many make one of its elements.
_DIVISIBLE: Final = {
    "ZADD": (2, 2),
    "HSET": (2, 2),
    "ZREM": (2, 1),
    "HDEL": (2, 1),
    "SADD": (2, 1),
    "SREM": (2, 1),
    "DEL": (1, 1),
    "UNLINK": (1, 1),
}

# KEYS: owners, watermarks. ARGV: field, owner, next offset, '1' in the span's last part, the watermark that there must
# be ('' for none), the part's number from 0, then for each command the number of its arguments and these. Answer:
# 'fenced', also by a Redis that holds less than it did (a crash, a backup); 'held' (the watermark is there already);
# 'torn' (what the part before this one wrote is lost); or the refused commands as position, reason, position, reason…
WRITE: Final = """
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 'fenced' end
local held = redis.call('HGET', KEYS[2], ARGV[1])
if held and tonumber(held) >= tonumber(ARGV[3]) then return 'held' end
if (held or '') ~= ARGV[5] then return 'fenced' end
local part, parts = tonumber(ARGV[6]), ARGV[1] .. '#'
if part > 0 and redis.call('HGET', KEYS[1], parts) ~= tostring(part - 1) then return 'torn' end
if ARGV[4] ~= '1' then
  redis.call('HSET', KEYS[1], parts, part)
elseif part > 0 then
  redis.call('HDEL', KEYS[1], parts)
end
local refused = {}
local at, position = 7, 0
while at <= #ARGV do
  local count = tonumber(ARGV[at])
  local reply = redis.pcall(unpack(ARGV, at + 1, at + count))
  if type(reply) == 'table' and reply.err then
    refused[#refused + 1] = position
    refused[#refused + 1] = reply.err
  end
  at = at + count + 1
  position = position + 1
end
if ARGV[4] == '1' and #refused == 0 then redis.call('HSET', KEYS[2], ARGV[1], ARGV[3]) end
return refused
"""


# The same keys. ARGV: field, owner, offset.
REWIND: Final = """
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 'fenced' end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
return 'set'
"""


class RedisSink(Sink[RedisCommand]):
    """Runs commands. They must be idempotent by themselves (``ZADD`` of a whole score, never ``ZINCRBY``)."""

    name = "redis"

    def __init__(self, agent: str, settings: Settings) -> None:
        super().__init__(agent)
        self._client: Redis = Redis.from_url(
            settings.redis,
            socket_timeout=ANSWER_TIMEOUT_S,
            socket_connect_timeout=CONNECT_TIMEOUT_S,
            decode_responses=True,
        )
        self._keys = Keys(settings.namespace)
        self._claims = Claims(self.name, agent)
        self._write = self._client.register_script(WRITE)
        self._rewind = self._client.register_script(REWIND)

    async def open(self) -> None:
        async with mapped():
            await cast(Any, self._client.ping())

    async def close(self) -> None:
        await self._client.aclose()

    async def claim(self, sources: Iterable[TopicPartition]) -> dict[TopicPartition, int | None]:
        wanted = list(sources)
        if not wanted:
            return {}
        owner = new_owner()
        fields = [_field(source) for source in wanted]
        async with mapped(), self._client.pipeline(transaction=True) as pipe:
            pipe.hset(self._keys.owners(self.agent), mapping=dict.fromkeys(fields, owner))
            pipe.hmget(self._keys.watermarks(self.agent), fields)
            _, marks = await pipe.execute()
        held = {source: None if mark is None else int(mark) for source, mark in zip(wanted, marks, strict=True)}
        for source, watermark in held.items():
            self._claims.take(source, owner, watermark)
        return held

    async def watermarks(self) -> dict[TopicPartition, int]:
        async with mapped():
            marks = await cast(Any, self._client.hgetall(self._keys.watermarks(self.agent)))
        return {_source(name): int(mark) for name, mark in marks.items()}

    async def write(self, rows: Sequence[RedisCommand], span: Span) -> None:
        claim = self._claims.of(span)
        if claim.covers(span):
            return
        refused: dict[int, str] = {}
        parts = list(_parts(rows))
        for number, part in enumerate(parts, start=1):
            # A span with a refused command does not advance the watermark: it will come again without that command.
            is_last = number == len(parts) and not refused
            arguments: list[str | bytes | int | float] = [
                _field(span.source),
                claim.owner,
                span.next,
                "1" if is_last else "0",
                "" if claim.watermark is None else claim.watermark,
                number - 1,
            ]
            for _, command in part:
                arguments += [len(command), *command]
            async with mapped():
                answer = await self._write(
                    keys=[self._keys.owners(self.agent), self._keys.watermarks(self.agent)], args=arguments
                )
            if answer == "fenced":
                raise self._claims.lost(span.source)
            if answer == "torn":
                raise SinkUnavailable(f"redis: it has lost a part of {span}, which is written again")
            if answer == "held":
                break
            for position, reason in zip(answer[::2], answer[1::2], strict=True):
                refused[part[position][0]] = str(reason)
        if refused:
            raise PoisonRows(refused)
        claim.watermark = span.next

    async def rewind(self, source: TopicPartition, offset: int) -> None:
        claim = self._claims.of(source)
        async with mapped():
            answer = await self._rewind(
                keys=[self._keys.owners(self.agent), self._keys.watermarks(self.agent)],
                args=[_field(source), claim.owner, offset],
            )
        if answer == "fenced":
            raise self._claims.lost(source)
        claim.watermark = offset

    def release(self, sources: Iterable[TopicPartition]) -> None:
        self._claims.release(sources)


Part = list[tuple[int, RedisCommand]]
"""Commands of one script, each with its row's index."""


def _parts(rows: Sequence[RedisCommand]) -> Iterator[Part]:
    """Cut a span's commands into scripts; there is at least one, as the watermark advances even without rows."""
    part: Part = []
    arguments = size = 0
    for index, row in enumerate(rows):
        for command in _divided(row):
            command_size = sum(len(a) if isinstance(a, str | bytes) else 8 for a in command)
            if part and (arguments + len(command) > SCRIPT_ARGUMENTS or size + command_size > SCRIPT_BYTES):
                yield part
                part, arguments, size = [], 0, 0
            part.append((index, command))
            arguments += len(command) + 1
            size += command_size
    yield part


def _divided(command: RedisCommand) -> Iterator[RedisCommand]:
    """A command with thousands of members as several that a script can pass on."""
    head, width = _DIVISIBLE.get(str(command[0]).upper() if command else "", (0, 0))
    if not head or len(command) <= COMMAND_ARGUMENTS:
        yield command
        return
    step = COMMAND_ARGUMENTS // width * width
    for start in range(head, len(command), step):
        yield (*command[:head], *command[start : start + step])


def _field(source: TopicPartition) -> str:
    return f"{source.topic}/{source.partition}"


def _source(field: str) -> TopicPartition:
    topic, _, partition = field.rpartition("/")
    return TopicPartition(topic, int(partition))


@asynccontextmanager
async def mapped() -> AsyncIterator[None]:
    """Turns the driver's errors into the contract's."""
    try:
        yield
    except (RedisError, OSError) as error:
        what = "refused" if isinstance(error, ResponseError) else "no answer"
        raise SinkUnavailable(f"redis: {what}: {' '.join(str(error).split())[:300]}") from error
