"""Facts that achievements are earned with, the awards for them, and what one fact adds to a rule."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from domain.achievement_rules import Challenge, Deed, First, Milestone, PersonalBest, Rule, Streak
from domain.boards import METRICS, SCALE, Effort, parts_of
from domain.days import period_key
from domain.efforts import BestEffort

_UNNAMED_SPORTS: Final = frozenset({"other", "transition"})


@dataclass(frozen=True, slots=True)
class Workout:
    """A canonical workout: what boards count of it, and its best efforts."""

    effort: Effort
    best_efforts: tuple[BestEffort, ...] = ()

    @property
    def id(self) -> str:
        """The workout's id."""
        return self.effort.workout_id

    @property
    def at_us(self) -> int:
        """Its end, UTC microseconds: what it earns is earned then."""
        return self.effort.end_us

    @property
    def day(self) -> date:
        """The local day of its start."""
        return self.effort.day


@dataclass(frozen=True, slots=True)
class Done:
    """A challenge that was completed or a goal that was reached: ``at_us`` UTC microseconds, ``day`` local."""

    id: str
    deed: Deed
    at_us: int
    day: date


Fact = Workout | Done


@dataclass(frozen=True, slots=True)
class Award:
    """One achievement as earned.

    ``level`` is "" for rules without levels. ``occasion`` tells apart what can be earned more than once: the workout of
    a personal best, the period of a challenge, the sport of a first; else "". ``value`` is the best (seconds, watts,
    metres, load), the first workout's figure, or the level that was reached. ``evidence`` are the ids of the fact that
    earned it and, for a personal best, of the workout that it beat.
    """

    achievement: str
    version: int
    level: str
    occasion: str
    at_us: int
    value: float
    evidence: tuple[str, ...]

    @property
    def key(self) -> str:
        """What stays the same when late data move the award: a user has one award of a key."""
        return f"{self.achievement}:{self.version}:{self.level}:{self.occasion}"


def occasion_of(rule: Rule, fact: Fact) -> str:
    """The lane of a fact that the rule counts."""
    match rule:
        case Challenge(every=None):
            return f"{rule.first_day}..{rule.last_day}"
        case Challenge(every=period) if period is not None:
            return period_key(fact.day, period)
        case First(each_sport=True) if isinstance(fact, Workout):
            return fact.effort.sport
    return ""


def figure_of(rule: Rule, fact: Fact) -> float | None:
    """What a fact adds to a rule: hundredths of a metric, or the best (seconds, watts, metres, load) for a personal
    best; ``None``: the rule does not count it.
    """
    if isinstance(fact, Done):
        counted = isinstance(rule, Milestone | Challenge) and rule.metric == fact.deed and rule.counts_day(fact.day)
        return SCALE if counted else None
    if not rule.counts(fact.effort.sport, fact.day):
        return None
    match rule:
        case PersonalBest():
            return _best(rule, fact)
        case First(metric=metric, at_least=at_least):
            if rule.each_sport and fact.effort.sport in _UNNAMED_SPORTS:
                return None
            figure = _hundredths(fact.effort, metric or "workouts")
            return figure if figure >= (at_least or 1) else None
        case Milestone(metric=metric) | Challenge(metric=metric):
            return (_hundredths(fact.effort, metric) or None) if metric in METRICS else None
        case Streak():
            return SCALE


def _best(rule: PersonalBest, workout: Workout) -> float | None:
    if rule.most is not None:
        return _hundredths(workout.effort, rule.most) / SCALE or None
    efforts = workout.best_efforts
    if rule.fastest is not None:
        times_s = [best.duration_s for best in efforts if best.kind == "distance" and best.name == rule.fastest]
        return min(times_s, default=None)
    return max((best.power_w or 0.0 for best in efforts if best.name == rule.strongest), default=0.0) or None


def _hundredths(effort: Effort, metric: str) -> int:
    return parts_of(effort)[METRICS.index(metric)]


def award_of(rule: Rule, fact: Fact, value: float, *, level: str = "", occasion: str = "", beaten: str = "") -> Award:
    """The award of a rule for a fact, and for beating the workout ``beaten``."""
    evidence = (fact.id, beaten) if beaten else (fact.id,)
    return Award(rule.id, rule.version, level, occasion, fact.at_us, value, evidence)
