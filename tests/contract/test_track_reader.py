"""The index of tracks on the real ClickHouse: who shares keys now or did before, and what is said of whom."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from domain.copies import Lookalike, Marked, Said
from domain.fingerprint import MARKS, Fingerprint
from schemas import hot
from stridelog import track_reader
from stridelog.batch import Batch, Record
from stridelog.projections.tracks import KnownMarks, note
from stridelog.projections.workouts import track_marked
from stridelog.state import State
from stridelog.track_reader import TrackReader

from .store_clickhouse import ClickHouse

pytestmark = [pytest.mark.anyio, pytest.mark.stack]

T0 = 1_795_000_000_000_000
HOUR_US = 3_600_000_000
RUN, COPY, OTHER = (f"0000000{i}-0000-4000-8000-000000000000" for i in range(3))
SOME, MORE = (tuple(range(first, first + MARKS)) for first in (2**40, 2**41))


def marked(user: str, workout_id: str, position: tuple[int, ...], accepted_us: int = T0) -> Marked:
    return Marked(user, workout_id, accepted_us, T0, T0 + HOUR_US, Fingerprint(position=position))


def said_lookalike(one: Marked, other: Marked) -> hot.LookalikeFound:
    found = Lookalike(
        other.user, other.workout_id, other.accepted_us, other.start_us, other.end_us, other.digest, 1.0, "position"
    )
    part = hot.Lookalike(**{name: getattr(found, name) for name in hot.Lookalike.__struct_fields__})
    data = hot.LookalikeFoundData(workout_id=one.workout_id, digest=one.digest, lookalike=part)
    return hot.LookalikeFound.of(user=one.user, time=one.end_us, zone="UTC", source="test", producer="test", data=data)


class Indexing:
    """The agent ``tracks`` on a store of its own."""

    def __init__(self, store: ClickHouse) -> None:
        self.store, self.sink, self.reader = store, store.sink("tracks"), TrackReader(store.settings)
        self.state = State(None, (KnownMarks,), 1_000)
        self.next = 0

    async def take(self, *messages: hot.TrackMarked | hot.LookalikeFound) -> None:
        await self.state.load({message.user for message in messages})
        span = self.store.span(self.next, self.next + len(messages))
        records = [Record(self.next + i, 0, message) for i, message in enumerate(messages)]
        self.next = span.next
        await self.sink.write(note(Batch(span, records), self.state).rows, span)


@pytest.fixture
async def index(tmp_path: Path, anyio_backend: str) -> AsyncIterator[Indexing]:
    store = ClickHouse(tmp_path)
    await store.create()
    one = Indexing(store)
    await one.sink.open()
    await one.sink.claim([store.source])
    await one.reader.open()
    yield one
    await one.reader.close()
    await one.sink.close()
    await store.drop()


async def test_who_shares_a_key_now_or_did_before_is_near(index: Indexing) -> None:
    run, copy, other = marked("ann", RUN, SOME), marked("bob", COPY, SOME), marked("eve", OTHER, MORE)
    await index.take(*(track_marked(one, "UTC") for one in (run, copy, other)))
    near = await index.reader.near([("ann", RUN)])
    assert near.get(("eve", OTHER)) is None
    own = near.get(("ann", RUN))
    assert own is not None
    assert own.marked == run
    assert [one.marked for one in near.beside(own)] == [copy]

    await index.take(track_marked(marked("ann", RUN, MORE), "UTC"))
    near = await index.reader.near([("ann", RUN)])
    own = near.get(("ann", RUN))
    assert own is not None
    assert sorted(one.marked.user for one in near.beside(own)) == ["bob", "eve"]  # the keys that it had are still its

    await index.take(track_marked(marked("bob", COPY, ()), "UTC"))
    near = await index.reader.near([("ann", RUN), ("bob", COPY)])
    own, gone = near.get(("ann", RUN)), near.get(("bob", COPY))
    assert own is not None
    assert gone is not None
    assert (gone.is_gone, [one.marked.user for one in near.beside(own)]) == (True, ["eve"])
    assert [one.marked.user for one in near.beside(gone)] == ["ann"]


@pytest.mark.parametrize("at_once", [1, 500])
async def test_what_is_said_is_current_while_both_have_the_marks_of_then(
    index: Indexing, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(track_reader, "ASKED_AT_ONCE", at_once)
    run, copy = marked("ann", RUN, SOME), marked("bob", COPY, SOME, T0 + 1)
    workouts = [("ann", RUN), ("bob", COPY), ("eve", OTHER)]
    await index.take(track_marked(run, "UTC"), track_marked(copy, "UTC"))
    assert await index.reader.said(workouts) == {}
    assert await index.reader.said([]) == {}
    await index.take(said_lookalike(copy, run), said_lookalike(run, copy))
    expected = {("bob", COPY): Said(run.order, True), ("ann", RUN): Said(copy.order, True)}
    assert await index.reader.said(workouts) == expected
    await index.take(track_marked(marked("bob", COPY, MORE, T0 + 1), "UTC"))
    changed = {key: Said(one.lookalike_order, False) for key, one in expected.items()}
    assert await index.reader.said(workouts) == changed
