"""Sorted sets in Redis."""

from typing import Any

from redis.asyncio import Redis

from sinks.base import Sink
from sinks.keys import Keys
from sinks.redis import RedisSink
from stridelog.settings import Settings

from .stores import Store


class RedisStore(Store):
    name = "redis"
    patience = "sinks.redis.ANSWER_TIMEOUT_S"
    ports = ("redis_port",)

    async def create(self) -> None:
        self.client: Redis = Redis.from_url(self.settings.redis, decode_responses=True)
        self.keys = Keys(self.settings.namespace)
        self.board = self.keys.rank("distance", "running", "all", "all")

    def sink(self, agent: str = "tester", settings: Settings | None = None) -> Sink[Any]:
        return RedisSink(agent, settings or self.settings)

    def row(self, key: int, value: int, *, offset: int | None = None) -> Any:
        return ("ZADD", self.board, value, str(key))

    def poison(self, key: int) -> Any:
        return ("LPUSH", self.board, "a sorted set is no list")

    async def read(self) -> dict[int, int]:
        scores: list[tuple[str, float]] = await self.client.zrange(self.board, 0, -1, withscores=True)  # type: ignore[assignment]
        return {int(member): int(score) for member, score in scores}

    async def lose_watermarks(self) -> None:
        await self.client.delete(self.keys.watermarks("tester"))

    async def drop(self) -> None:
        async for key in self.client.scan_iter(match=f"{self.settings.namespace}:*"):
            await self.client.delete(key)
        await self.client.aclose()
