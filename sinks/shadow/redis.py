"""Redis: keys under another namespace, which one script renames to the live ones while it removes these.

Nobody is served while the script runs, some microseconds a key. Old keys are unlinked, their memory is freed
afterwards. Like the sink's, the script touches keys that it does not declare: not for Redis Cluster.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final, cast

from redis.asyncio import Redis

from sinks.base import RedisCommand, TopicPartition
from sinks.redis import ANSWER_TIMEOUT_S, CONNECT_TIMEOUT_S, RedisSink, mapped
from sinks.shadow.base import Shadow, shadow_settings
from stridelog.settings import Settings

SCAN: Final = 1_000

# ARGV: how many live keys, these, then the keys of the shadow with their new names in pairs. A key may have expired
# since it was listed.
SWAP: Final = """
local live = tonumber(ARGV[1])
for at = 2, live + 1 do redis.call('UNLINK', ARGV[at]) end
for at = live + 2, #ARGV, 2 do
  if redis.call('EXISTS', ARGV[at]) == 1 then redis.call('RENAME', ARGV[at], ARGV[at + 1]) end
end
"""


class RedisShadow(Shadow[RedisCommand]):
    """Keys of the same names under another namespace. ``parts`` are patterns of names, such as ``rank:*``."""

    def __init__(self, agent: str, settings: Settings, parts: tuple[str, ...]) -> None:
        self._live = settings.namespace
        self._shadow = shadow_settings(agent, settings).namespace
        self._patterns = parts
        self.sink = RedisSink(agent, shadow_settings(agent, settings))
        self._client: Redis = Redis.from_url(
            settings.redis,
            socket_timeout=ANSWER_TIMEOUT_S,
            socket_connect_timeout=CONNECT_TIMEOUT_S,
            decode_responses=True,
        )

    async def open(self) -> None:
        async with mapped():
            await cast(Any, self._client.ping())

    async def close(self) -> None:
        await self._client.aclose()

    async def clear(self) -> None:
        async with mapped():
            async for some in self._names(f"{self._shadow}:*"):
                await self._client.unlink(*some)

    async def swap(self, marks: Mapping[TopicPartition, int]) -> None:
        async with mapped():
            live = await self._all(self._live)
            built = await self._all(self._shadow)
            pairs = [part for name in built for part in (name, self._live + name.removeprefix(self._shadow))]
            await cast(Any, self._client.eval(SWAP, 0, str(len(live)), *live, *pairs))

    async def _all(self, namespace: str) -> list[str]:
        """Names of the projection's keys, each once."""
        found: dict[str, None] = {}
        for pattern in self._patterns:
            async for some in self._names(f"{namespace}:{pattern}"):
                found |= dict.fromkeys(some)
        return list(found)

    async def _names(self, pattern: str) -> AsyncIterator[Sequence[str]]:
        cursor = 0
        while True:
            cursor, names = await cast(Any, self._client.scan(cursor, match=pattern, count=SCAN))
            if names:
                yield names
            if not cursor:
                return
