"""What has changed at the head of boards: topic rank-changes."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.envelope import Event, Part
from schemas.types import Sport, User

Figure = Annotated[
    float, Field(ge=0, le=1_000_000_000_000, json_schema_extra={"unit": "m, s, W, load points or a count"})
]
Rank = Annotated[int, Field(ge=1, le=1_000_000_000, json_schema_extra={"unit": "rank"})]


class RankChangedData(Part):
    """The board, and the user's rank in its head."""

    metric: Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,59}$")]
    """Name of the board in boards.yaml."""
    sport: Sport
    """Family of sports, or all."""
    period: Literal["day", "week", "month", "year", "all"]
    """Calendar period."""
    period_key: Annotated[str, Field(pattern="^[0-9A-Za-z-]{1,10}$")]
    """Which one: 2026-11-24, 2026-W48, 2026-11, 2026 or all."""
    top: Annotated[int, Field(ge=1, le=100, json_schema_extra={"unit": "ranks"})]
    """How many ranks the head had when it was announced."""
    sequence: Annotated[int, Field(ge=1, le=9_007_199_254_740_991, json_schema_extra={"unit": "1"})]
    """Grows with each announcement of the board; all users whose rank one announcement changes have the same."""
    previous_rank: Rank | None = None
    """Rank before; none: was not in the head."""
    rank: Rank | None = None
    """Rank now; none: is not in the head any more."""
    score: Figure | None = None
    """Score with which the user has the rank; none: is not in the head any more."""
    passed: tuple[User, ...] = ()
    """Who was ahead and is behind now, by rank; of those who are or were in the head."""
    passed_by: tuple[User, ...] = ()
    """Who was behind and is ahead now, by rank; of those who are or were in the head."""


class RankChanged(Event[RankChangedData]):
    """The user entered the head of a board, left it, or has another rank in it."""

    type: Literal["RankChanged"] = "RankChanged"
    version: Literal[1] = 1
