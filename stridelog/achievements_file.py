"""achievements.yaml as rules: the one place where achievements are declared."""

from functools import lru_cache
from pathlib import Path
from typing import Final

from domain.achievement_rules import Rule, rules_from
from stridelog.settings import Settings
from stridelog.yaml_file import read_yaml

DEFAULT_PATH: Final = Path(__file__).resolve().parent.parent / "achievements.yaml"


@lru_cache(maxsize=32)
def load(path: Path = DEFAULT_PATH) -> tuple[Rule, ...]:
    """Read and check an achievements.yaml, the project's own by default; in the order of the file.

    Raises ``UserError`` that names the file, the achievement, the key and the way out.
    """
    return read_yaml(path, rules_from)


def rules_of(settings: Settings) -> tuple[Rule, ...]:
    """The rules of the file that the settings name. Raises ``UserError``."""
    return load(Path(settings.achievements_file) if settings.achievements_file else DEFAULT_PATH)


class RulesInForce:
    """The rules as they were when the worker started."""

    def __init__(self, settings: Settings) -> None:
        self.rules = rules_of(settings)

    async def open(self) -> None:
        """Nothing to connect to."""

    async def close(self) -> None:
        """Nothing to disconnect from."""
