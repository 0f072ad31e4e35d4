"""Leaderboards: which boards an effort counts for, a user's whole score on each, and scores that sort in a
Redis ZSET.

Scores are absolute: they are computed from all of the user's canonical workouts each time, so writing one
again changes nothing. All sums are made of whole hundredths, so they do not depend on the order of the
workouts.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final, Literal, NamedTuple, get_args

from domain.days import PERIODS, Period, period_key
from domain.sports import FAMILIES, family_of

Metric = Literal["distance", "moving_time", "elevation", "load", "workouts"]
METRICS: Final[tuple[Metric, ...]] = get_args(Metric)
ALL_SPORTS: Final = "all"
BOARD_SPORTS: Final[tuple[str, ...]] = (ALL_SPORTS, *FAMILIES)

SCALE: Final = 100  # scores count in hundredths of the metric's unit
_TIME_BITS: Final = 51
_TIME_SPAN_US: Final = 1 << _TIME_BITS  # 71 years
_TIME_EPOCH_US: Final = 946_684_800_000_000  # 2000-01-01 UTC
_MAX_SCALED: Final = 1 << 46


@dataclass(frozen=True, slots=True)
class Effort:
    """One canonical workout of a user, as far as boards are concerned; ``day`` is the local day of its start."""

    workout_id: str
    sport: str
    end_us: int
    day: date
    distance_m: float
    moving_time_s: float
    elevation_gain_m: float
    load: float


class Board(NamedTuple):
    """A kind of board: what is ranked, for which family of sports (or ``"all"``), over which calendar period."""

    metric: Metric
    sport: str
    period: Period


class BoardKey(NamedTuple):
    """One board of one calendar period, e.g. ``("distance", "running", "week", "2026-W48")``."""

    metric: Metric
    sport: str
    period: Period
    period_key: str


class Score(NamedTuple):
    """A user's whole score on a board: metres, seconds, metres climbed, load or a count, rounded to 0.01.

    ``value`` 0 means that the user's row goes. ``achieved_us`` is the end of the latest workout that counts
    (0 when none does).
    """

    value: float
    achieved_us: int


BOARDS: Final[tuple[Board, ...]] = tuple(
    Board(metric, sport, period) for metric in METRICS for sport in BOARD_SPORTS for period in PERIODS
)


def board_keys(effort: Effort) -> tuple[BoardKey, ...]:
    """All boards that an effort may count for: each metric × (its family, all sports) × each period."""
    return tuple(
        BoardKey(metric, sport, period, period_key(effort.day, period))
        for sport in (family_of(effort.sport), ALL_SPORTS)
        for period in PERIODS
        for metric in METRICS
    )


def scores(efforts: Iterable[Effort], touched: Iterable[Effort]) -> dict[BoardKey, Score]:
    """The user's whole score on every board that the touched efforts could change.

    ``efforts`` are all canonical workouts of one user as they are now; ``touched`` are those that came,
    changed or went, in their old and new form (an edit that moves a workout to another day touches both
    days). Neither's order matters. Give an effort once: the same workout id twice in ``efforts`` raises
    ``ValueError``.
    """
    # calendar period → sport → the parts that count there
    groups: dict[tuple[Period, str], dict[str, list[_Parts]]] = {}
    for effort in touched:
        for period in periods_of(effort.day):
            counting = groups.setdefault(period, {})
            counting.setdefault(family_of(effort.sport), [])
            counting.setdefault(ALL_SPORTS, [])
    seen: set[str] = set()
    for effort in efforts:
        if effort.workout_id in seen:
            raise ValueError(f"workout {effort.workout_id} is given twice: give each canonical workout once")
        seen.add(effort.workout_id)
        matching = [groups[period] for period in periods_of(effort.day) if period in groups]
        if not matching:
            continue
        family, parts = family_of(effort.sport), parts_of(effort)
        for counting in matching:
            if family in counting:
                counting[family].append(parts)
            counting[ALL_SPORTS].append(parts)
    return {
        BoardKey(metric, sport, period, key): score
        for (period, key), counting in groups.items()
        for sport, found in counting.items()
        for metric, score in zip(METRICS, _totals(found), strict=True)
    }


_Parts = tuple[int, int, int, int, int, int]


def parts_of(effort: Effort) -> _Parts:
    """What an effort adds to each metric, in hundredths, and its end."""
    return (
        _scaled(effort.distance_m),
        _scaled(effort.moving_time_s),
        _scaled(effort.elevation_gain_m),
        _scaled(effort.load),
        SCALE,
        effort.end_us,
    )


def _totals(found: list[_Parts]) -> list[Score]:
    if not found:
        return [Score(0.0, 0)] * len(METRICS)
    *columns, ends_us = zip(*found, strict=True)
    last_us = max(ends_us)
    return [
        Score(
            sum(column) / SCALE,
            last_us if 0 not in column else max((end for part, end in zip(column, ends_us) if part), default=0),  # noqa: B905
        )
        for column in columns
    ]


@lru_cache(maxsize=65536)
def periods_of(day: date) -> tuple[tuple[Period, str], ...]:
    """The calendar periods that a day is in, with their names."""
    return tuple((period, period_key(day, period)) for period in PERIODS)


def _scaled(value: float) -> int:
    return max(0, round(value * SCALE)) if math.isfinite(value) else 0


def encode_rank_score(value: float, achieved_us: int) -> float:
    """One double that sorts by ``value`` (to 0.01), and among equal values by who achieved it first (the earlier is
    greater).

    The whole part is the value in hundredths, the fraction the share that is left of the 71 years from 2000 on; both
    together take at most 53 bits, so the double is exact, below 2^53, and Redis keeps it. The greater the value, the
    coarser the time: a count of 37 to 1 ms, 50 km to 2 s, 100,000 km to 72 min. Raises ``ValueError`` for a value that
    is negative, not finite or above 7e11.
    """
    if not math.isfinite(value) or value < 0 or round(value * SCALE) >= _MAX_SCALED:
        raise ValueError(f"score {value} cannot be ranked: it must be from 0 to {_MAX_SCALED / SCALE:.0f}")
    whole = round(value * SCALE)
    left = _TIME_SPAN_US - 1 - min(max(achieved_us - _TIME_EPOCH_US, 0), _TIME_SPAN_US - 1)
    bits = min(_TIME_BITS, 53 - whole.bit_length())
    return whole + math.ldexp(left >> (_TIME_BITS - bits), -bits)


def decode_rank_score(score: float) -> tuple[float, int]:
    """The value and (as exactly as the score holds it) the time of :func:`encode_rank_score`; the time is
    never too early.

    Raises ``ValueError`` for a number that is no such score.
    """
    if not math.isfinite(score) or not 0 <= score < _MAX_SCALED:
        raise ValueError(f"{score} is no score of a ranking: was the key written by something else?")
    whole = math.floor(score)
    left = int(math.ldexp(score - whole, _TIME_BITS))
    return whole / SCALE, _TIME_EPOCH_US + _TIME_SPAN_US - 1 - left


def competition_ranks(values: Sequence[float]) -> list[int]:
    """Standard competition ranks ("1224") of values that are sorted from best to worst: equals share a rank,
    the next is skipped.

    Raises ``ValueError`` when they are not sorted.
    """
    ranks: list[int] = []
    for i, value in enumerate(values):
        if i and value > values[i - 1]:
            raise ValueError(
                f"value {value} at place {i + 1} is above the one before it: sort from best to worst first"
            )
        ranks.append(ranks[-1] if i and value == values[i - 1] else i + 1)
    return ranks
