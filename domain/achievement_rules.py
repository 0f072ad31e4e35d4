"""Rules of achievements: what can be written in achievements.yaml, as closed models, and which facts a rule counts.

A key that no kind has, a unit that does not fit or levels that do not rise are refused with the rule, the key and the
way out.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from datetime import date
from itertools import pairwise
from typing import Annotated, Final, Literal, NamedTuple, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator

from domain.boards import ALL_SPORTS, SCALE, Metric
from domain.efforts import DISTANCES, DURATIONS
from domain.sports import FAMILIES, SPORTS, family_of

Deed = Literal["challenges", "goals"]
DEEDS: Final[tuple[Deed, ...]] = get_args(Deed)

# What a number may be written in, by what it counts: unit → size in the base unit (metres, seconds, load, a count).
_UNITS: Final[Mapping[str, Mapping[str, float]]] = {
    "distance": {"m": 1.0, "km": 1000.0, "mi": 1609.344},
    "moving_time": {"s": 1.0, "min": 60.0, "h": 3600.0},
    "elevation": {"m": 1.0, "ft": 0.3048},
}
_LONGEST_NAME: Final = 60  # of a level, as messages have room for
_QUANTITY: Final = re.compile(r"(\d+(?:\.\d+)?)(?: ?([A-Za-z]+))?")
_SPORT_NAMES: Final = frozenset({ALL_SPORTS, *FAMILIES, *SPORTS})
_DISTANCE_NAMES: Final = tuple(name for name, _ in DISTANCES)
_DURATION_NAMES: Final = tuple(name for name, _ in DURATIONS)


class Level(NamedTuple):
    """A step to be reached, in hundredths of metres, seconds, load or a count."""

    name: str
    hundredths: int


class _Rule(BaseModel):
    """What every rule has. A name of a family ("running") counts all of its sports, any other name one sport."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    title: Annotated[str, Field(min_length=3, max_length=60)]
    text: Annotated[str, Field(min_length=10, max_length=200)]
    version: Annotated[int, Field(ge=1)]
    sport: str = ALL_SPORTS
    first_day: date | None = None
    last_day: date | None = None

    @field_validator("id")
    @classmethod
    def _is_a_slug(cls, id: str) -> str:
        if not re.fullmatch("[a-z0-9-]{1,60}", id):
            raise ValueError("name it with up to 60 small letters, digits and hyphens")
        return id

    @field_validator("sport")
    @classmethod
    def _is_a_sport(cls, name: str) -> str:
        return _one_of(name, _SPORT_NAMES, "sport")

    @model_validator(mode="after")
    def _days_are_in_order(self) -> Self:
        if self.first_day and self.last_day and self.last_day < self.first_day:
            raise ValueError(f"last_day {self.last_day} is before first_day {self.first_day}: give them in order")
        return self

    def counts(self, sport: str, day: date) -> bool:
        """Whether the rule counts a workout of this sport on this local day."""
        return self.sport in (ALL_SPORTS, sport, family_of(sport)) and self.counts_day(day)

    def counts_day(self, day: date) -> bool:
        """Whether the rule counts what was done on this local day."""
        return (self.first_day is None or day >= self.first_day) and (self.last_day is None or day <= self.last_day)


class PersonalBest(_Rule):
    """Better than ever before: the fastest over a distance, the strongest over a duration, or the most in a workout."""

    kind: Literal["personal_best"]
    fastest: str | None = None
    strongest: str | None = None
    most: Literal["distance", "moving_time", "elevation", "load"] | None = None
    first_counts: bool = False

    @field_validator("fastest")
    @classmethod
    def _is_a_distance(cls, name: str | None) -> str | None:
        return name if name is None else _one_of(name, _DISTANCE_NAMES, "best effort over a distance")

    @field_validator("strongest")
    @classmethod
    def _is_a_duration(cls, name: str | None) -> str | None:
        return name if name is None else _one_of(name, _DURATION_NAMES, "best effort over a duration")

    @model_validator(mode="after")
    def _has_one_measure(self) -> Self:
        if sum(measure is not None for measure in (self.fastest, self.strongest, self.most)) != 1:
            raise ValueError("has to have exactly one of fastest, strongest and most: a best of one thing")
        if self.sport == ALL_SPORTS and self.most is None:
            raise ValueError("compares the speed or power of all sports: give one sport")
        return self


class First(_Rule):
    """The first workout that counts: of all, of each sport, or with so much of a metric."""

    kind: Literal["first"]
    each_sport: bool = False
    metric: Metric | None = None
    at_least: int | None = None  # hundredths

    @field_validator("at_least", mode="before")
    @classmethod
    def _in_units(cls, value: object, info: ValidationInfo) -> int:
        if info.data.get("metric") is None:
            raise ValueError("it is not said of what: give the metric as well")
        return _hundredths(value, info.data["metric"])

    @model_validator(mode="after")
    def _has_metric_and_amount(self) -> Self:
        if self.metric is not None and self.at_least is None:
            raise ValueError(f"has the metric {self.metric} and no at_least: give both, or neither for any workout")
        return self


class _Counted(_Rule):
    """What adds up a metric of workouts, or counts challenges completed or goals reached."""

    metric: Metric | Deed

    @model_validator(mode="after")
    def _deeds_have_no_sport(self) -> Self:
        if self.metric in DEEDS and self.sport != ALL_SPORTS:
            raise ValueError(f"counts {self.metric}, which have no sport: leave out sport {self.sport}")
        return self


class Milestone(_Counted):
    """All that was ever done, added up, reaches a level. Levels with names of their own are a series of badges."""

    kind: Literal["milestone"]
    levels: tuple[Level, ...]

    @field_validator("levels", mode="before")
    @classmethod
    def _in_units(cls, value: object, info: ValidationInfo) -> tuple[Level, ...]:
        return _levels(value, info.data.get("metric"))


class Challenge(_Counted):
    """What was done within a calendar period (``every``), or between first_day and last_day, reaches a target."""

    kind: Literal["challenge"]
    every: Literal["day", "week", "month", "year"] | None = None
    target: int  # hundredths

    @field_validator("target", mode="before")
    @classmethod
    def _in_units(cls, value: object, info: ValidationInfo) -> int:
        return _hundredths(value, info.data.get("metric"))

    @model_validator(mode="after")
    def _has_a_period(self) -> Self:
        if self.every is None and (self.first_day is None or self.last_day is None):
            raise ValueError("has no period: give every (day, week, month or year), or both first_day and last_day")
        return self

    @property
    def levels(self) -> tuple[Level, ...]:
        """The target, as the only level."""
        return (Level("", self.target),)


class Streak(_Rule):
    """So many days (weeks) with a workout on end.

    ``rests`` days (weeks) of any ``per`` that follow each other may be without one: they do not end the streak, and do
    not count.
    """

    kind: Literal["streak"]
    unit: Literal["day", "week"]
    rests: Annotated[int, Field(ge=0)] = 0
    per: Annotated[int, Field(ge=2, le=366)] | None = None
    levels: tuple[Level, ...]

    @field_validator("levels", mode="before")
    @classmethod
    def _whole(cls, value: object) -> tuple[Level, ...]:
        levels = _levels(value, "workouts")
        for level in levels:
            if level.hundredths % SCALE:
                raise ValueError(f"level {level.name} is no whole number: a streak counts whole days or weeks")
        return levels

    @model_validator(mode="after")
    def _rests_leave_something(self) -> Self:
        if (self.rests > 0) != (self.per is not None) or (self.per is not None and self.rests >= self.per):
            raise ValueError(
                f"has rests {self.rests} per {self.per}: give both, with fewer rests than per, or neither for none"
            )
        return self


Rule = PersonalBest | First | Milestone | Challenge | Streak
_KINDS: Final[Mapping[str, type[Rule]]] = {
    "personal_best": PersonalBest,
    "first": First,
    "milestone": Milestone,
    "challenge": Challenge,
    "streak": Streak,
}


def rules_from(content: object) -> tuple[Rule, ...]:
    """The rules that the content of an achievements.yaml says, in its order: ``{"achievements": {id: fields}}``.

    Raises ``ValueError`` that names the achievement, the key, its value and the way out.
    """
    table = content.get("achievements") if isinstance(content, Mapping) and len(content) == 1 else None
    if not isinstance(table, Mapping):
        raise ValueError("has to have the one key 'achievements', with a table of achievements below it")
    return tuple(_rule(str(id), fields) for id, fields in table.items())


def _rule(id: str, fields: object) -> Rule:
    if not isinstance(fields, Mapping) or "kind" not in fields:
        raise ValueError(f"achievement {id} has no 'kind': give one of {', '.join(_KINDS)}")
    kind = str(fields["kind"])
    if kind not in _KINDS:
        raise ValueError(f"achievement {id} has the unknown kind {kind!r}{_did_you_mean(kind, _KINDS)}")
    model = _KINDS[kind]
    keys = [key for key in model.model_fields if key != "id"]
    for key in fields:
        if key not in keys:
            raise ValueError(f"unknown key {key!r} in achievement {id} ({kind}){_did_you_mean(str(key), keys)}")
    try:
        return model.model_validate({**fields, "id": id})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        reason = first["msg"].removeprefix("Value error, ")
        key = ".".join(map(str, first["loc"]))
        if not key:
            raise ValueError(f"achievement {id} {reason}") from None
        if first["type"] == "missing":
            raise ValueError(f"achievement {id} ({kind}) has no {key!r}: add it") from None
        raise ValueError(f"{key} of achievement {id} is {first['input']!r}: {reason}") from None


def _levels(value: object, metric: str | None) -> tuple[Level, ...]:
    """``[10 km, 50 km]``, or ``{bronze: 10 km, silver: 50 km}``; the former are named as they are written."""
    named = {str(amount): amount for amount in value} if isinstance(value, list) else value
    if not isinstance(named, Mapping) or not named:
        raise ValueError("give a list like [10 km, 50 km], or a table like {bronze: 10 km, silver: 50 km}")
    levels = tuple(Level(str(name), _hundredths(amount, metric)) for name, amount in named.items())
    for level in levels:
        if ":" in level.name:
            raise ValueError(f"the name {level.name!r} has a colon, which keys of awards are divided by: leave it out")
        if len(level.name) > _LONGEST_NAME:
            raise ValueError(f"the name {level.name!r} has over {_LONGEST_NAME} characters: shorten it")
    for lower, higher in pairwise(levels):
        if higher.hundredths <= lower.hundredths:
            raise ValueError(f"level {higher.name} is not above level {lower.name}: write them from low to high")
    return levels


def _hundredths(value: object, metric: str | None) -> int:
    """``"100 km"`` in hundredths of a metre; a plain number where the metric is a load or a count."""
    units = _UNITS.get(metric or "", {})
    match = _QUANTITY.fullmatch(str(value))
    if match is None or (match[2] not in units if units else match[2] is not None):
        wanted = f"a number with one of the units {', '.join(units)}" if units else "a plain number"
        raise ValueError(f"write {value!r} as {wanted}")
    amount = round(float(match[1]) * units.get(match[2], 1.0) * SCALE)
    if amount == 0:
        raise ValueError(f"{value!r} is reached by doing nothing: write a number above 0")
    return amount


def _one_of(name: str, known: Iterable[str], what: str) -> str:
    if name not in known:
        raise ValueError(f"there is no such {what}{_did_you_mean(name, known)}")
    return name


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else f"; there are {', '.join(sorted(known))}"
