"""Which partition writes what all partitions know: of the copies of a record for everyone one is acted upon."""

import zlib

from stridelog import topics
from stridelog.settings import Settings


class Homes:
    """Gives each group and challenge a partition of its own."""

    def __init__(self, settings: Settings) -> None:
        self._partitions = topics.load(prefix=settings.topic_prefix).topic_of_message("GroupCreated").partitions

    async def open(self) -> None:
        """Nothing to connect to."""

    async def close(self) -> None:
        """Nothing to disconnect from."""

    def of(self, id: str) -> int:
        """The partition whose agent writes what is known of ``id``."""
        return zlib.crc32(id.encode()) % self._partitions
