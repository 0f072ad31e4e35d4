"""Folds of achievements: what the facts of one lane come to, step by step, and what each of them earns."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from domain.achievement_facts import Award, Fact, award_of, figure_of
from domain.achievement_rules import Challenge, First, Level, Milestone, PersonalBest, Rule, Streak
from domain.boards import SCALE


class State(Protocol):
    """What a lane comes to up to some fact; never changed, so that it can be gone back to."""

    def after(self, fact: Fact) -> "tuple[State, Iterable[Award]]":
        """What it comes to with the next fact, and what that fact earns."""


def start_of(rule: Rule, occasion: str) -> State:
    """What a lane of a rule comes to before its first fact."""
    match rule:
        case PersonalBest():
            return _Best(rule)
        case First():
            return _FirstOf(rule, occasion)
        case Milestone() | Challenge():
            return _Total(rule, occasion)
        case Streak():
            return _Run(rule)


@dataclass(frozen=True, slots=True)
class _Best:
    rule: PersonalBest
    best: float | None = None
    holder: str = ""

    def after(self, fact: Fact) -> "tuple[_Best, Iterable[Award]]":
        figure = figure_of(self.rule, fact) or 0.0
        if self.best is not None and (figure >= self.best if self.rule.fastest else figure <= self.best):
            return self, ()
        state = _Best(self.rule, figure, fact.id)
        if self.best is None and not self.rule.first_counts:
            return state, ()
        return state, (award_of(self.rule, fact, figure, occasion=fact.id, beaten=self.holder),)


@dataclass(frozen=True, slots=True)
class _FirstOf:
    rule: First
    sport: str
    done: bool = False

    def after(self, fact: Fact) -> "tuple[_FirstOf, Iterable[Award]]":
        if self.done:
            return self, ()
        figure = (figure_of(self.rule, fact) or 0.0) / SCALE
        return replace(self, done=True), (award_of(self.rule, fact, figure, occasion=self.sport),)


@dataclass(frozen=True, slots=True)
class _Total:
    rule: Milestone | Challenge
    occasion: str
    total: float = 0  # hundredths, whole: sums do not depend on the order

    def after(self, fact: Fact) -> "tuple[_Total, Iterable[Award]]":
        total = self.total + (figure_of(self.rule, fact) or 0)
        crossed = [level for level in self.rule.levels if self.total < level.hundredths <= total]
        return replace(self, total=total), [
            award_of(self.rule, fact, level.hundredths / SCALE, level=level.name, occasion=self.occasion)
            for level in crossed
        ]


@dataclass(frozen=True, slots=True)
class _Run:
    """The longest run of units (days or weeks) up to the last one in which rests are within the rule's allowance.

    It is the longest one, and not one that begins anew when rests are used up: so no workout that comes late can
    shorten a run.
    """

    rule: Streak
    unit: int = 0  # the last one with a workout
    active: int = 0  # units with a workout so far …
    before: int = 0  # … and those of them before the run
    rests: tuple[tuple[int, int], ...] = ()  # the last units without: which, and ``active`` then
    reached: int = 0  # levels that were awarded
    at_us: int = 0

    def after(self, fact: Fact) -> "tuple[_Run, Iterable[Award]]":
        unit = fact.day.toordinal()
        if self.rule.unit == "week":
            unit = (unit - 1) // 7  # day 1 was a Monday
        if self.active and unit == self.unit:
            return self, ()
        before, rests = self._rested(unit)
        active = self.active + 1
        # Who flies over the date line may end the next day's workout before this day's.
        at_us = max(self.at_us, fact.at_us)
        crossed: list[Level] = [
            level for level in self.rule.levels[self.reached :] if level.hundredths <= (active - before) * SCALE
        ]
        state = _Run(self.rule, unit, active, before, rests, self.reached + len(crossed), at_us)
        return state, [
            replace(award_of(self.rule, fact, level.hundredths / SCALE, level=level.name), at_us=at_us)
            for level in crossed
        ]

    def _rested(self, unit: int) -> tuple[int, tuple[tuple[int, int], ...]]:
        """``before`` and ``rests`` when the next unit with a workout is ``unit``."""
        allowed, per = self.rule.rests, self.rule.per or 1
        if unit - self.unit - 1 > allowed:  # so that a break of years is not gone through day by day
            return self.active, ()
        before, rests = self.before, self.rests
        for missed in range(self.unit + 1, unit):
            rests = (*rests, (missed, self.active))
            if len(rests) > allowed and missed - rests[-1 - allowed][0] < per:
                before = max(before, rests[-1 - allowed][1])
        return before, rests[-allowed:] if allowed else ()
