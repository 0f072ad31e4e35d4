"""An agent's state: indexes keep up with facts, and go with them; how many users it keeps."""

from collections.abc import Sequence

import msgspec
import pytest

from sinks.base import Fact
from stridelog.state import USER_WEIGHS, Index, State

pytestmark = pytest.mark.anyio


class Ride(msgspec.Struct, frozen=True):
    km: int


class Name(msgspec.Struct, frozen=True):
    name: str


class Longest(Index):
    kinds = (Ride,)

    def __init__(self) -> None:
        self.km = 0

    def put(self, id: str, fact: Ride) -> None:
        self.km = max(fact.km, self.km)


class Asked:
    """A store without facts, that remembers of whom it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def load(self, users: Sequence[str]) -> dict[str, list[Fact]]:
        self.asked += users
        return {}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_an_index_keeps_up_with_the_facts_of_its_kinds() -> None:
    state = State(None, (Ride, Name), 10)
    await state.load(["ann", "bob"])
    state.put("ann", "1", Ride(30), 0)
    index = state.index("ann", Longest)
    assert index.km == 30
    state.put("ann", "2", Ride(50), 1)
    state.put("ann", "name", Name("Ann"), 2)
    state.put("bob", "1", Ride(90), 3)
    assert state.index("ann", Longest) is index
    assert index.km == 50
    assert state.index("bob", Longest).km == 90


async def test_an_index_goes_with_its_user_and_is_made_of_what_is_loaded_then() -> None:
    state = State(None, (Ride,), 1)
    await state.load(["ann"])
    state.put("ann", "1", Ride(30), 0)
    assert state.index("ann", Longest).km == 30
    await state.load(["bob"])
    state.put("bob", "1", Ride(10), 1)
    state.put("bob", "2", Ride(20), 2)
    state.take_pending()
    await state.load(["cyd"])  # too many facts are held: the users that were used least recently go
    await state.load(["ann"])
    assert state.index("ann", Longest).km == 0


async def test_who_has_facts_that_are_not_stored_yet_is_kept_however_many_are_loaded() -> None:
    source = Asked()
    state = State(source, (Ride,), 1)
    await state.load(["ann"])
    state.put("ann", "1", Ride(30), 0)
    await state.load(["bob"])
    await state.load(["ann"])
    assert state.facts("ann", Ride)["1"].fact == Ride(30)
    state.take_pending()
    await state.load(["bob"])
    await state.load(["ann"])
    assert source.asked == ["ann", "bob", "bob", "ann"]


async def test_users_with_few_facts_are_not_kept_for_ever_either() -> None:
    source = Asked()
    state = State(source, (Ride,), 3 * USER_WEIGHS)
    for user in ("ann", "bob", "cyd", "dan", "ann", "dan"):
        await state.load([user])
    assert source.asked == ["ann", "bob", "cyd", "dan", "ann"]
