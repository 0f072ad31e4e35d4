"""Records for everyone: their key, which copies partitions lack, and what an agent of one partition makes of them."""

from collections.abc import Sequence

import msgspec
import pytest

from schemas import hot
from schemas.decode import EVERYONE, BadRecord, DeadReason, decoder_for, encode, key_of
from sinks.base import Fact
from stridelog.broadcast import Copy, missing_copies
from stridelog.state import State, everyone
from stridelog.topics import load
from tests.messages import segment

TOPIC = load(prefix="").named("segments")
TOWER = segment("Up to the tower")


class Known(msgspec.Struct, frozen=True):
    name: str


class Asked:
    """A store that remembers of whom it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def load(self, users: Sequence[str]) -> dict[str, list[Fact]]:
        self.asked += users
        return {}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def test_a_record_for_everyone_has_the_key_of_no_user() -> None:
    assert key_of(TOWER) == EVERYONE
    assert decoder_for(TOPIC).decode(EVERYONE, encode(TOWER)) == TOWER


def test_one_that_was_sent_as_if_it_were_of_its_user_is_refused_with_what_to_do() -> None:
    with pytest.raises(BadRecord, match="send a copy with the key b'\\*' to every partition") as refused:
        decoder_for(TOPIC).decode(TOWER.user.encode(), encode(TOWER))
    assert refused.value.reason is DeadReason.key_mismatch


def test_a_line_that_is_no_segment_is_refused_with_the_reason_of_the_domain() -> None:
    short = segment("Too short", points=((59.9, 10.7), (59.9001, 10.7)))
    with pytest.raises(BadRecord, match=r"is 11 m long: make it longer") as refused:
        decoder_for(TOPIC).decode(EVERYONE, encode(short))
    assert refused.value.reason is DeadReason.out_of_range


def test_no_user_is_called_like_the_pseudo_user_of_a_partition() -> None:
    message = encode(
        hot.UserErased.of(
            user=everyone(3), time=TOWER.time, zone="UTC", source="t", producer="t", data=hot.UserErasedData()
        )
    )
    with pytest.raises(BadRecord, match="user"):
        decoder_for(load(prefix="").named("user-events")).decode(everyone(3).encode(), message)


def test_each_partition_is_sent_what_it_lacks_in_the_order_of_the_log() -> None:
    found = [(0, "a", b"A"), (0, "b", b"B"), (1, "b", b"B"), (2, "a", b"A"), (2, "b", b"B"), (2, "b", b"B")]
    assert missing_copies(found, 4) == [Copy(1, "a", b"A"), Copy(3, "a", b"A"), Copy(3, "b", b"B")]
    assert not missing_copies([(0, "a", b"A"), (1, "a", b"A")], 2)
    assert not missing_copies([], 2)


@pytest.mark.anyio
async def test_facts_for_everyone_are_loaded_with_any_user_and_never_leave() -> None:
    source = Asked()
    state = State(source, (Known,), 0, [everyone(3)])
    await state.load(["ann"])
    state.put(everyone(3), "1", Known("tower"), 0)
    await state.load(["bob"])
    await state.load(["ann"])
    assert source.asked == ["*3", "ann", "bob", "ann"]
    assert state.facts(everyone(3), Known)["1"].fact == Known("tower")


@pytest.mark.anyio
async def test_they_take_no_room_from_users() -> None:
    source = Asked()
    state = State(source, (Known,), 25, [everyone(3)])
    await state.load([])
    for number in range(100):
        state.put(everyone(3), str(number), Known("tower"), number)
    for user in ("ann", "bob", "ann", "bob"):
        await state.load([user])
    assert source.asked == ["*3", "ann", "bob"]
