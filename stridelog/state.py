"""An agent's state: facts about users, kept in PostgreSQL, cached in the worker.

A fact is a small struct, identified by user, kind (the struct's class name) and id, and remembers the offset of the
record that brought it. State is read per batch for the users of the batch, changed with ``put``, and written by the
engine with the batch's watermark. Nothing is added up in it, so that the same record twice leaves the same facts.
"""

from abc import ABC, abstractmethod
from collections import OrderedDict, defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any, ClassVar, Final, Generic, NamedTuple, Protocol, TypeVar

import msgspec

from schemas.decode import EVERYONE
from sinks.base import Fact, Span

F = TypeVar("F", bound=msgspec.Struct)


class Known(NamedTuple, Generic[F]):
    """A fact, the offset of the record that brought it, and whether it was read from the store."""

    fact: F
    offset: int
    loaded: bool = False  # by this process, which therefore cannot know whether all writes of its batch were done

    def settled(self, span: Span) -> bool:
        """Whether the fact came with an earlier batch than this one, whose writes are therefore all done."""
        return self.offset < span.first


class FactSource(Protocol):
    """Where facts are loaded from."""

    async def load(self, users: Sequence[str]) -> dict[str, list[Fact]]:
        """All facts of the users; users without facts may be absent."""


def everyone(partition: int) -> str:
    """The pseudo-user whose facts those of records for everyone are, in one partition: ``*3``.

    No user has such a name, and an agent that reads records for everyone always has its facts at hand.
    """
    return f"{EVERYONE.decode()}{partition}"


class Index(ABC):
    """What is worked out from a user's facts of some kinds and kept up with them, so that a batch need not look at all.

    It must not matter in which order facts are put, nor whether one is put twice.
    """

    kinds: ClassVar[tuple[type[msgspec.Struct], ...]]

    @abstractmethod
    def put(self, id: str, fact: Any) -> None:
        """A fact was set, in place of the one of its kind and id before."""


# What a user without facts takes in memory, in facts: dicts by kind, and indexes, which have sums even of one fact.
USER_WEIGHS: Final = 10

I = TypeVar("I", bound=Index)  # noqa: E741 - as F is a fact
UserFacts = dict[str, dict[str, Known[msgspec.Struct]]]  # kind → id → fact


class State:
    """Facts of the users of one partition, for one agent.

    The facts of ``always`` are loaded with those of any users, never leave the cache, and do not count as cached: they
    would only take the room of users.
    """

    def __init__(
        self,
        source: FactSource | None,
        kinds: Iterable[type[msgspec.Struct]],
        cached_facts: int,
        always: Iterable[str] = (),
    ) -> None:
        self._always = frozenset(always)
        self._source = source
        self._decoders = {kind.__name__: msgspec.msgpack.Decoder(kind) for kind in kinds}
        self._encoder = msgspec.msgpack.Encoder()
        self._users: OrderedDict[str, UserFacts] = OrderedDict()
        self._indexes: defaultdict[str, dict[type[Index], Index]] = defaultdict(dict)
        self._cached_facts = cached_facts
        self._held = 0  # facts in the cache, and the weight of their users
        self._pending: dict[tuple[str, str, str], Fact] = {}

    async def load(self, users: Iterable[str]) -> None:
        """Make the users' facts available; asks the store once for those that are not cached."""
        wanted = self._always.union(users)
        for user in wanted & self._users.keys():
            self._users.move_to_end(user)
        missing = sorted(wanted - self._users.keys())
        loaded = await self._source.load(missing) if missing and self._source is not None else {}
        for user in missing:
            facts: UserFacts = {}
            for row in loaded.get(user, ()):
                decoder = self._decoders.get(row.kind)
                if decoder is not None:
                    facts.setdefault(row.kind, {})[row.id] = Known(decoder.decode(row.payload), row.offset, True)
            self._users[user] = facts
            self._held += _weight(facts) if user not in self._always else 0
        if self._held > self._cached_facts:
            self._forget(wanted | {user for user, _, _ in self._pending})

    def _forget(self, needed: Collection[str]) -> None:
        """Let go of whom nobody asked for the longest; not of whom a batch needs, nor of facts not yet stored."""
        for user in list(self._users):
            if self._held <= self._cached_facts:
                return
            if user not in needed:
                self._held -= _weight(self._users.pop(user))
                self._indexes.pop(user, None)

    def facts(self, user: str, kind: type[F]) -> dict[str, Known[F]]:
        """The user's facts of one kind by id; the user must have been loaded. Change them with ``put`` only."""
        found = self._users[user].get(kind.__name__, {})
        return found  # type: ignore[return-value] # by construction: a kind's decoder makes that kind

    def get(self, user: str, kind: type[F], id: str) -> Known[F] | None:
        """One fact, or ``None``."""
        return self.facts(user, kind).get(id)

    def index(self, user: str, kind: type[I]) -> I:
        """An index over the user's facts; the user must have been loaded."""
        found = self._indexes[user].get(kind)
        if found is None:
            found = self._indexes[user][kind] = kind()
            for fact_kind in kind.kinds:
                for id, known in self.facts(user, fact_kind).items():
                    found.put(id, known.fact)
        return found  # type: ignore[return-value] # by construction

    def without(self, users: Iterable[str], kind: type[msgspec.Struct], id: str) -> set[str]:
        """Those of the (loaded) users who do not have a fact."""
        name, held = kind.__name__, self._users
        return {user for user in users if id not in held[user].get(name, ())}

    def put(self, user: str, id: str, fact: msgspec.Struct, offset: int) -> None:
        """Set a fact; it is in the store when the batch is done."""
        kind = type(fact).__name__
        if kind not in self._decoders:
            raise TypeError(f"{kind} is not among the facts that the agent declares: {', '.join(self._decoders)}")
        of_kind = self._users[user].setdefault(kind, {})
        self._held += id not in of_kind and user not in self._always
        of_kind[id] = Known(fact, offset)
        for index in self._indexes.get(user, {}).values():
            if type(fact) in index.kinds:
                index.put(id, fact)
        self._pending[user, kind, id] = Fact(user, kind, id, self._encoder.encode(fact), offset)

    def take_pending(self) -> list[Fact]:
        """The facts that were put since the last call."""
        pending = list(self._pending.values())
        self._pending.clear()
        return pending


def _weight(facts: UserFacts) -> int:
    return USER_WEIGHS + sum(map(len, facts.values()))
