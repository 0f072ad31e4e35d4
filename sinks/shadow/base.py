"""What a shadow must hold.

Most shadows are what the store's own sink makes under another namespace, ``<namespace>__rebuild_<agent>``: sinks keep
all that they have under their namespace, so none of them knows that it is not the live one.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Generic, TypeVar

from sinks.base import Sink, TopicPartition
from stridelog.settings import Settings

Row = TypeVar("Row")


def shadow_settings(agent: str, settings: Settings) -> Settings:
    """The settings of what is built beside the live one: another namespace, the same servers."""
    return settings.model_copy(update={"namespace": f"{settings.namespace}__rebuild_{agent}"})


class Shadow(ABC, Generic[Row]):
    """The shadow of one sink of one agent. All methods raise ``SinkUnavailable`` for what a retry may mend."""

    sink: Sink[Row]
    """Writes to the shadow, with watermarks of its own."""

    @abstractmethod
    async def open(self) -> None:
        """Connect; ``sink`` is opened by itself."""

    @abstractmethod
    async def close(self) -> None:
        """Disconnect."""

    @abstractmethod
    async def clear(self) -> None:
        """Remove the shadow, also one that somebody else has left."""

    @abstractmethod
    async def swap(self, marks: Mapping[TopicPartition, int]) -> None:
        """Make the live place hold what the shadow holds, which is everything below ``marks``, and nothing else.

        Whoever reads a table, a collection or the keys sees what was there or what is there now. Both are complete as
        far as the live watermarks say, so that a swap that is cut short between two tables is no harm.
        """
