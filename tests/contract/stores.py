"""What each store adds to the contract suite: how to make a sink, rows, read them back, and leave nothing behind."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

from sinks.base import Sink, Span, TopicPartition
from stridelog.settings import Settings

CLOSED_PORT = 1  # nobody listens on tcpmux


class Store(ABC):
    """One store as the suite sees it. Rows are named by a number and carry one: ``{0: 7}`` is row 0 with value 7."""

    name: ClassVar[str]
    ports: ClassVar[Sequence[str]] = ()  # settings by which its server is found
    behind_proxy: ClassVar[bool] = True
    patience: ClassVar[str] = ""  # the constant that says how long its sink waits for an answer
    appends: ClassVar[bool] = False  # rows of one key do not replace each other

    def __init__(self, folder: Path) -> None:
        self.settings = self.configure(folder)
        self.source = TopicPartition(f"{self.settings.namespace}-in", 0)
        self.other = TopicPartition(self.source.topic, 1)

    def configure(self, folder: Path) -> Settings:
        """Settings with a namespace of its own."""
        return Settings(namespace=f"t{uuid4().hex[:16]}", local=folder)

    async def create(self) -> None:  # noqa: B027 - most stores need nothing
        """Prepare what a sink does not create itself."""

    @abstractmethod
    def sink(self, agent: str = "tester", settings: Settings | None = None) -> Sink[Any]:
        """A new sink, not open yet, as a starting worker makes it."""

    def span(self, first: int, end: int, source: TopicPartition | None = None) -> Span:
        """Offsets ``first`` up to, without, ``end`` of a source partition."""
        return Span(*(source or self.source), first, end)

    @abstractmethod
    def row(self, key: int, value: int, *, offset: int | None = None) -> Any:
        """An absolute row, caused by the record at ``offset`` (default: ``key``)."""

    @abstractmethod
    def poison(self, key: int) -> Any:
        """A row that the store will never take."""

    @abstractmethod
    async def read(self) -> dict[int, int]:
        """What the store holds."""

    @abstractmethod
    async def lose_watermarks(self) -> None:
        """Forget the watermarks and keep the rows: a crash between the two, or a restored backup."""

    @abstractmethod
    async def drop(self) -> None:
        """Leave nothing behind."""

    def unreachable(self) -> Settings:
        """The same settings with a server that is not there."""
        return self.settings.model_copy(update=dict.fromkeys(self.ports, CLOSED_PORT))
