"""Summaries as leaderboards: a user's whole scores on the boards that a batch touches."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

import pyarrow as pa

from domain.boards import BoardKey, Score, encode_rank_score
from domain.days import Period
from domain.ledger import Ledger
from schemas import hot
from sinks.base import RedisCommand, Rows
from sinks.keys import Keys
from sinks.tables import BOARD_SCORES, WORKOUTS
from stridelog import boards_file
from stridelog.batch import Batch
from stridelog.projections.efforts import BoardFact, as_others_see, keep, ranks
from stridelog.state import Index, State

HOT_DAYS: Final = 14  # how long Redis keeps a board after its period; older ones are read from ClickHouse


_FIGURES: Final = [name for name in WORKOUTS.schema.names if name in hot.Summary.__struct_fields__]
_ANALYSED: Final = [name for name in WORKOUTS.schema.names if name in hot.Analysis.__struct_fields__]


class CountedEfforts(Index):
    """What counts of a user's workouts, on the boards of boards.yaml."""

    kinds = (BoardFact,)

    def __init__(self) -> None:
        self.ledger = Ledger(boards_file.load())

    def put(self, id: str, fact: BoardFact) -> None:
        self.ledger.put(id, fact.effort if fact.counted else None)


@dataclass
class Touched:
    """The scores that a batch touches, by user, and the offset of the last record about the user."""

    scores: dict[str, dict[BoardKey, Score]]
    offsets: dict[str, int]
    dropped: Counter[str]


def touch(batch: Batch, state: State) -> Touched:
    """Keep the batch's summaries as facts; the whole scores of their users on every board that they could change."""
    kept = keep(batch, state, boards_file.load().efforts, ranks, as_others_see)
    scores = {user: state.index(user, CountedEfforts).ledger.scores(forms) for user, forms in kept.forms.items()}
    return Touched(scores, kept.offsets, kept.dropped)


def score_rows(touched: Touched, partition: int) -> Rows:
    """Rows of ``board_scores``."""
    rules = boards_file.load()
    keys: list[BoardKey] = []
    users: list[str] = []
    found: list[Score] = []
    for user, scores_of in touched.scores.items():
        keys += scores_of.keys()
        found += scores_of.values()
        users += [user] * len(scores_of)
    columns = dict(zip(BoardKey._fields, zip(*keys, strict=True), strict=True)) if keys else {}
    rows = {
        **{name: columns.get(name, ()) for name in BoardKey._fields},
        "user_id": users,
        "score": [score.value for score in found],
        "achieved_at": [score.achieved_us for score in found],
        "workouts": [score.workouts for score in found],
        "less_is_better": [int(rules.less_is_better(key.metric)) for key in keys],
        "deleted": [int(not score.counts) for score in found],
        "source_partition": [partition] * len(users),
        "source_offset": [touched.offsets[user] for user in users],
    }
    return Rows(BOARD_SCORES.name, pa.table(rows, schema=BOARD_SCORES.schema))


def workout_rows(batch: Batch) -> Rows:
    """Rows of the analysts' table ``workouts``."""
    rows = [_workout_row(offset, message, batch) for offset, message in batch.of(hot.WorkoutSummarised)]
    return Rows(WORKOUTS.name, pa.Table.from_pylist(rows, schema=WORKOUTS.schema))


def _workout_row(offset: int, message: hot.WorkoutSummarised, batch: Batch) -> Mapping[str, Any]:
    data, summary = message.data, message.data.summary
    figures = {name: getattr(summary, name) for name in _FIGURES} if summary else {}
    if summary and summary.analysis:
        figures |= {name: getattr(summary.analysis, name) for name in _ANALYSED}
    return {
        "load_method": "",
        "sample_count": 0,
        **figures,
        "user_id": message.user,
        "workout_id": data.workout_id,
        "status": data.status,
        "duplicate_of": data.duplicate_of or "",
        "sport": data.sport,
        "title": data.title or "",
        "device_id": data.device_id or "",
        "start": data.start,
        "end": data.end,
        "local_day": data.local_day,
        "deleted": int(data.status == "deleted"),
        **_judged(data),
        "source_partition": batch.span.partition,
        "source_offset": offset,
    }


def _judged(data: hot.WorkoutSummarisedData) -> dict[str, Any]:
    """What rules and people say of a workout."""
    flagged = [flag for flag in data.flags if flag.decision == "flagged"]
    return {
        "ranked": int(ranks(data)),
        "flags": ",".join(flag.rule for flag in flagged),
        "notes": ",".join(flag.rule for flag in data.flags if flag.decision == "noted"),
        "flag_reasons": "\n".join(flag.reason for flag in flagged),
        "unreviewed": int(any(flag.verdict is None for flag in flagged)),
        "appeal": data.appeal or "",
    }


def rank_commands(touched: Touched, keys: Keys, logged_ms: int, token: str) -> list[RedisCommand]:
    """Sorted sets of the boards that were still kept when the batch was logged (``logged_ms``).

    Last, after all that they are about, come the marks of boards that are announced. ``token`` has to be new in every
    call: who takes a mark away sees by it whether the board was changed again meanwhile.
    """
    rules = boards_file.load()
    members: dict[BoardKey, list[tuple[str, Score]]] = {}
    for user, found in touched.scores.items():
        for key, score in found.items():
            members.setdefault(key, []).append((user, score))
    commands: list[RedisCommand] = []
    marks: list[str] = []
    for board, entries in members.items():
        expires_s = kept_until_s(board.period, board.period_key)
        if expires_s is not None and expires_s * 1000 <= logged_ms:
            continue
        name = keys.rank(*board)
        less = rules.less_is_better(board.metric)
        ranked = [
            (encode_rank_score(score.value, score.achieved_us, less_is_better=less), user)
            for user, score in entries
            if score.counts
        ]
        gone = [user for user, score in entries if not score.counts]
        if ranked:
            commands.append(("ZADD", name, *(item for pair in ranked for item in (repr(pair[0]), pair[1]))))
        if gone:
            commands.append(("ZREM", name, *gone))
        if expires_s is not None:
            commands.append(("EXPIREAT", name, expires_s))
        if rules.announced(board.metric):
            marks += (":".join(board), token)
    if marks:
        commands.append(("HSET", keys.boards_changed(), *marks))
    return commands


def kept_until_s(period: Period, period_key: str) -> int | None:
    """Unix time until which Redis keeps a board; ``None``: for ever."""
    match period:
        case "all":
            return None
        case "year":
            after = date(int(period_key) + 1, 1, 1)
        case "month":
            first = date.fromisoformat(f"{period_key}-01")
            after = date(first.year + first.month // 12, first.month % 12 + 1, 1)
        case "week":
            year, week = period_key.split("-W")
            after = date.fromisocalendar(int(year), int(week), 1) + timedelta(days=7)
        case "day":
            after = date.fromisoformat(period_key) + timedelta(days=1)
    return int(datetime.combine(after + timedelta(days=HOT_DAYS), time(), UTC).timestamp())
