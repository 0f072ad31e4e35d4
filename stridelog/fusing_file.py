"""fusing.yaml as priorities: the one place that says which recording a channel is taken from."""

from functools import lru_cache
from pathlib import Path
from typing import Final

from domain.fusing import Priorities, priorities_from
from stridelog.settings import Settings
from stridelog.yaml_file import read_yaml

DEFAULT_PATH: Final = Path(__file__).resolve().parent.parent / "fusing.yaml"


@lru_cache(maxsize=32)
def load(path: Path = DEFAULT_PATH) -> Priorities:
    """Read and check a fusing.yaml, the project's own by default. Raises ``UserError`` that names what is wrong."""
    return read_yaml(path, priorities_from)


def priorities_of(settings: Settings) -> Priorities:
    """The priorities of the file that the settings name. Raises ``UserError``."""
    return load(Path(settings.fusing_file) if settings.fusing_file else DEFAULT_PATH)


class PrioritiesInForce:
    """The priorities as they were when the worker started."""

    def __init__(self, settings: Settings) -> None:
        self.priorities = priorities_of(settings)

    async def open(self) -> None:
        """Nothing to connect to."""

    async def close(self) -> None:
        """Nothing to disconnect from."""
