"""User events as what other read models show of users."""

from schemas import hot
from sinks.base import RedisCommand
from sinks.keys import Keys
from stridelog.batch import Batch


def name_commands(batch: Batch, keys: Keys) -> list[RedisCommand]:
    """Display names: the last one of each user in the batch counts; an erased user has none."""
    names: dict[str, str | None] = {}
    for record in batch.records:
        match record.message:
            case hot.UserRegistered(user=user, data=data):
                names[user] = data.name
            case hot.ProfileChanged(user=user, data=data) if data.name is not None:
                names[user] = data.name
            case hot.UserErased(user=user):
                names[user] = None
    said: list[RedisCommand] = [("HSET", keys.names(), user, name) for user, name in names.items() if name is not None]
    return said + [("HDEL", keys.names(), user) for user, name in names.items() if name is None]
