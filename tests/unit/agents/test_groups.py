"""What the agent writes of groups, and what events cost it."""

import asyncio
import tracemalloc
from collections.abc import Iterator
from typing import Any, Final

import pytest

from agents.groups import groups
from domain.groups import GroupEvent
from schemas import hot
from sinks.base import Span
from sinks.keys import Keys
from stridelog.agent import Context
from stridelog.batch import Batch, Record, Writes
from stridelog.homes import Homes
from stridelog.projections.groups import KnownGroups
from stridelog.settings import Settings
from stridelog.state import State, everyone

T0: Final = 1_760_000_000_000_000
CLUB: Final = "10000000-0000-4000-8000-00000000000a"


class Worker:
    """The agent of one partition with its state; batches follow each other."""

    def __init__(self, partition: int) -> None:
        self.partition = partition
        self.state = State(None, groups.facts, 10_000, [everyone(partition)])
        self.context = Context(self.state, Keys("test"), {Homes: Homes(Settings())})
        self.next = 0

    def take(self, *messages: Any, at: int | None = None) -> Writes:
        """A batch, which begins at offset ``at`` if it is read again."""
        first = self.next if at is None else at
        self.next = first + len(messages)
        records = [Record(first + i, 0, message) for i, message in enumerate(messages)]

        async def process() -> Writes:
            await self.state.load([])
            return await groups.process(Batch(Span("groups", self.partition, first, self.next), records), self.context)

        return asyncio.run(process())


def said(kind: Any, user: str, hours: int, **data: Any) -> Any:
    fields = getattr(hot, f"{kind.__name__}Data")(group_id=CLUB, **data)
    return kind.of(user=user, time=T0 + hours * 3_600_000_000, zone="UTC", source="test", producer="test", data=fields)


CREATED: Final = said(hot.GroupCreated, "ada", 0, name="Club", sport="running")
JOINED: Final = said(hot.GroupJoined, "bob", 1)


@pytest.fixture
def worker() -> Worker:
    return Worker(Homes(Settings()).of(CLUB))


def documents(writes: Writes) -> dict[str, Any]:
    return {f"{one.collection}/{one.id}": (one.set, one.unset) for one in writes.mongo}


def test_a_founded_group_is_a_document_and_so_are_its_members(worker: Worker) -> None:
    found = documents(worker.take(CREATED, JOINED))
    assert found == {
        f"groups/{CLUB}": (
            {
                "name": "Club",
                "sport": "running",
                "founder": "ada",
                "created_at": T0,
                "closed_at": None,
                "size": 2,
                "members": [{"user": "ada", "role": "owner"}, {"user": "bob", "role": "member"}],
                "refused": {},
            },
            (),
        ),
        "memberships/ada": ({f"groups.{CLUB}": "owner"}, []),
        "memberships/bob": ({f"groups.{CLUB}": "member"}, []),
    }


def test_who_joins_writes_their_own_membership_and_no_other(worker: Worker) -> None:
    worker.take(CREATED)
    assert documents(worker.take(JOINED)).keys() == {f"groups/{CLUB}", "memberships/bob"}


def test_a_founding_that_comes_last_makes_members_of_those_who_joined(worker: Worker) -> None:
    assert documents(worker.take(JOINED)) == {"memberships/bob": ({}, [f"groups.{CLUB}"])}
    found = documents(worker.take(CREATED))
    assert found["memberships/bob"] == ({f"groups.{CLUB}": "member"}, [])


def test_closing_takes_the_group_from_all_its_members(worker: Worker) -> None:
    worker.take(CREATED, JOINED)
    found = documents(worker.take(said(hot.GroupClosed, "ada", 9)))
    assert found[f"groups/{CLUB}"][0]["size"] == 0
    assert found["memberships/ada"] == found["memberships/bob"] == ({}, [f"groups.{CLUB}"])


def test_other_partitions_write_nothing_of_it(worker: Worker) -> None:
    elsewhere = Worker((worker.partition + 1) % 8)
    writes = elsewhere.take(CREATED, JOINED)
    assert (writes.mongo, writes.dropped) == ([], {"at_home_elsewhere": 2})


def test_the_same_event_again_is_a_duplicate_and_writes_nothing(worker: Worker) -> None:
    worker.take(CREATED, JOINED)
    writes = worker.take(JOINED)
    assert (writes.mongo, writes.dropped) == ([], {"duplicate": 1})


def test_a_batch_that_is_read_again_writes_the_same(worker: Worker) -> None:
    worker.take(CREATED)
    assert worker.take(JOINED, at=1) == worker.take(JOINED, at=1)


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.usefixtures("traced")
def test_an_event_of_a_group_takes_less_than_a_kilobyte_of_a_partition() -> None:
    state, count = State(None, (GroupEvent,), 1, [everyone(0)]), 5_000
    asyncio.run(state.load([]))
    state.index(everyone(0), KnownGroups)
    before, _ = tracemalloc.get_traced_memory()
    for number in range(count):
        group_id, event_id, user = f"group-{number // 20}", f"{number:036}", f"user-{number}"
        event = GroupEvent(group_id, event_id, "joined", T0 + number, user, user)
        state.put(everyone(0), event_id, event, number)
    state.take_pending()
    after, _ = tracemalloc.get_traced_memory()
    assert (after - before) / count < 1_000
