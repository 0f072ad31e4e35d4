"""Achievements of one user: what rules award for a set of facts.

:func:`earned` looks at all facts, :class:`Achievements` is kept up fact by fact and answers the same. Only the set of
facts counts, not the order in which they came. So a deleted workout takes away what it had earned, a late one may move
an award to an earlier date, and a new rule is applied to the past by giving it the facts.

How: the facts that a rule counts are split into lanes (the months of a monthly challenge, say; mostly there is one),
and each lane is folded over in the order of time.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from domain.achievement_facts import Award, Fact, figure_of, occasion_of
from domain.achievement_folds import State, start_of
from domain.achievement_rules import Rule, Streak

# From one of these on a lane is folded again when something changes: more of them take memory, fewer take time.
_CHECKPOINT_EVERY: Final = 64


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
            if figure_of(rule, fact) is not None:
                lanes.setdefault(occasion_of(rule, fact), []).append(_place(rule, fact))
        for occasion, places in lanes.items():
            state = start_of(rule, occasion)
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
                self._lanes[key] = _Lane(start_of(self._rules[key[0]], key[1]))
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
            ((number, occasion_of(rule, fact)), _place(rule, fact))
            for number, rule in enumerate(self._rules)
            if figure_of(rule, fact) is not None
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


class _Lane:
    """Facts in order, their awards, and what they come to up to here and there."""

    def __init__(self, start: State) -> None:
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
