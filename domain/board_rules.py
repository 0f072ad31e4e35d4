"""What can be written in boards.yaml, as closed models, and which boards a workout counts for."""

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from domain.boards import ALL_SPORTS, BOARD_SPORTS, Total
from domain.days import PERIODS, Period
from domain.efforts import DISTANCES, DURATIONS

_DISTANCE_NAMES: Final = tuple(name for name, _ in DISTANCES)
_DURATION_NAMES: Final = tuple(name for name, _ in DURATIONS)
METRIC_UNITS: Final[Mapping[str, str]] = {
    "distance": "m",
    "moving_time": "s",
    "elevation": "m climbed",
    "load": "load",
    "workouts": "workouts",
    "streak": "days",
}


class BoardRule(BaseModel):
    """A kind of board: what is ranked, for which families of sports, over which calendar periods."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    title: Annotated[str, Field(min_length=3, max_length=60)]
    text: Annotated[str, Field(min_length=10, max_length=200)]
    total: Total | None = None
    fastest: str | None = None
    strongest: str | None = None
    sports: tuple[str, ...] = BOARD_SPORTS
    periods: tuple[Period, ...] = PERIODS
    announce: Annotated[int, Field(ge=0, le=100)] = 10

    @field_validator("name")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        if not re.fullmatch("[a-z][a-z0-9_]{0,59}", name):
            raise ValueError("name it with up to 60 small letters, digits and underscores")
        return name

    @field_validator("sports")
    @classmethod
    def _are_families(cls, sports: tuple[str, ...]) -> tuple[str, ...]:
        return _some_of(sports, BOARD_SPORTS, "family of sports")

    @field_validator("periods")
    @classmethod
    def _are_periods(cls, periods: tuple[Period, ...]) -> tuple[Period, ...]:
        return _some_of(periods, PERIODS, "period")

    @field_validator("fastest")
    @classmethod
    def _is_a_distance(cls, name: str | None) -> str | None:
        return name if name is None else _some_of((name,), _DISTANCE_NAMES, "best effort over a distance")[0]

    @field_validator("strongest")
    @classmethod
    def _is_a_duration(cls, name: str | None) -> str | None:
        return name if name is None else _some_of((name,), _DURATION_NAMES, "best effort over a duration")[0]

    @model_validator(mode="after")
    def _ranks_one_thing(self) -> Self:
        if sum(what is not None for what in (self.total, self.fastest, self.strongest)) != 1:
            raise ValueError("has to have exactly one of total, fastest and strongest: a board ranks one thing")
        if self.total is None and ALL_SPORTS in self.sports:
            raise ValueError("compares the speed or power of all sports: give sports, without all")
        return self

    @property
    def effort(self) -> str | None:
        """The name of the best effort that is ranked; ``None`` for a total."""
        return self.fastest or self.strongest

    @property
    def less_is_better(self) -> bool:
        """Whether the least score is first."""
        return self.fastest is not None

    @property
    def unit(self) -> str:
        """The unit of its scores."""
        if self.total is not None:
            return METRIC_UNITS[self.total]
        return "s" if self.fastest else "W"


class BoardRules:
    """All kinds of boards, by what one asks of them."""

    def __init__(self, rules: Iterable[BoardRule]) -> None:
        self.rules = tuple(rules)
        self.by_name: dict[str, BoardRule] = {rule.name: rule for rule in self.rules}
        self._of: dict[tuple[str, Period], tuple[BoardRule, ...]] = {
            (sport, period): tuple(rule for rule in self.rules if sport in rule.sports and period in rule.periods)
            for sport in BOARD_SPORTS
            for period in PERIODS
        }

    def of(self, sport: str, period: Period) -> tuple[BoardRule, ...]:
        """The boards of a family of sports, or of ``"all"``, over a period."""
        return self._of[sport, period]

    @cached_property
    def efforts(self) -> frozenset[str]:
        """Names of the best efforts that any board ranks."""
        return frozenset(rule.effort for rule in self.rules if rule.effort is not None)

    def announced(self, name: str) -> int:
        """How many first ranks of a board are announced; 0: none, nor of one that is no longer declared."""
        return self.by_name[name].announce if name in self.by_name else 0

    def less_is_better(self, name: str) -> bool:
        """Whether the least score of a board is first; not of one that is no longer declared."""
        return name in self.by_name and self.by_name[name].less_is_better


def rules_from(content: object) -> BoardRules:
    """The boards of a parsed boards.yaml. Raises ``ValueError`` that names the board, the key and the way out."""
    if not isinstance(content, Mapping) or set(content) != {"boards"} or not isinstance(content["boards"], Mapping):
        raise ValueError("has to have one key, 'boards', with a name for each board")
    return BoardRules(_rule(str(name), body) for name, body in content["boards"].items())


def _rule(name: str, body: object) -> BoardRule:
    if not isinstance(body, Mapping):
        raise ValueError(f"board {name!r} has no keys: give title, text and one of total, fastest, strongest")
    try:
        return BoardRule(**{**body, "name": name})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ValueError(f"board {name!r}: {_words(first)}") from None


def _words(error: Mapping[str, Any]) -> str:
    key = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        keys = [name for name in BoardRule.model_fields if name != "name"]
        return f"there is no key {key!r}: there are {', '.join(keys)}"
    if error["type"] == "missing":
        return f"{key} is missing"
    said = str(error["msg"]).removeprefix("Value error, ")
    return f"{key}: {said}" if key else said


def _some_of(names: tuple[Any, ...], known: tuple[Any, ...], what: str) -> tuple[Any, ...]:
    if not names:
        raise ValueError(f"give at least one {what}")
    if len(set(names)) != len(names):
        raise ValueError(f"names a {what} twice: {', '.join(names)}")
    for name in names:
        if name not in known:
            raise ValueError(f"{name!r} is no {what}: there are {', '.join(known)}")
    return names
