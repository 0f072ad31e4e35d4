"""Leaderboards: what a workout is to them, the parts that it adds, and scores that sort in a Redis ZSET.

Scores are absolute: they are computed from all of the user's canonical workouts each time, so writing one again changes
nothing. All sums are made of whole hundredths, so they do not depend on the order of the workouts. Which boards there
are says boards.yaml (:mod:`domain.board_rules`); the scores on them are worked out by :mod:`domain.ledger`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final, Literal, NamedTuple, get_args

from domain.days import PERIODS, Period, period_key
from domain.sports import FAMILIES

Metric = Literal["distance", "moving_time", "elevation", "load", "workouts"]
METRICS: Final[tuple[Metric, ...]] = get_args(Metric)
"""What workouts add up to."""
Total = Literal[Metric, "streak"]
STREAK: Final = "streak"
"""The longest run of consecutive local days with a workout that counts."""
ALL_SPORTS: Final = "all"
BOARD_SPORTS: Final[tuple[str, ...]] = (ALL_SPORTS, *FAMILIES)

SCALE: Final = 100  # scores count in hundredths of the metric's unit
_TIME_BITS: Final = 51
_TIME_SPAN_US: Final = 1 << _TIME_BITS  # 71 years
_TIME_EPOCH_US: Final = 946_684_800_000_000  # 2000-01-01 UTC
_MAX_SCALED: Final = 1 << 46
_SLOWEST: Final = 1 << 27  # hundredths of a second: 15 days


@dataclass(frozen=True, slots=True)
class Effort:
    """One canonical workout of a user, as far as boards are concerned; ``day`` is the local day of its start.

    ``bests`` are best efforts by name: seconds over a distance (``5 km``), watts over a duration (``20 min``).
    """

    workout_id: str
    sport: str
    end_us: int
    day: date
    distance_m: float
    moving_time_s: float
    elevation_gain_m: float
    load: float
    bests: tuple[tuple[str, float], ...] = ()


class BoardKey(NamedTuple):
    """One board of one calendar period, e.g. ``("distance", "running", "week", "2026-W48")``."""

    metric: str  # the board's name in boards.yaml
    sport: str
    period: Period
    period_key: str


class Score(NamedTuple):
    """A user's whole score on a board, rounded to 0.01: metres, seconds, metres climbed, load, a count or watts.

    ``workouts`` are those of the board's sport and period; 0 means that the user's row goes. ``achieved_us`` is the
    end of the workout with which the score was reached: the latest that adds to a sum, the first of equal bests, the
    first of the last day of a streak.
    """

    value: float
    achieved_us: int
    workouts: int

    @property
    def counts(self) -> bool:
        """Whether the user is on the board."""
        return self.value > 0


_Parts = tuple[int, int, int, int, int, int]


def parts_of(effort: Effort) -> _Parts:
    """What an effort adds to each metric, in hundredths, and its end."""
    return (
        scaled(effort.distance_m),
        scaled(effort.moving_time_s),
        scaled(effort.elevation_gain_m),
        scaled(effort.load),
        SCALE,
        effort.end_us,
    )


@lru_cache(maxsize=65536)
def periods_of(day: date) -> tuple[tuple[Period, str], ...]:
    """The calendar periods that a day is in, with their names."""
    return tuple((period, period_key(day, period)) for period in PERIODS)


def scaled(value: float) -> int:
    """A figure in whole hundredths; 0 for what is negative or not finite."""
    return max(0, round(value * SCALE)) if math.isfinite(value) else 0


def encode_rank_score(value: float, achieved_us: int, *, less_is_better: bool = False) -> float:
    """One double that sorts by ``value`` (to 0.01), and among equal values by who achieved it first (the earlier is
    greater). Where less is better it sorts by what is left of 2^27 hundredths (15 days of seconds), which is at least
    0.01 so that no score is 0.

    The whole part is the value in hundredths, the fraction the share that is left of the 71 years from 2000 on; both
    together take at most 53 bits, so the double is exact, below 2^53, and Redis keeps it. The greater the value, the
    coarser the time: a count of 37 to 1 ms, 50 km to 2 s, 100,000 km to 72 min. Raises ``ValueError`` for a value that
    is negative, not finite or above 7e11.
    """
    limit = _SLOWEST if less_is_better else _MAX_SCALED
    if not math.isfinite(value) or value < 0 or round(value * SCALE) >= limit:
        raise ValueError(f"score {value} cannot be ranked: it must be from 0 to {limit / SCALE:.0f}")
    whole = _SLOWEST - round(value * SCALE) if less_is_better else round(value * SCALE)
    left = _TIME_SPAN_US - 1 - min(max(achieved_us - _TIME_EPOCH_US, 0), _TIME_SPAN_US - 1)
    bits = min(_TIME_BITS, 53 - whole.bit_length())
    return whole + math.ldexp(left >> (_TIME_BITS - bits), -bits)


def decode_rank_score(score: float, *, less_is_better: bool = False) -> tuple[float, int]:
    """The value and (as exactly as the score holds it) the time of :func:`encode_rank_score`; the time is
    never too early.

    Raises ``ValueError`` for a number that is no such score.
    """
    limit = _SLOWEST + 1 if less_is_better else _MAX_SCALED
    if not math.isfinite(score) or not 0 <= score < limit:
        raise ValueError(f"{score} is no score of a ranking: was the key written by something else?")
    whole = math.floor(score)
    left = int(math.ldexp(score - whole, _TIME_BITS))
    value = (_SLOWEST - whole if less_is_better else whole) / SCALE
    return value, _TIME_EPOCH_US + _TIME_SPAN_US - 1 - left


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
