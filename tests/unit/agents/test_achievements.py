"""What the agent writes and says of awards, worked by hand."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from agents.achievements import achievements
from schemas import hot
from sinks.base import Document, Span
from sinks.keys import Keys
from stridelog.achievements_file import RulesInForce
from stridelog.agent import Context
from stridelog.batch import Batch, Record, Writes
from stridelog.settings import Settings
from stridelog.state import State
from tests.messages import summarised

DAY_US = 86_400_000_000
T0 = 1_760_000_000_000_000  # 2025-10-09
FIRST, SECOND = (f"0000000{i}-0000-4000-8000-000000000000" for i in (1, 2))
RULES = """
achievements:
  farthest: {kind: personal_best, version: 1, title: Farthest, text: The farthest run., sport: running, most: distance}
  two: {kind: milestone, version: 1, title: Workouts, text: So many workouts., metric: workouts, levels: [2]}
"""


class Worker:
    """The agent with its state; batches follow each other."""

    def __init__(self, settings: Settings) -> None:
        self.state = State(None, achievements.facts, 10_000)
        self.context = Context(self.state, Keys("test"), {RulesInForce: RulesInForce(settings)})
        self.next = 0

    def take(self, *messages: hot.WorkoutSummarised, at: int | None = None) -> Writes:
        """A batch, which begins at offset ``at`` if it is read again."""
        first = self.next if at is None else at
        self.next = first + len(messages)
        batch = Batch(
            Span("workout-summaries", 0, first, self.next),
            [Record(first + i, 0, message) for i, message in enumerate(messages)],
        )

        async def process() -> Writes:
            await self.state.load({message.user for message in messages})
            return await achievements.process(batch, self.context)

        return asyncio.run(process())


@pytest.fixture
def worker(tmp_path: Any) -> Worker:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES)
    return Worker(Settings(achievements_file=str(path)))


def run(workout_id: str, *, day: int, km: float, status: Any = "counted") -> hot.WorkoutSummarised:
    return summarised(workout_id, T0 + day * DAY_US, distance_m=km * 1_000, status=status)


def said(writes: Writes) -> list[tuple[str, str, str, str]]:
    """Type, rule, level and UTC day of each message."""
    return [
        (
            type(message).__name__,
            message.data.achievement,
            message.data.level,
            datetime.fromtimestamp(message.data.at / 1e6, UTC).date().isoformat(),
        )
        for message in writes.messages
    ]


def awards(documents: Sequence[Document]) -> dict[str, tuple[int, int]]:
    """By document: how many awards are set, how many unset."""
    return {document.id: (len(document.set), len(document.unset)) for document in documents}


def test_a_farther_run_is_a_best_and_the_second_workout_a_milestone(worker: Worker) -> None:
    assert worker.take(run(FIRST, day=0, km=5.0)) == Writes()  # it sets the mark
    writes = worker.take(run(SECOND, day=1, km=6.0))
    best, milestone = writes.messages
    assert isinstance(best, hot.AchievementEarned)
    assert (best.user, best.zone, best.time) == ("ada", "Europe/Oslo", T0 + DAY_US + 1_800_000_000)
    assert (best.data.achievement, best.data.value, best.data.evidence) == ("farthest", 6_000.0, (SECOND, FIRST))
    assert (milestone.data.level, milestone.data.value, milestone.data.evidence) == ("2", 2.0, (SECOND,))
    documents = {document.id: document for document in writes.mongo}
    assert documents.keys() == {"ada/farthest", "ada/two"}
    assert documents["ada/farthest"].set == {
        f"awards.{best.data.award_id}": {
            "achievement": "farthest",
            "rule_version": 1,
            "level": "",
            "occasion": SECOND,
            "at": T0 + DAY_US + 1_800_000_000,
            "zone": "Europe/Oslo",
            "value": 6_000.0,
            "evidence": (SECOND, FIRST),
        }
    }


def test_an_award_whose_evidence_is_deleted_is_revoked_in_document_and_topic(worker: Worker) -> None:
    worker.take(run(FIRST, day=0, km=5.0), run(SECOND, day=1, km=6.0))
    writes = worker.take(run(SECOND, day=1, km=6.0, status="deleted"))
    assert said(writes) == [
        ("AchievementRevoked", "farthest", "", "2025-10-10"),
        ("AchievementRevoked", "two", "2", "2025-10-10"),
    ]
    assert awards(writes.mongo) == {"ada/farthest": (0, 1), "ada/two": (0, 1)}


def test_a_late_workout_moves_a_milestone_and_says_so_with_the_same_award_id(worker: Worker) -> None:
    worker.take(run(FIRST, day=0, km=5.0))
    (before,) = worker.take(run(SECOND, day=5, km=4.0)).messages
    third = "00000003-0000-4000-8000-000000000000"
    (after,) = worker.take(run(third, day=2, km=3.0)).messages
    assert isinstance(after, hot.AchievementEarned)
    assert (after.data.evidence, before.data.evidence) == ((third,), (SECOND,))
    assert after.data.at == before.data.at - 3 * DAY_US
    assert after.data.award_id == before.data.award_id
    assert after.id != before.id  # a moved award is news


def test_a_batch_that_is_read_again_says_the_same_bytes(worker: Worker) -> None:
    batch = (run(FIRST, day=0, km=5.0), run(SECOND, day=1, km=6.0))
    assert worker.take(*batch, at=0) == worker.take(*batch, at=0)


def test_the_same_word_again_is_a_duplicate_and_writes_nothing(worker: Worker) -> None:
    worker.take(run(FIRST, day=0, km=5.0), run(SECOND, day=1, km=6.0))
    writes = worker.take(run(SECOND, day=1, km=6.0))
    assert (writes.mongo, writes.messages, dict(writes.dropped)) == ([], [], {"duplicate": 1})


def test_what_is_earned_and_lost_within_a_batch_is_taken_back_for_whom_other_cuts_had_told(worker: Worker) -> None:
    worker.take(run(FIRST, day=0, km=5.0))
    writes = worker.take(run(SECOND, day=1, km=6.0), run(SECOND, day=1, km=6.0, status="deleted"))
    assert {kind for kind, *_ in said(writes)} == {"AchievementRevoked"}
    assert awards(writes.mongo) == {"ada/farthest": (0, 1), "ada/two": (0, 1)}
