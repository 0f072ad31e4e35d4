"""What the agent writes and says of challenges and goals, worked by hand."""

import asyncio
from datetime import date
from typing import Any, Final

import pytest

from agents.achievements import achievements
from agents.challenges import challenges
from schemas import hot
from sinks.base import Span
from sinks.keys import Keys
from stridelog import topics
from stridelog.achievements_file import RulesInForce
from stridelog.agent import Agent, Context
from stridelog.batch import Batch, Record, Writes
from stridelog.homes import Homes
from stridelog.settings import Settings
from stridelog.state import State, everyone
from tests.messages import partly_hidden, summarised

DAY_US: Final = 86_400_000_000
T0: Final = 1_760_000_000_000_000  # 2025-10-09
FIRST, SECOND = (f"0000000{i}-0000-4000-8000-000000000000" for i in (1, 2))
CHALLENGE, GOAL = (f"10000000-0000-4000-8000-00000000000{letter}" for letter in "bc")
TARGET: Final = f"challenge/{CHALLENGE}"
RULES: Final = """
achievements:
  done: {kind: milestone, version: 1, title: Challenger, text: Challenges completed., metric: challenges, levels: [1]}
"""


class Worker:
    """An agent with its state; batches of a topic follow each other."""

    def __init__(self, settings: Settings, agent: Agent = challenges) -> None:
        self.agent = agent
        self.state = State(None, agent.facts, 10_000, [everyone(0)])
        resources: dict[type, Any] = {Homes: Homes(settings), RulesInForce: RulesInForce(settings)}
        self.context = Context(self.state, Keys("test"), resources)
        self.next: dict[str, int] = {}

    def take(self, *messages: Any, at: int | None = None) -> Writes:
        """A batch, which begins at offset ``at`` if it is read again."""
        topic = topics.load(prefix="").topic_of_message(messages[0].type).name
        first = self.next.get(topic, 0) if at is None else at
        self.next[topic] = first + len(messages)
        records = [Record(first + i, 0, message) for i, message in enumerate(messages)]

        async def process() -> Writes:
            await self.state.load({message.user for message in messages})
            return await self.agent.process(Batch(Span(topic, 0, first, self.next[topic]), records), self.context)

        return asyncio.run(process())


@pytest.fixture
def settings(tmp_path: Any) -> Settings:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES)
    return Settings(achievements_file=str(path))


@pytest.fixture
def worker(settings: Settings) -> Worker:
    return Worker(settings)


def said(message: Any, user: str, **data: Any) -> Any:
    fields = getattr(hot, f"{message.__name__}Data")(**data)
    return message.of(user=user, time=T0, zone="UTC", source="test", producer="test", data=fields)


def run(workout_id: str, *, day: int, km: float, status: Any = "counted") -> hot.WorkoutSummarised:
    return summarised(workout_id, T0 + day * DAY_US, distance_m=km * 1_000, status=status)


def defined(km: float = 10.0) -> Any:
    return said(
        hot.ChallengeDefined,
        "eve",
        challenge_id=CHALLENGE,
        title="Ten",
        metric="distance",
        target=km * 1_000,
        first_day=date(2025, 10, 9),
        last_day=date(2025, 10, 31),
        kind="individual",
    )


JOINED: Final = said(hot.ChallengeJoined, "ada", challenge_id=CHALLENGE)
WEEKLY: Final = said(hot.GoalSet, "ada", goal_id=GOAL, metric="workouts", target=2.0, every="week")


def row(writes: Writes) -> dict[str, Any]:
    (rows,) = writes.clickhouse
    (found,) = rows.columns.to_pylist()
    return dict(found)


def words(writes: Writes) -> list[tuple[str, str, str]]:
    """Type, target and workout of each message."""
    return [(one.type, one.data.target_id, one.data.workout_id) for one in writes.messages]


def test_a_part_is_the_whole_score_and_the_target_is_said_with_the_workout_that_reached_it(worker: Worker) -> None:
    worker.take(defined())
    worker.take(JOINED)
    assert words(worker.take(run(FIRST, day=0, km=6))) == []
    writes = worker.take(run(SECOND, day=1, km=5))
    assert {name: row(writes)[name] for name in ("user_id", "score", "workouts", "target", "deleted")} == {
        "user_id": "ada",
        "score": 11_000.0,
        "workouts": 2,
        "target": 10_000.0,
        "deleted": 0,
    }
    (message,) = writes.messages
    assert (message.type, message.user, message.zone) == ("TargetReached", "ada", "Europe/Oslo")
    assert (message.data.target_id, message.data.workout_id) == (TARGET, SECOND)
    assert message.data.at == message.time == T0 + DAY_US + 1_800_000_000


def test_a_challenge_that_is_defined_last_counts_what_was_there(worker: Worker) -> None:
    worker.take(run(FIRST, day=0, km=12))
    assert row(worker.take(JOINED))["deleted"] == 1
    writes = worker.take(defined())
    assert (row(writes)["score"], row(writes)["deleted"]) == (12_000.0, 0)
    assert words(writes) == [("TargetReached", TARGET, FIRST)]


def test_when_the_workout_goes_the_target_is_revoked(worker: Worker) -> None:
    worker.take(defined())
    worker.take(JOINED)
    worker.take(run(FIRST, day=0, km=12))
    writes = worker.take(run(FIRST, day=0, km=12, status="deleted"))
    assert row(writes)["score"] == 0.0
    assert words(writes) == [("TargetRevoked", TARGET, FIRST)]


def test_who_leaves_has_no_part_and_no_target_any_more(worker: Worker) -> None:
    worker.take(defined())
    worker.take(JOINED)
    worker.take(run(FIRST, day=0, km=12))
    left = hot.ChallengeLeft.of(
        user="ada",
        time=T0 + 1,
        zone="UTC",
        source="test",
        producer="test",
        data=hot.ChallengeLeftData(challenge_id=CHALLENGE),
    )
    writes = worker.take(left)
    assert (row(writes)["deleted"], words(writes)) == (1, [("TargetRevoked", TARGET, FIRST)])
    assert worker.take(JOINED).dropped == {"superseded": 1}


def test_when_a_user_is_erased_their_part_and_their_goals_go(worker: Worker) -> None:
    worker.take(defined())
    worker.take(JOINED)
    worker.take(WEEKLY)
    worker.take(run(FIRST, day=0, km=12))
    erased = hot.UserErased.of(
        user="ada", time=T0 + DAY_US, zone="UTC", source="test", producer="test", data=hot.UserErasedData()
    )
    writes = worker.take(erased)
    assert row(writes)["deleted"] == 1
    assert [(one.id, one.set, one.unset) for one in writes.mongo] == [(f"ada/{GOAL}", {}, ())]  # no fields: deleted
    assert words(writes) == [("TargetRevoked", TARGET, FIRST)]


def test_a_later_row_has_a_greater_revision_whatever_topic_caused_it(worker: Worker) -> None:
    batches = ([run(FIRST, day=0, km=3)], [JOINED], [defined()], [run(SECOND, day=1, km=3)], [defined(5.0)])
    found = [writes for batch in batches if (writes := worker.take(*batch)).clickhouse[0].columns.num_rows]
    revisions = [row(writes)["revision"] for writes in found]
    assert revisions == sorted(set(revisions))
    assert len(revisions) == 4


def test_a_workout_of_other_days_writes_no_part(worker: Worker) -> None:
    worker.take(defined())
    worker.take(JOINED)
    assert worker.take(run(FIRST, day=-3, km=12)).clickhouse[0].columns.num_rows == 0


def test_a_challenge_counts_what_others_see_of_a_workout_and_a_goal_all_of_it(worker: Worker) -> None:
    worker.take(defined())
    worker.take(JOINED)
    worker.take(said(hot.GoalSet, "ada", goal_id=GOAL, metric="distance", target=11_000.0, every="week"))
    whole = run(FIRST, day=1, km=12)
    writes = worker.take(partly_hidden(whole, 8_000.0))
    assert row(writes)["score"] == 8_000.0
    assert [one.data.target_id.partition("/")[0] for one in writes.messages] == ["goal"]
    lifted = worker.take(whole)
    assert row(lifted)["score"] == 12_000.0
    assert [one.data.target_id.partition("/")[0] for one in lifted.messages] == ["challenge"]


def test_a_private_workout_counts_for_goals_and_for_no_challenge(worker: Worker) -> None:
    worker.take(defined())
    worker.take(JOINED)
    worker.take(said(hot.GoalSet, "ada", goal_id=GOAL, metric="distance", target=11_000.0, every="week"))
    writes = worker.take(summarised(FIRST, T0, distance_m=12_000.0, private=True))
    assert (row(writes)["score"], row(writes)["workouts"], row(writes)["deleted"]) == (0.0, 0, 0)
    assert [one.data.target_id.partition("/")[0] for one in writes.messages] == ["goal"]


def test_a_goal_is_a_document_with_a_period_for_each_week_that_has_a_workout(worker: Worker) -> None:
    worker.take(WEEKLY)
    worker.take(run(FIRST, day=0, km=3))
    writes = worker.take(run(SECOND, day=1, km=3))
    (document,) = writes.mongo
    assert document.id == f"ada/{GOAL}"
    end_us = T0 + DAY_US + 1_800_000_000
    assert document.set == {
        "periods.2025-W41": {
            "score": 2.0,
            "achieved_at": end_us,
            "workouts": 2,
            "reached_at": end_us,
            "workout_id": SECOND,
        }
    }
    assert words(writes) == [("TargetReached", f"goal/{GOAL}:2025-W41", SECOND)]
    gone = worker.take(run(FIRST, day=0, km=3, status="deleted"), run(SECOND, day=1, km=3, status="deleted"))
    assert [(one.set, one.unset) for one in gone.mongo] == [({}, ["periods.2025-W41"])]


def test_a_batch_that_is_read_again_says_the_same_bytes(worker: Worker) -> None:
    worker.take(defined())
    worker.take(JOINED)
    batch = (run(FIRST, day=0, km=6), run(SECOND, day=1, km=5))
    assert worker.take(*batch, at=0) == worker.take(*batch, at=0)


def test_the_same_word_again_is_a_duplicate_and_writes_nothing(worker: Worker) -> None:
    for message in (defined(), JOINED, WEEKLY, run(FIRST, day=0, km=6)):
        worker.take(message)
        writes = worker.take(message)
        assert (writes.mongo, writes.messages, writes.dropped) == ([], [], {"duplicate": 1})
        assert writes.clickhouse[0].columns.num_rows == 0


def test_a_target_that_is_reached_earns_an_achievement_and_one_that_is_revoked_takes_it_back(
    worker: Worker, settings: Settings
) -> None:
    worker.take(defined())
    worker.take(JOINED)
    reached = worker.take(run(FIRST, day=0, km=12)).messages
    revoked = worker.take(run(FIRST, day=0, km=1)).messages
    other = Worker(settings, achievements)
    (earned,) = other.take(*reached).messages
    assert (earned.type, earned.data.achievement, earned.data.evidence) == ("AchievementEarned", "done", (TARGET,))
    assert (earned.zone, earned.time) == ("Europe/Oslo", T0 + 1_800_000_000)
    (gone,) = other.take(*revoked).messages
    assert (gone.type, gone.data.award_id) == ("AchievementRevoked", earned.data.award_id)
