"""From workouts, groups, challenges and who takes part to parts, goals and the targets reached."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import pyarrow as pa

from domain.boards import Effort
from domain.challenges import Challenge, ChallengeEvent, Entry, Standing, standing_of, takes_part
from domain.goals import Aim, Goal, GoalEvent, aim_of
from domain.groups import Group
from domain.targets import Measure, Progress, Window, progress
from schemas import hot
from verification.boards import Last, effort_of, ranked_efforts
from verification.integrity import believed
from verification.outcomes import Valid

PART_KEY: Final = ("challenge_id", "user_id")
TEAM_KEY: Final = ("challenge_id", "group_id")
DEFINED: Final = (hot.ChallengeDefined, hot.ChallengeRemoved)
_COUNTED: Final = ("achieved_at", "members", "workouts")
SAID: Final = (hot.ChallengeJoined, hot.ChallengeLeft, hot.GoalSet, hot.GoalRemoved)


class Part(NamedTuple):
    """What one user has of one challenge."""

    challenge_id: str
    user: str
    group_id: str
    challenge: Challenge
    far: Progress


class Target(NamedTuple):
    """A target that one user reached: the data and the zone of its last message."""

    user: str
    target_id: str
    said: dict[str, Any]
    zone: str


@dataclass(frozen=True)
class Log:
    """One partition: the last word on each workout, all groups and challenges, what users said, who was erased."""

    last: Last
    groups: Mapping[str, Group]
    challenges: Mapping[str, Standing]
    said: Sequence[Valid]
    erasures: Sequence[Valid] = ()

    def holding(self) -> Iterator[Any]:
        """What users said that was not erased since."""
        until: dict[str, int] = {}
        for _, _, message in self.erasures:
            until[message.user] = max(message.time, until.get(message.user, -1))
        return (message for _, _, message in self.said if message.time > until.get(message.user, -1))

    def counted(self) -> dict[str, list[Effort]]:
        """Each user's whole workouts that are in no flag's shadow."""
        found: dict[str, list[Effort]] = {}
        for (user, _), record in self.last.items():
            if believed(record.message.data):
                found.setdefault(user, []).append(effort_of(record.message.data))
        return found


def standings(records: Iterable[Valid], groups: Mapping[str, Group]) -> dict[str, Standing]:
    """The challenges that somebody defined who may, by id; also those that were removed."""
    events: dict[str, dict[str, ChallengeEvent]] = {}
    for _, _, message in records:
        data, challenge = message.data, None
        if message.type == "ChallengeDefined":
            window = Window(data.first_day, data.last_day)
            challenge = Challenge(data.title, data.kind, _measure(data), window, data.group_ids)
        event = ChallengeEvent(data.challenge_id, message.id, message.time, message.user, challenge)
        events.setdefault(data.challenge_id, {})[message.id] = event
    found = {id: standing_of(known.values(), groups.get) for id, known in events.items()}
    return {id: standing for id, standing in found.items() if standing is not None}


def challenge_documents(challenges: Mapping[str, Standing]) -> dict[str, dict[str, Any]]:
    """Documents of the challenges that there are, by id."""
    return {
        id: {
            "title": one.challenge.title,
            "kind": one.challenge.kind,
            **_wanted(one.challenge.measure),
            **_days(one.challenge.window),
            "groups": one.challenge.groups,
            "owner": one.owner,
            "refused": one.refused,
        }
        for id, one in challenges.items()
        if one.challenge is not None
    }


def parts(log: Log) -> list[Part]:
    """What each who takes part has of each challenge."""
    words: dict[tuple[str, str], Entry] = {}
    for message in log.holding():
        if message.type in ("ChallengeJoined", "ChallengeLeft"):
            id, joined = message.data.challenge_id, message.type == "ChallengeJoined"
            team = getattr(message.data, "group_id", None)
            word = Entry(id, message.user, message.time, message.id, joined, team)
            before = words.get((id, message.user))
            if before is None or (before.time_us, before.event_id) < (word.time_us, word.event_id):
                words[id, message.user] = word
    efforts = ranked_efforts(log.last)
    found: list[Part] = []
    for (id, user), word in words.items():
        standing = log.challenges.get(id)
        challenge = standing.challenge if standing else None
        if challenge is not None and takes_part(word, challenge, log.groups.get):
            team = (word.group_id or "") if challenge.kind == "team" else ""
            far = progress(challenge.measure, challenge.window, efforts.get(user, []))
            found.append(Part(id, user, team, challenge, far))
    return found


class GoalFar(NamedTuple):
    """A goal and how far its user got in each period with a workout."""

    user: str
    goal_id: str
    aim: Aim
    periods: dict[str, Progress]

    @property
    def document(self) -> tuple[str, dict[str, Any]]:
        """The document's id and fields."""
        goal = self.aim.goal
        days = _days(goal.window) if goal.window else {"first_day": None, "last_day": None}
        return f"{self.user}/{self.goal_id}", {
            **_wanted(goal.measure),
            "every": goal.every,
            **days,
            "since": self.aim.since.isoformat(),
            "ended_at": self.aim.ended_us,
            "periods": {
                key: {
                    "score": far.score,
                    "achieved_at": far.achieved_us,
                    "workouts": far.workouts,
                    "reached_at": far.reached.at_us if far.reached else None,
                    "workout_id": far.reached.workout_id if far.reached else None,
                }
                for key, far in self.periods.items()
            },
        }


def goals(log: Log) -> list[GoalFar]:
    """All goals that were set, also those that ended."""
    events: dict[tuple[str, str], dict[str, GoalEvent]] = {}
    for message in log.holding():
        if message.type in ("GoalSet", "GoalRemoved"):
            data, goal = message.data, None
            if message.type == "GoalSet":
                window = Window(data.first_day, data.last_day) if data.every is None else None
                goal = Goal(_measure(data), data.every, window)
            event = GoalEvent(data.goal_id, message.id, message.time, message.zone, goal)
            events.setdefault((message.user, data.goal_id), {})[message.id] = event
    efforts = log.counted()
    found: list[GoalFar] = []
    for (user, goal_id), known in events.items():
        aim = aim_of(known.values())
        if aim is not None:
            done = [one for one in efforts.get(user, []) if aim.ended_us is None or one.end_us <= aim.ended_us]
            windows = dict(named for one in done if (named := aim.window_of(one.day)) is not None)
            fars = {key: progress(aim.goal.measure, window, done) for key, window in windows.items()}
            found.append(GoalFar(user, goal_id, aim, {key: far for key, far in fars.items() if far.workouts}))
    return found


def targets(log: Log, of_challenges: Iterable[Part], of_goals: Iterable[GoalFar]) -> Iterator[Target]:
    """The targets that users have reached; a team's is nobody's."""
    reached = [
        (one.user, f"challenge/{one.challenge_id}", "challenges", one.far)
        for one in of_challenges
        if one.challenge.kind == "individual"
    ]
    reached += [
        (one.user, f"goal/{one.goal_id}:{key}", "goals", far) for one in of_goals for key, far in one.periods.items()
    ]
    for user, target_id, deed, far in reached:
        if far.reached is not None:
            message = log.last[user, far.reached.workout_id].message
            said = {
                "deed": deed,
                "at": far.reached.at_us,
                "local_day": message.data.local_day,
                "workout_id": message.data.workout_id,
            }
            yield Target(user, target_id, said, message.zone)


def last_said(messages: Iterable[Valid]) -> dict[tuple[str, str], tuple[dict[str, Any], str]]:
    """By user and target the data and the zone of the last message, of targets that were not revoked."""
    said: dict[tuple[str, str], tuple[dict[str, Any], str]] = {}
    for _, _, message in messages:
        data = message.data
        if isinstance(message, hot.TargetRevoked):
            said.pop((message.user, data.target_id), None)
        else:
            shown = {name: getattr(data, name) for name in data.__struct_fields__ if name != "target_id"}
            said[message.user, data.target_id] = shown, message.zone
    return said


def part_table(found: Iterable[Part]) -> pa.Table:
    """Rows of ``challenge_scores`` that are not deleted; times in µs."""
    rows = list(found)
    reached = [one.far.reached.at_us if one.far.reached else None for one in rows]
    return pa.table(
        {
            "challenge_id": pa.array([one.challenge_id for one in rows], pa.string()),
            "user_id": pa.array([one.user for one in rows], pa.string()),
            "group_id": pa.array([one.group_id for one in rows], pa.string()),
            "score": pa.array([one.far.score for one in rows], pa.float64()),
            "achieved_at": pa.array([one.far.achieved_us for one in rows], pa.int64()),
            "workouts": pa.array([one.far.workouts for one in rows], pa.int64()),
            "target": pa.array([one.challenge.measure.amount for one in rows], pa.float64()),
            "less_is_better": pa.array([int(one.challenge.measure.less_is_better) for one in rows], pa.int64()),
            "reached_at": pa.array(reached, pa.int64()),
        }
    )


def ranked(table: pa.Table) -> pa.Table:
    """The parts with their competition rank in each challenge; those without a score are last."""
    rows = table.to_pylist()
    order = [
        (
            row["challenge_id"],
            (row["score"] == 0, row["score"] if row["less_is_better"] else -row["score"], row["achieved_at"]),
        )
        for row in rows
    ]
    return table.drop_columns("less_is_better").append_column("rank", pa.array(_ranks(order), pa.int64()))


def teams(table: pa.Table) -> pa.Table:
    """The teams of all challenges with their competition ranks, from the parts of their members."""
    sums: dict[tuple[str, str], dict[str, Any]] = {}
    for row in table.to_pylist():
        if row["group_id"]:
            team = sums.setdefault(
                (row["challenge_id"], row["group_id"]), {"achieved_at": 0, "members": 0, "workouts": 0, "hundredths": 0}
            )
            team["hundredths"] += round(row["score"] * 100)
            team["achieved_at"] = max(team["achieved_at"], row["achieved_at"])
            team["members"] += 1
            team["workouts"] += row["workouts"]
            team["target"] = row["target"]
    order = [(id, (-team["hundredths"], team["achieved_at"])) for (id, _), team in sums.items()]
    rows = list(sums.values())
    return pa.table(
        {
            "challenge_id": pa.array([id for id, _ in sums], pa.string()),
            "group_id": pa.array([group for _, group in sums], pa.string()),
            "rank": pa.array(_ranks(order), pa.int64()),
            "score": pa.array([row["hundredths"] / 100 for row in rows], pa.float64()),
            **{name: pa.array([row[name] for row in rows], pa.int64()) for name in _COUNTED},
            "target": pa.array([row["target"] for row in rows], pa.float64()),
            "reached": pa.array([int(row["hundredths"] >= round(row["target"] * 100)) for row in rows], pa.int64()),
        }
    )


def _ranks(order: list[tuple[str, tuple[Any, ...]]]) -> list[int]:
    """For each (challenge, what it is ranked by) one more than those of the challenge that are before it."""
    by_challenge: dict[str, list[tuple[Any, ...]]] = {}
    for id, by in order:
        by_challenge.setdefault(id, []).append(by)
    firsts: dict[tuple[str, tuple[Any, ...]], int] = {}
    for id, values in by_challenge.items():
        for place, by in enumerate(sorted(values), start=1):
            firsts.setdefault((id, by), place)
    return [firsts[one] for one in order]


def _measure(data: Any) -> Measure:
    return Measure(data.metric, data.effort, data.sports, data.target)


def _wanted(measure: Measure) -> dict[str, Any]:
    names = ("metric", "effort", "sports", "amount")
    return {name: getattr(measure, name) for name in names}


def _days(window: Window) -> dict[str, Any]:
    return {"first_day": window.first.isoformat(), "last_day": window.last.isoformat()}
