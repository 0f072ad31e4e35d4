"""Achievements of one user: what rules award for a set of facts.

:func:`earned` looks at all facts, :class:`Achievements` is kept up fact by fact and answers the same. Only the set of
facts counts, not the order in which they came. So a deleted workout takes away what it had earned, a late one may move
an award to an earlier date, and a new rule is applied to the past by giving it the facts.

How: the facts that a rule counts are split into lanes (the months of a monthly challenge, say; mostly there is one),
and each lane is folded over in the order of time.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, NamedTuple, Protocol

from domain.achievement_rules import (
    Challenge,
    Deed,
    First,
    Level,
    Milestone,
    PersonalBest,
    Rule,
    Streak,
)
from domain.boards import METRICS, SCALE, Effort, parts_of
from domain.days import period_key
from domain.efforts import BestEffort

# From one of these on a lane is folded again when something changes: more of them take memory, fewer take time.
_CHECKPOINT_EVERY: Final = 64
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


class Changes(NamedTuple):
    """What a change of facts did, each in order of time: new awards, awards that are no more, and awards of the same
    key as before that moved to another time, value or evidence (as they are now).
    """

    earned: tuple[Award, ...]
    revoked: tuple[Award, ...]
    moved: tuple[Award, ...]


def earned(rules: Iterable[Rule], facts: Iterable[Fact]) -> set[Award]:
    """All that one user has earned by ``rules`` with ``facts``, whatever their order.

    Raises ``ValueError`` for an id that is given twice.
    """
    known: dict[str, Fact] = {}
    for fact in facts:
        if fact.id in known:
            raise ValueError(f"fact {fact.id} is given twice: give each workout, challenge and goal once")
        known[fact.id] = fact
    found: set[Award] = set()
    for rule in rules:
        lanes: dict[str, list[_Place]] = {}
        for fact in known.values():
            if _figure(rule, fact) is not None:
                lanes.setdefault(_occasion(rule, fact), []).append(_place(rule, fact))
        for occasion, places in lanes.items():
            state = _start(rule, occasion)
            for place in sorted(places):
                state, awards = state.after(known[place.id])
                found.update(awards)
    return found


def difference(before: Iterable[Award], after: Iterable[Award]) -> Changes:
    """What became of awards, by their keys."""
    was, now = {award.key: award for award in before}, {award.key: award for award in after}
    return _changes({key: was.get(key) for key in was.keys() | now.keys()}, now)


class Achievements:
    """What one user has earned, kept up as facts come, change and go.

    A change costs what came after it: a new workout a step for each rule, a late one the steps from its place on.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = tuple(rules)
        self._facts: dict[str, Fact] = {}
        self._lanes: dict[_LaneKey, _Lane] = {}
        self._touched: set[_LaneKey] = set()
        self._awards: dict[str, Award] = {}  # by key
        self._before: dict[str, Award | None] = {}  # by key: what changed since changes() was last asked, as it was

    def put(self, fact: Fact) -> None:
        """Count a fact, in place of what had its id."""
        if self._facts.get(fact.id) == fact:
            return
        self.remove(fact.id)
        self._facts[fact.id] = fact
        for key, place in self._places(fact):
            if key not in self._lanes:
                self._lanes[key] = _Lane(_start(self._rules[key[0]], key[1]))
            self._lanes[key].add(place)
            self._touched.add(key)

    def remove(self, fact_id: str) -> None:
        """Do not count a fact any more; nothing happens when there is none of this id."""
        fact = self._facts.pop(fact_id, None)
        if fact is not None:
            for key, place in self._places(fact):
                self._lanes[key].remove(place)
                self._touched.add(key)

    def awards(self) -> set[Award]:
        """All awards, as :func:`earned` gives them for the facts as they are now."""
        self._fold()
        return set(self._awards.values())

    def changes(self) -> Changes:
        """What became of awards since this was last asked."""
        self._fold()
        before, self._before = self._before, {}
        return _changes(before, self._awards)

    def _places(self, fact: Fact) -> "list[tuple[_LaneKey, _Place]]":
        return [
            ((number, _occasion(rule, fact)), _place(rule, fact))
            for number, rule in enumerate(self._rules)
            if _figure(rule, fact) is not None
        ]

    def _fold(self) -> None:
        for key in self._touched:
            gone, come = self._lanes[key].fold(self._facts)
            for award in gone:
                self._before.setdefault(award.key, self._awards.pop(award.key))
            for award in come:
                self._before.setdefault(award.key, None)
                self._awards[award.key] = award
            if self._lanes[key].empty:
                del self._lanes[key]
        self._touched.clear()


_LaneKey = tuple[int, str]  # number of the rule, occasion


class _Place(NamedTuple):
    """Where a fact stands among others of its lane: by time; those of a streak by local day, then by time."""

    day: int
    at_us: int
    id: str


class _State(Protocol):
    """What a lane comes to up to some fact; never changed, so that it can be gone back to."""

    def after(self, fact: Fact) -> "tuple[_State, Iterable[Award]]":
        """What it comes to with the next fact, and what that fact earns."""


class _Lane:
    """Facts in order, their awards, and what they come to up to here and there."""

    def __init__(self, start: _State) -> None:
        self._places: list[_Place] = []
        self._awards: list[tuple[_Place, Award]] = []  # in the order of places
        self._states = [(0, start)]  # after so many facts; the last one after all of them, unless facts changed

    @property
    def empty(self) -> bool:
        return not self._places

    def add(self, place: _Place) -> None:
        at = bisect_left(self._places, place)
        self._places.insert(at, place)
        self._forget(at)

    def remove(self, place: _Place) -> None:
        at = bisect_left(self._places, place)
        del self._places[at]
        self._forget(at)

    def _forget(self, at: int) -> None:
        while self._states[-1][0] > at:
            self._states.pop()

    def fold(self, facts: Mapping[str, Fact]) -> tuple[list[Award], list[Award]]:
        """Bring the awards up to date; those that were dropped, and those that came in their place."""
        count, state = self._states[-1]
        kept = bisect_right(self._awards, self._places[count - 1], key=lambda pair: pair[0]) if count else 0
        gone = [award for _, award in self._awards[kept:]]
        del self._awards[kept:]
        if count % _CHECKPOINT_EVERY:
            self._states.pop()
        for place in self._places[count:]:
            state, awards = state.after(facts[place.id])
            self._awards.extend((place, award) for award in awards)
            count += 1
            if count % _CHECKPOINT_EVERY == 0:
                self._states.append((count, state))
        if count % _CHECKPOINT_EVERY:
            self._states.append((count, state))
        return gone, [award for _, award in self._awards[kept:]]


def _changes(before: Mapping[str, Award | None], now: Mapping[str, Award]) -> Changes:
    came, went, moved = [], [], []
    for key, was in before.items():
        award = now.get(key)
        if was is None:
            came += [award] if award else []
        elif award is None:
            went.append(was)
        elif award != was:
            moved.append(award)
    return Changes(_in_order(came), _in_order(went), _in_order(moved))


def _in_order(awards: Iterable[Award]) -> tuple[Award, ...]:
    return tuple(sorted(awards, key=lambda award: (award.at_us, award.key)))


def _place(rule: Rule, fact: Fact) -> _Place:
    return _Place(fact.day.toordinal() if isinstance(rule, Streak) else 0, fact.at_us, fact.id)


def _occasion(rule: Rule, fact: Fact) -> str:
    """The lane of a fact that the rule counts."""
    match rule:
        case Challenge(every=None):
            return f"{rule.first_day}..{rule.last_day}"
        case Challenge(every=period) if period is not None:
            return period_key(fact.day, period)
        case First(each_sport=True) if isinstance(fact, Workout):
            return fact.effort.sport
    return ""


def _figure(rule: Rule, fact: Fact) -> float | None:
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


def _start(rule: Rule, occasion: str) -> _State:
    match rule:
        case PersonalBest():
            return _Best(rule)
        case First():
            return _FirstOf(rule, occasion)
        case Milestone() | Challenge():
            return _Total(rule, occasion)
        case Streak():
            return _Run(rule)


def _award(rule: Rule, fact: Fact, value: float, *, level: str = "", occasion: str = "", beaten: str = "") -> Award:
    evidence = (fact.id, beaten) if beaten else (fact.id,)
    return Award(rule.id, rule.version, level, occasion, fact.at_us, value, evidence)


@dataclass(frozen=True, slots=True)
class _Best:
    rule: PersonalBest
    best: float | None = None
    holder: str = ""

    def after(self, fact: Fact) -> "tuple[_Best, Iterable[Award]]":
        figure = _figure(self.rule, fact) or 0.0
        if self.best is not None and (figure >= self.best if self.rule.fastest else figure <= self.best):
            return self, ()
        state = _Best(self.rule, figure, fact.id)
        if self.best is None and not self.rule.first_counts:
            return state, ()
        return state, (_award(self.rule, fact, figure, occasion=fact.id, beaten=self.holder),)


@dataclass(frozen=True, slots=True)
class _FirstOf:
    rule: First
    sport: str
    done: bool = False

    def after(self, fact: Fact) -> "tuple[_FirstOf, Iterable[Award]]":
        if self.done:
            return self, ()
        figure = (_figure(self.rule, fact) or 0.0) / SCALE
        return replace(self, done=True), (_award(self.rule, fact, figure, occasion=self.sport),)


@dataclass(frozen=True, slots=True)
class _Total:
    rule: Milestone | Challenge
    occasion: str
    total: float = 0  # hundredths, whole: sums do not depend on the order

    def after(self, fact: Fact) -> "tuple[_Total, Iterable[Award]]":
        total = self.total + (_figure(self.rule, fact) or 0)
        crossed = [level for level in self.rule.levels if self.total < level.hundredths <= total]
        return replace(self, total=total), [
            _award(self.rule, fact, level.hundredths / SCALE, level=level.name, occasion=self.occasion)
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
            replace(_award(self.rule, fact, level.hundredths / SCALE, level=level.name), at_us=at_us)
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
