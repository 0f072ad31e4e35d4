"""What the stores answer: rows and pages as the command line, the live view and the gateway show them."""

from dataclasses import dataclass
from typing import Any

from domain.boards import BoardKey


@dataclass(frozen=True, slots=True)
class BoardRow:
    """A place on a leaderboard; ``score`` in the metric's unit, ``achieved_us`` when it was reached."""

    rank: int
    user: str
    name: str
    score: float
    achieved_us: int
    workouts: int


@dataclass(frozen=True, slots=True)
class BoardPage:
    """The head of a leaderboard, and how many are on it; of the user who was asked for, if on it, the rank and the
    places around (``around``), their own among them.
    """

    board: BoardKey
    users: int
    rows: tuple[BoardRow, ...]
    rank: int | None = None
    around: tuple[BoardRow, ...] = ()


@dataclass(frozen=True, slots=True)
class RankRow:
    """A place in a ranking; equals share a rank."""

    rank: int
    user: str
    name: str
    score: float
    achieved_us: int


@dataclass(frozen=True, slots=True)
class RankPage:
    """One user's place and the neighbours above and below."""

    board: BoardKey
    users: int
    rank: int
    rows: tuple[RankRow, ...]


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Items of a feed, newest first, and the cursor that the next page begins after (``None``: there is no more)."""

    items: tuple[dict[str, Any], ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class RiskRow:
    """Injury risk after a workout: a calibrated probability."""

    workout_id: str
    at_us: int
    model_version: str
    risk: float


@dataclass(frozen=True, slots=True)
class SuggestionRow:
    """Something to train next, as recommended after a workout; rank 1 first."""

    workout_id: str
    at_us: int
    model_version: str
    rank: int
    workout_kind: str
    sport: str
    score: float


@dataclass(frozen=True, slots=True)
class FreshRisk:
    """A recent injury score of anybody."""

    user: str
    at_us: int
    risk: float
    model_version: str


@dataclass(frozen=True, slots=True)
class FreshSuggestion:
    """The first of the things that were recommended to somebody lately."""

    user: str
    at_us: int
    workout_kind: str
    sport: str
    model_version: str
