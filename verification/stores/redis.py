"""What Redis holds."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, cast

from redis import Redis as Client
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from domain.boards import BoardKey
from sinks.keys import Keys
from stridelog.errors import UserError
from stridelog.settings import Settings
from verification.live import LiveSession

TIMEOUT_S: Final = 30.0
SCAN: Final = 1_000
PIPELINE: Final = 500


class Redis:
    """The namespace's keys."""

    def __init__(self, settings: Settings) -> None:
        self._place = settings.redis
        self._keys = Keys(settings.namespace)
        self._client: Client = Client.from_url(
            settings.redis, socket_timeout=TIMEOUT_S, decode_responses=True, retry=Retry(NoBackoff(), 1)
        )

    def close(self) -> None:
        """Disconnect."""
        self._client.close()

    def now_s(self) -> float:
        """The server's clock: by it, keys expire."""
        with self._mapped():
            seconds, micros = self._client.time()
        return seconds + micros / 1e6

    def rankings(self) -> dict[BoardKey, dict[str, float]]:
        """Every ranking: members and their encoded scores."""
        prefix = self._keys.rank("*", "*", "*", "*")
        names = self._names(prefix)
        answers = self._pipelined(names, lambda pipe, name: pipe.zrange(name, 0, -1, withscores=True))
        boards = (BoardKey(*name.rsplit(":", 4)[1:]) for name in names)  # type: ignore[arg-type] # as the key says
        return {board: dict(members) for board, members in zip(boards, answers, strict=True) if members}

    def names(self) -> dict[str, str]:
        """User → display name."""
        with self._mapped():
            return cast("dict[str, str]", self._client.hgetall(self._keys.names()))

    def live_boards(self) -> dict[tuple[str, int], dict[str, float]]:
        """Every live board by figure and minute: members and their figures."""
        names = self._names(self._keys.live_board("*", "*"))
        answers = self._pipelined(names, lambda pipe, name: pipe.zrange(name, 0, -1, withscores=True))
        boards = (name.rsplit(":", 2)[1:] for name in names)
        return {(metric, int(minute)): dict(found) for (metric, minute), found in zip(boards, answers, strict=True)}

    def thresholds(self) -> dict[str, dict[str, float]]:
        """User → figures of the profile that heart rate zones need."""
        names = self._names(self._keys.thresholds("*"))
        answers = self._pipelined(names, lambda pipe, name: pipe.hgetall(name))
        prefix = len(self._keys.thresholds(""))
        figures = ({name: float(value) for name, value in found.items()} for found in answers)
        return {name[prefix:]: found for name, found in zip(names, figures, strict=True)}

    def live(self) -> dict[str, dict[str, LiveSession]]:
        """Live sessions by user and workout."""
        names = self._names(self._keys.live("*"))
        answers = self._pipelined(names, lambda pipe, name: pipe.get(name))
        prefix = len(self._keys.live(""))
        return {
            name[prefix:]: {id: LiveSession(fields) for id, fields in json.loads(text).items()}
            for name, text in zip(names, answers, strict=True)
            if text
        }

    def _names(self, pattern: str) -> list[str]:
        with self._mapped():
            return sorted(set(self._client.scan_iter(match=pattern, count=SCAN)))

    def _pipelined(self, names: list[str], ask: Any) -> list[Any]:
        answers: list[Any] = []
        with self._mapped():
            for begin in range(0, len(names), PIPELINE):
                with self._client.pipeline(transaction=False) as pipe:
                    for name in names[begin : begin + PIPELINE]:
                        ask(pipe, name)
                    answers += pipe.execute()
        return answers

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        try:
            yield
        except RedisError as error:
            raise UserError(
                f"Redis does not answer at {self._place} ({error}): start the stack with 'make up', or set "
                "STRIDELOG_REDIS_URL"
            ) from error
