"""Redis as far as live sessions need it."""

from collections import defaultdict

import msgspec

from domain.live import LiveState, Sessions
from sinks.base import RedisCommand
from sinks.keys import Keys

KEYS = Keys("test")


class LiveRedis:
    """The commands of the projection, without a clock: nothing expires."""

    def __init__(self) -> None:
        self.texts: dict[str, bytes] = {}
        self.sets: defaultdict[str, dict[str, float]] = defaultdict(dict)

    def run(self, command: RedisCommand) -> None:
        match command:
            case ("SET", str(key), bytes(text), "EXAT", int()):
                self.texts[key] = text
            case ("UNLINK", str(key)):
                self.texts.pop(key, None)
            case ("ZADD", str(key), *places):
                for score, user in zip(places[::2], places[1::2], strict=True):
                    self.sets[key][str(user)] = float(score)
            case ("ZREM", str(key), *users):
                for user in users:
                    self.sets[key].pop(str(user), None)
            case ("EXPIREAT", str(), int()):
                pass
            case _:
                raise AssertionError(command)

    def held(self) -> tuple[dict[str, bytes], dict[str, dict[str, float]]]:
        """All keys; an empty sorted set is none."""
        return dict(self.texts), {name: dict(members) for name, members in self.sets.items() if members}

    def standing(self, user: str) -> tuple[Sessions, LiveState]:
        sessions, state = self.texts.get(KEYS.live(user), b"{}"), self.texts.get(KEYS.live_state(user), b"{}")
        return msgspec.json.decode(sessions, type=Sessions), msgspec.json.decode(state, type=LiveState)
