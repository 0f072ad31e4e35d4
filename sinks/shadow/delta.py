"""Delta: tables below another root, whose rows replace those of the live ones in one commit a table.

The commit says too up to where the table now has rows of each partition, so that a worker that was about to append to
the old rows finds a conflict, and then what is there.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pyarrow import fs

from sinks.base import Rows, TopicPartition
from sinks.delta import DeltaSink, in_thread
from sinks.lake import Lake
from sinks.shadow.base import Shadow, shadow_settings
from stridelog.settings import Settings

DEPTH: Final = 5  # of folders: root, table, log or partition, and one to spare


class DeltaShadow(Shadow[Rows]):
    """Tables of the same names below another root."""

    def __init__(self, agent: str, settings: Settings, parts: tuple[str, ...]) -> None:
        self._agent = agent
        self._tables = parts
        self._live = Lake.of(settings)
        self._built = Lake.of(shadow_settings(agent, settings))
        self.sink = DeltaSink(agent, shadow_settings(agent, settings))

    async def open(self) -> None:
        """Nothing to connect."""

    async def close(self) -> None:
        """Nothing stays open."""

    async def clear(self) -> None:
        await in_thread(_remove, self._built)

    async def swap(self, marks: Mapping[TopicPartition, int]) -> None:
        for table in self._tables:
            await in_thread(self._live.replace, self._agent, table, self._built, marks)


def _remove(lake: Lake) -> None:
    if not lake.root.startswith("s3://"):
        shutil.rmtree(Path(lake.root), ignore_errors=True)
        return
    options = lake.storage_options
    store = fs.S3FileSystem(
        endpoint_override=options["AWS_ENDPOINT_URL"],
        access_key=options["AWS_ACCESS_KEY_ID"],
        secret_key=options["AWS_SECRET_ACCESS_KEY"],
        region=options["AWS_REGION"],
    )
    for attempt in range(DEPTH):
        try:
            store.delete_dir_contents(lake.root.removeprefix("s3://"), missing_dir_ok=True)
            return
        except OSError:  # of a server that keeps objects as files: a folder that was not empty when its turn came
            if attempt == DEPTH - 1:
                raise
