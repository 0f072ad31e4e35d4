"""From the last summary of each workout to leaderboards: whole scores, ranks, Redis rankings, the analysts' table."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa

from domain.boards import BoardKey, Effort, Score, encode_rank_score
from domain.days import period_start
from domain.ledger import scores
from schemas import hot
from stridelog import boards_file
from verification.integrity import ranks
from verification.outcomes import Valid

HOT_DAYS: Final = 14
"""Redis keeps a board for so many days after its period."""
US_PER_S: Final = 1_000_000
SCORE_KEY: Final = ("metric", "sport", "period", "period_key", "user_id")
WORKOUT_KEY: Final = ("user_id", "workout_id")
BOARD: Final = ("metric", "sport", "period", "period_key")
_EPOCH: Final = date(1970, 1, 1)
_FIGURES: Final = {  # of the table workouts: the summary's fields, and whether the column is Float32
    "distance_m": False,
    "elapsed_s": False,
    "timer_time_s": False,
    "moving_time_s": False,
    "elevation_gain_m": False,
    "elevation_loss_m": False,
    "mean_heart_rate_bpm": True,
    "max_heart_rate_bpm": True,
    "mean_power_w": True,
    "max_power_w": True,
    "normalised_power_w": True,
    "mean_speed_m_s": True,
    "max_speed_m_s": True,
    "mean_cadence_rpm": True,
    "energy_kcal": True,
    "load": False,
}
_ANALYSED: Final = {  # the same of its analysis
    "quality_score": True,
    "grade_adjusted_speed_m_s": True,
    "xpower_w": True,
    "intensity_factor": True,
    "efficiency_factor": True,
    "aerobic_decoupling": True,
    "heart_rate_load": False,
}

Last = Mapping[tuple[str, str], Valid]
"""The last message about each (user, workout)."""


def last_of(records: Iterable[Valid]) -> dict[tuple[str, str], Valid]:
    """The last message about each (user, workout)."""
    return {(record.message.user, record.message.data.workout_id): record for record in records}


def counted(last: Last) -> dict[str, list[Effort]]:
    """Each user's workouts that count."""
    return _efforts(record.message for record in last.values() if record.message.data.status == "counted")


def ranked_efforts(last: Last) -> dict[str, list[Effort]]:
    """Each user's workouts that boards rank, without what privacy zones hide of them."""
    return _efforts(_others_see(record.message) for record in last.values() if ranks(record.message.data))


def _others_see(message: hot.WorkoutSummarised) -> hot.WorkoutSummarised:
    data = message.data
    if data.shown is None:
        return message
    rest = msgspec.structs.replace(data, end=data.shown.end, summary=data.shown.summary)
    return msgspec.structs.replace(message, data=rest)


def _efforts(messages: Iterable[hot.WorkoutSummarised]) -> dict[str, list[Effort]]:
    efforts: dict[str, list[Effort]] = {}
    for message in messages:
        efforts.setdefault(message.user, []).append(effort_of(message.data))
    return efforts


def board_scores(efforts: Mapping[str, Sequence[Effort]]) -> dict[str, dict[BoardKey, Score]]:
    """Each user's scores on every board, without zeros: who has nothing to show is on no board."""
    rules = boards_file.load()
    return {
        user: {key: score for key, score in scores(done, done, rules).items() if score.value}
        for user, done in efforts.items()
    }


def effort_of(data: hot.WorkoutSummarisedData) -> Effort:
    """A workout that counts, as boards count it."""
    summary = data.summary
    if summary is None:
        raise ValueError(f"workout {data.workout_id} counts and has no summary: the decoder should have refused it")
    return Effort(
        workout_id=data.workout_id,
        sport=data.sport,
        end_us=data.end,
        day=data.local_day,
        distance_m=summary.distance_m,
        moving_time_s=summary.moving_time_s,
        elevation_gain_m=summary.elevation_gain_m or 0.0,
        load=summary.load,
        bests=tuple((b.name, b.duration_s if b.kind == "distance" else b.power_w or 0.0) for b in summary.best_efforts),
    )


def score_table(by_user: Mapping[str, Mapping[BoardKey, Score]]) -> pa.Table:
    """Rows of ``board_scores`` that are not deleted; times in µs."""
    rules = boards_file.load()
    rows = [(key, user, score) for user, found in by_user.items() for key, score in found.items()]
    names = {name: pa.array([getattr(key, name) for key, *_ in rows], pa.string()) for name in BOARD}
    return pa.table(
        {
            **names,
            "user_id": pa.array([user for _, user, _ in rows], pa.string()),
            "score": pa.array([score.value for *_, score in rows], pa.float64()),
            "achieved_at": pa.array([score.achieved_us for *_, score in rows], pa.int64()),
            "workouts": pa.array([score.workouts for *_, score in rows], pa.int64()),
            "less_is_better": pa.array([int(rules.less_is_better(key.metric)) for key, *_ in rows], pa.int64()),
        }
    )


def ranked(table: pa.Table) -> pa.Table:
    """The same rows with their competition rank on each board (1, 2, 2, 4); of equal scores the earlier is ahead."""
    if not table.num_rows:
        return table.drop_columns("less_is_better").append_column("rank", pa.array([], pa.int64()))
    codes = np.zeros(table.num_rows, dtype=np.int64)
    for name in BOARD:
        column = table.column(name).combine_chunks().dictionary_encode()
        codes = codes * len(column.dictionary) + column.indices.to_numpy()
        codes = np.unique(codes, return_inverse=True)[1]
    score, achieved = table.column("score").to_numpy(), table.column("achieved_at").to_numpy()
    score = np.where(table.column("less_is_better").to_numpy(), score, -score)
    order = np.lexsort((achieved, score, codes))
    board = codes[order]
    new_board = np.r_[True, board[1:] != board[:-1]]
    new_rank = new_board | np.r_[True, (np.diff(score[order]) != 0) | (np.diff(achieved[order]) != 0)]
    place = np.arange(len(order))
    board_begins = np.maximum.accumulate(np.where(new_board, place, 0))
    rank_begins = np.maximum.accumulate(np.where(new_rank, place, 0))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = rank_begins - board_begins + 1
    return table.drop_columns("less_is_better").append_column("rank", pa.array(rank))


def workout_table(last: Last) -> pa.Table:
    """Rows of ClickHouse's ``workouts``; times in µs, days since 1970."""
    data = [record.message.data for record in last.values()]
    columns: dict[str, Any] = {
        "user_id": pa.array([user for user, _ in last], pa.string()),
        "workout_id": pa.array([wid for _, wid in last], pa.string()),
        "status": pa.array([d.status for d in data], pa.string()),
        "duplicate_of": pa.array([d.duplicate_of or "" for d in data], pa.string()),
        "sport": pa.array([d.sport for d in data], pa.string()),
        "title": pa.array([d.title or "" for d in data], pa.string()),
        "device_id": pa.array([d.device_id or "" for d in data], pa.string()),
        "start": pa.array([d.start for d in data], pa.int64()),
        "end": pa.array([d.end for d in data], pa.int64()),
        "local_day": pa.array([(d.local_day - _EPOCH).days for d in data], pa.int64()),
        "load_method": pa.array([d.summary.load_method if d.summary else "" for d in data], pa.string()),
        "sample_count": pa.array([d.summary.sample_count if d.summary else 0 for d in data], pa.int64()),
        "ranked": pa.array([int(ranks(d)) for d in data], pa.int64()),
        "flags": pa.array([_rules(d, "flagged") for d in data], pa.string()),
        "notes": pa.array([_rules(d, "noted") for d in data], pa.string()),
        "flag_reasons": pa.array([_reasons(d) for d in data], pa.string()),
        "unreviewed": pa.array([int(_waits(d)) for d in data], pa.int64()),
        "appeal": pa.array([d.appeal or "" for d in data], pa.string()),
        "deleted": pa.array([int(d.status == "deleted") for d in data], pa.int64()),
        "source_offset": pa.array([record.offset for record in last.values()], pa.int64()),
    }
    summaries = [d.summary for d in data]
    analyses = [summary.analysis if summary else None for summary in summaries]
    for parts, figures in ((summaries, _FIGURES), (analyses, _ANALYSED)):
        for name, narrow in figures.items():
            values = np.array([_figure(part, name) for part in parts], dtype=np.float64)
            columns[name] = values.astype(np.float32) if narrow else values
    return pa.table(columns)


def _rules(data: hot.WorkoutSummarisedData, decision: str) -> str:
    return ",".join(flag.rule for flag in data.flags if flag.decision == decision)


def _reasons(data: hot.WorkoutSummarisedData) -> str:
    return "\n".join(flag.reason for flag in data.flags if flag.decision == "flagged")


def _waits(data: hot.WorkoutSummarisedData) -> bool:
    """Whether a flag waits for a review."""
    return any(flag.decision == "flagged" and flag.verdict is None for flag in data.flags)


def _figure(part: hot.Summary | hot.Analysis | None, name: str) -> float:
    value = None if part is None else getattr(part, name)
    return np.nan if value is None else float(value)


def kept_until_s(key: BoardKey) -> float:
    """Unix time until which Redis keeps a board; infinite: for ever."""
    match key.period:
        case "all":
            return float("inf")
        case "year":
            after = date(int(key.period_key) + 1, 1, 1)
        case "month":
            after = period_start(date.fromisoformat(f"{key.period_key}-01") + timedelta(days=31), "month")
        case "week":
            after = datetime.strptime(f"{key.period_key}-1", "%G-W%V-%u").date() + timedelta(days=7)  # noqa: DTZ007
        case "day":
            after = date.fromisoformat(key.period_key) + timedelta(days=1)
    return datetime(after.year, after.month, after.day, tzinfo=UTC).timestamp() + HOT_DAYS * 86_400


def rankings(by_user: Mapping[str, Mapping[BoardKey, Score]], *, kept_at_s: float) -> dict[BoardKey, dict[str, float]]:
    """Members and encoded scores of the boards that Redis still keeps at ``kept_at_s``."""
    rules = boards_file.load()
    kept: dict[BoardKey, bool] = {}
    found: dict[BoardKey, dict[str, float]] = {}
    for user, on_boards in by_user.items():
        for key, score in on_boards.items():
            if key not in kept:
                kept[key] = kept_until_s(key) > kept_at_s
            if kept[key]:
                found.setdefault(key, {})[user] = encode_rank_score(
                    score.value, score.achieved_us, less_is_better=rules.less_is_better(key.metric)
                )
    return found
