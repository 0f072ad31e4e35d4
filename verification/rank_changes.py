"""Heads of boards: as the scores have them, and as the announced changes add up to."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Final

import psycopg
import redis.asyncio
from psycopg import sql
from redis.exceptions import RedisError

from domain.boards import BoardKey, competition_ranks
from sinks.keys import Keys
from stridelog import boards_file
from stridelog.errors import UserError
from stridelog.settings import Settings
from verification.outcomes import Valid

ANSWER_S: Final = 30.0
_OUTBOX: Final = "SELECT count(*) FROM {schema}.rank_outbox"

Heads = dict[tuple[BoardKey, str], int]
"""Rank by board and user."""
Said = dict[tuple[BoardKey, str], tuple[int, int | None]]
"""Sequence and rank of the last change by board and user."""


def expected_heads(rankings: Mapping[BoardKey, Mapping[str, float]]) -> Heads:
    """The first ranks of the boards that are announced, from members and encoded scores."""
    rules = boards_file.load()
    heads: Heads = {}
    for board, scores in rankings.items():
        top = rules.announced(board.metric)
        users = sorted(scores, key=lambda user: -scores[user])
        ranks = competition_ranks([scores[user] for user in users])
        heads |= {(board, user): rank for user, rank in zip(users, ranks, strict=True) if rank <= top}
    return heads


def note_said(said: Said, messages: Iterable[Valid]) -> None:
    """Add what the messages of one partition say; a message that was sent again says the same."""
    for record in messages:
        data, user = record.message.data, record.message.user
        key = BoardKey(data.metric, data.sport, data.period, data.period_key), user
        if key not in said or said[key][0] < data.sequence:
            said[key] = (data.sequence, data.rank)


def found_heads(said: Said) -> Heads:
    """The heads that the last change of each user gives; of boards that are announced."""
    rules = boards_file.load()
    return {key: rank for key, (_, rank) in said.items() if rank is not None and rules.announced(key[0].metric)}


async def unannounced(settings: Settings) -> int:
    """How many boards and messages wait to be announced. Raises ``UserError`` for a store that does not answer."""
    try:
        async with asyncio.timeout(ANSWER_S):
            return await _marked(settings) + await _in_outbox(settings)
    except (RedisError, psycopg.Error, OSError) as error:
        text = " ".join(str(error).split())[:300] or type(error).__name__
        raise UserError(
            f"what waits to be announced cannot be read ({text}): start the stack with 'make up'"
        ) from error


async def _marked(settings: Settings) -> int:
    client = redis.asyncio.Redis.from_url(settings.redis)
    try:
        return int(await client.hlen(Keys(settings.namespace).boards_changed()))
    finally:
        await client.aclose()


async def _in_outbox(settings: Settings) -> int:
    query = sql.SQL(_OUTBOX).format(schema=sql.Identifier(settings.namespace))
    try:
        async with await psycopg.AsyncConnection.connect(settings.postgres) as connection:
            row = await (await connection.execute(query)).fetchone()
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        return 0  # nobody has announced anything yet
    return int(row[0]) if row else 0
