"""Achievements as documents and messages: which awards a batch changes, and what they are now.

What a user was told of each award is a fact too, so that a crash between two stores, and rules that have changed since,
are seen as a difference. Awards are worked out record by record, although only the last word of a batch is written:
with other cuts another worker may have written what was earned by one record and lost by the next, and a fact has to
say that it is no more.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from domain.achievement_facts import Award, Done, Workout
from domain.achievement_rules import Rule
from domain.achievements import Achievements
from domain.efforts import BestEffort
from schemas import hot
from schemas.identity import event_id
from sinks.base import Document, Span
from stridelog.projections.efforts import effort_of, is_believed
from stridelog.state import Index, State

COLLECTION: Final = "achievements"
PRODUCER: Final = "stridelog/achievements"


class WorkoutFact(msgspec.Struct, frozen=True):
    """A workout as achievements know it, whether it counts for them as for boards, and where it was."""

    workout: Workout
    counted: bool
    zone: str


class DoneFact(msgspec.Struct, frozen=True):
    """A target of a challenge or goal as achievements know it, and where it was reached."""

    done: Done
    counted: bool
    zone: str


class AwardFact(msgspec.Struct, frozen=True):
    """The last word on an award: as it is, or as it was before it was revoked."""

    award: Award
    zone: str
    holds: bool


class Standing(Index):
    """What a user's workouts and targets earn."""

    kinds = (WorkoutFact, DoneFact)

    def __init__(self) -> None:
        self._put: dict[str, WorkoutFact | DoneFact] = {}
        self._achievements: Achievements | None = None

    @property
    def is_new(self) -> bool:
        """Whether nobody has asked yet, so that what the user was told may be by other rules."""
        return self._achievements is None

    def put(self, id: str, fact: WorkoutFact | DoneFact) -> None:
        self._put[id] = fact

    def by(self, rules: tuple[Rule, ...]) -> Achievements:
        """The achievements by the worker's rules, which are always the same."""
        if self._achievements is None:
            self._achievements = Achievements(rules)
        for id, fact in self._put.items():
            if fact.counted:
                self._achievements.put(fact.workout if isinstance(fact, WorkoutFact) else fact.done)
            else:
                self._achievements.remove(id)
        self._put.clear()
        return self._achievements


class Awards:
    """One batch of the ``achievements`` agent."""

    def __init__(self, state: State, rules: tuple[Rule, ...], span: Span) -> None:
        self.state = state
        self.rules = rules
        self.span = span
        self.users: set[str] = set()
        self.dropped: Counter[str] = Counter()

    def keep(self, offset: int, message: hot.WorkoutSummarised | hot.TargetReached | hot.TargetRevoked) -> None:
        """Keep a workout or a target as a fact, and what becomes of its user's awards."""
        user, (id, fact) = message.user, _fact(message)
        known = self.state.get(user, type(fact), id)
        if known is not None and known.fact == fact and known.settled(self.span):
            self.dropped["duplicate"] += 1
            return
        self.users.add(user)
        self._by_these_rules(user, offset)
        if known is not None and known.offset >= offset:
            return  # read again because another store lacks it: what came later must not be undone
        self.state.put(user, id, fact, offset)
        changes = self.state.index(user, Standing).by(self.rules).changes()
        for award in (*changes.earned, *changes.moved):
            self._tell(user, award, offset)
        for award in changes.revoked:
            self._tell(user, award, offset, holds=False)
        if known is not None and known.fact.zone != fact.zone:
            for _, told in self._told(user):
                if told.award.evidence[0] == id:
                    self._tell(user, told.award, offset, holds=told.holds)

    def _by_these_rules(self, user: str, offset: int) -> None:
        """When the user's facts were loaded: what they were told may be by the rules of an earlier worker."""
        standing = self.state.index(user, Standing)
        if not standing.is_new:
            return
        held = standing.by(self.rules).changes().earned
        for award in held:
            self._tell(user, award, offset)
        keys = {award.key for award in held}
        for key, told in self._told(user):
            if key not in keys:
                self._tell(user, told.award, offset, holds=False)

    def _tell(self, user: str, award: Award, offset: int, *, holds: bool = True) -> None:
        told = self.state.get(user, AwardFact, award.key)
        fact = AwardFact(award, self._zone(user, award.evidence[0]), holds)
        if told is None or told.fact != fact:
            self.state.put(user, award.key, fact, offset)

    def _zone(self, user: str, evidence: str) -> str:
        workout = self.state.get(user, WorkoutFact, evidence)
        return (workout or self.state.facts(user, DoneFact)[evidence]).fact.zone

    def _told(self, user: str) -> list[tuple[str, AwardFact]]:
        return [(key, known.fact) for key, known in self.state.facts(user, AwardFact).items()]

    def _changed(self) -> Iterator[tuple[str, str, AwardFact]]:
        """User, the award's id and the award: of all that this batch changed, now or when it was taken before."""
        for user in sorted(self.users):
            facts = self.state.facts(user, AwardFact).values()
            new = [known.fact for known in facts if self.span.first <= known.offset < self.span.next]
            for fact in sorted(new, key=lambda fact: (fact.award.at_us, fact.award.key)):
                yield user, event_id("Award", user, fact.award.key), fact

    def documents(self) -> list[Document]:
        """A document a user and achievement: ``awards`` by their ids, set where they hold, unset where not."""
        fields: defaultdict[str, dict[str, Any]] = defaultdict(dict)
        gone: defaultdict[str, list[str]] = defaultdict(list)
        for user, award_id, fact in self._changed():
            document, name = f"{user}/{fact.award.achievement}", f"awards.{award_id}"
            if fact.holds:
                fields[document][name] = {**_said(fact.award), "zone": fact.zone}
            else:
                gone[document].append(name)
        return [Document(COLLECTION, id, set=fields[id], unset=gone[id]) for id in sorted(fields.keys() | gone.keys())]

    def messages(self) -> list[Any]:
        """The last word on each changed award."""
        return [_message(*changed) for changed in self._changed()]


def _fact(
    message: hot.WorkoutSummarised | hot.TargetReached | hot.TargetRevoked,
) -> tuple[str, WorkoutFact | DoneFact]:
    """The fact and its id."""
    data = message.data
    if isinstance(data, hot.TargetReachedData | hot.TargetRevokedData):
        done = Done(data.target_id, data.deed, data.at, data.local_day)
        return data.target_id, DoneFact(done, isinstance(message, hot.TargetReached), message.zone)
    best = data.summary.best_efforts if data.summary else ()
    efforts = tuple(msgspec.convert(one, BestEffort, from_attributes=True) for one in best)
    return data.workout_id, WorkoutFact(Workout(effort_of(data), efforts), is_believed(data), message.zone)


def _said(award: Award) -> dict[str, Any]:
    """An award's fields in documents and messages."""
    return {
        "achievement": award.achievement,
        "rule_version": award.version,
        "level": award.level,
        "occasion": award.occasion,
        "at": award.at_us,
        "value": award.value,
        "evidence": award.evidence,
    }


def _message(user: str, award_id: str, fact: AwardFact) -> hot.AchievementEarned | hot.AchievementRevoked:
    head: dict[str, Any] = {
        "user": user,
        "time": fact.award.at_us,
        "zone": fact.zone,
        "source": PRODUCER,
        "producer": PRODUCER,
    }
    said = {"award_id": award_id, **_said(fact.award)}
    if fact.holds:
        return hot.AchievementEarned.of(**head, data=hot.AchievementEarnedData(**said))
    return hot.AchievementRevoked.of(**head, data=hot.AchievementRevokedData(**said))
