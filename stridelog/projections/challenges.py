"""Challenges as rows and documents: which users' parts a record changes, and what they are now.

The facts of all - groups, definitions, and who of this partition takes part - belong to the partition's pseudo-user.
Record by record it is worked out whose part changes, also where a batch only writes its last word: what a crashed
worker said with other cuts could not be taken back otherwise.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Any, Final

import msgspec
import pyarrow as pa

from domain.challenges import Challenge, ChallengeEvent, Entry, Groups, Standing, standing_of, takes_part
from domain.groups import GroupEvent
from domain.targets import Progress, Window, progress
from schemas import hot
from sinks.base import Document, Rows, Span
from sinks.tables import CHALLENGE_SCORES
from stridelog.homes import Homes
from stridelog.projections.goals import measure_of
from stridelog.projections.groups import KnownGroups
from stridelog.projections.targets import CountedWorkouts, Sayings
from stridelog.state import Index, State

COLLECTION: Final = "challenges"
AT_ONCE: Final = 500
"""So many users' facts are asked for at a time, where a challenge of many changes."""


class KnownChallenges(Index):
    """All challenges of which there are events, and who of the partition takes part.

    ``revision`` grows with every word on any of it and on groups.
    """

    kinds = (ChallengeEvent, Entry, GroupEvent)

    def __init__(self) -> None:
        self.revision = 0
        self.events: defaultdict[str, dict[str, ChallengeEvent]] = defaultdict(dict)  # by challenge and event
        self.entries: defaultdict[str, dict[str, Entry]] = defaultdict(dict)  # by challenge and user
        self.joined: defaultdict[str, set[str]] = defaultdict(set)  # user → challenges that they spoke of
        self.of_group: defaultdict[str, set[str]] = defaultdict(set)  # group → challenges that name it
        self._seen: set[str] = set()  # events that revision has counted

    def put(self, id: str, fact: ChallengeEvent | Entry | GroupEvent) -> None:
        match fact:
            case Entry():
                before = self.entries[fact.challenge_id].get(fact.user)
                self.revision += fact.offset - (before.offset if before else -1)
                self.entries[fact.challenge_id][fact.user] = fact
                self.joined[fact.user].add(fact.challenge_id)
                return
            case ChallengeEvent():
                self.events[fact.challenge_id][id] = fact
                for group_id in fact.challenge.groups if fact.challenge else ():
                    self.of_group[group_id].add(fact.challenge_id)
        self.revision += id not in self._seen
        self._seen.add(id)

    def standing(self, challenge_id: str, groups: Groups) -> Standing | None:
        """A challenge as it is by these groups."""
        return standing_of(self.events.get(challenge_id, {}).values(), groups)


def challenge_event(message: hot.ChallengeDefined | hot.ChallengeRemoved) -> ChallengeEvent:
    """What somebody asks of others, or takes back."""
    challenge = None
    if isinstance(message, hot.ChallengeDefined):
        data = message.data
        window = Window(data.first_day, data.last_day)
        challenge = Challenge(data.title, data.kind, measure_of(data), window, data.group_ids)
    return ChallengeEvent(message.data.challenge_id, message.id, message.time, message.user, challenge)


class ChallengeBoard:
    """What a batch changes of challenges: parts of users, and the challenges themselves."""

    def __init__(self, state: State, span: Span, everyone: str, homes: Homes, sayings: Sayings) -> None:
        self._state = state
        self._span = span
        self._everyone = everyone
        self._homes = homes
        self._sayings = sayings
        self._rows: dict[tuple[str, str], dict[str, Any]] = {}  # by challenge and user
        self._documents: dict[str, Document] = {}

    @property
    def _known(self) -> KnownChallenges:
        return self._state.index(self._everyone, KnownChallenges)

    @property
    def _groups(self) -> KnownGroups:
        return self._state.index(self._everyone, KnownGroups)

    def trained(self, user: str, days: Iterable[date], offset: int) -> None:
        """Workouts of these days came, changed or went."""
        wanted = set(days)
        for challenge_id in sorted(self._known.joined.get(user, ())):
            standing = self._known.standing(challenge_id, self._groups.group)
            challenge = standing.challenge if standing else None
            entry = self._known.entries[challenge_id][user]
            if challenge is None or not takes_part(entry, challenge, self._groups.group):
                continue  # what ended their part has written so
            if any(day in challenge.window for day in wanted):
                self._look(user, challenge_id, challenge, offset)

    def erased(self, user: str, offset: int) -> None:
        """What the user said up to now is void."""
        for challenge_id in sorted(self._known.joined.get(user, ())):
            self.entered(user, challenge_id, offset)

    def entered(self, user: str, challenge_id: str, offset: int) -> None:
        """The user joined or left."""
        standing = self._known.standing(challenge_id, self._groups.group)
        self._look(user, challenge_id, standing.challenge if standing else None, offset)

    async def changed(self, challenge_id: str, offset: int) -> None:
        """The challenge itself came, changed or went: the part of everybody in it."""
        standing = self._known.standing(challenge_id, self._groups.group)
        challenge = standing.challenge if standing else None
        if self._homes.of(challenge_id) == self._span.partition:
            shown = _shown(standing, challenge) if standing and challenge else {}
            self._documents[challenge_id] = Document(COLLECTION, challenge_id, set=shown)
        await self._look_at_all(self._known.entries.get(challenge_id, {}), challenge_id, challenge, offset)

    async def group_changed(self, group_id: str, offset: int) -> None:
        """Something happened to a group: the challenges that its roles allow, and the parts of who came or went."""
        challenges = sorted(self._known.of_group.get(group_id, ()))
        if not challenges:
            return
        now = self._groups.group
        was = self._groups.group_before(group_id, self._state, self._everyone, offset)

        def before(id: str) -> Any:
            return was if id == group_id else now(id)

        for challenge_id in challenges:
            standing = self._known.standing(challenge_id, now)
            if standing != self._known.standing(challenge_id, before):
                await self.changed(challenge_id, offset)
                continue
            challenge = standing.challenge if standing else None
            other = [
                user
                for user, entry in self._known.entries.get(challenge_id, {}).items()
                if takes_part(entry, challenge, now) != takes_part(entry, challenge, before)
            ]
            await self._look_at_all(other, challenge_id, challenge, offset)

    async def _look_at_all(
        self, users: Iterable[str], challenge_id: str, challenge: Challenge | None, offset: int
    ) -> None:
        listed = sorted(users)
        for first in range(0, len(listed), AT_ONCE):
            some = listed[first : first + AT_ONCE]
            await self._state.load(some)
            for user in some:
                self._look(user, challenge_id, challenge, offset)

    def _look(self, user: str, challenge_id: str, challenge: Challenge | None, offset: int) -> None:
        """What a user's part in a challenge is now."""
        entry, workouts = self._known.entries[challenge_id][user], self._state.index(user, CountedWorkouts)
        part: Progress | None = None
        takes = workouts.holds(entry.time_us) and takes_part(entry, challenge, self._groups.group)
        if challenge is not None and takes:
            part = progress(challenge.measure, challenge.window, workouts.within(challenge.window, as_others_see=True))
        self._sayings.say(user, f"challenge/{challenge_id}", "challenges", _reached(challenge, part), offset)
        self._rows[challenge_id, user] = {
            "challenge_id": challenge_id,
            "user_id": user,
            "group_id": (entry.group_id or "") if challenge is not None and challenge.kind == "team" else "",
            "score": part.score if part else 0.0,
            "achieved_at": part.achieved_us if part else 0,
            "workouts": part.workouts if part else 0,
            "target": challenge.measure.amount if challenge else 0.0,
            "less_is_better": int(challenge is not None and challenge.measure.less_is_better),
            "reached_at": part.reached.at_us if part and part.reached else None,
            "deleted": int(part is None),
            "revision": self._known.revision + workouts.revision,
            "source_partition": self._span.partition,
            "source_offset": offset,
        }

    def rows(self) -> Rows:
        """Rows of ``challenge_scores``: each touched part as it is now."""
        schema = CHALLENGE_SCORES.schema
        rows = [self._rows[key] for key in sorted(self._rows)]
        columns = [pa.array([row[field.name] for row in rows], _plain(field.type)).cast(field.type) for field in schema]
        return Rows(CHALLENGE_SCORES.name, pa.table(columns, schema=schema))

    def documents(self) -> list[Document]:
        """The challenges that have their home here and changed; one that is no more is deleted."""
        return [self._documents[id] for id in sorted(self._documents)]


def _reached(challenge: Challenge | None, part: Progress | None) -> Any:
    """Of an individual challenge; a team's target is not one member's."""
    return part.reached if part is not None and challenge is not None and challenge.kind == "individual" else None


def _plain(kind: pa.DataType) -> pa.DataType:
    return pa.int64() if pa.types.is_timestamp(kind) else kind


def _shown(standing: Standing, challenge: Challenge) -> dict[str, Any]:
    return {
        "title": challenge.title,
        "kind": challenge.kind,
        **msgspec.to_builtins(challenge.measure),
        "first_day": challenge.window.first.isoformat(),
        "last_day": challenge.window.last.isoformat(),
        "groups": list(challenge.groups),
        "owner": standing.owner,
        "refused": standing.refused,
    }
