"""boards.yaml as rules: the one place where boards are declared."""

from functools import lru_cache
from pathlib import Path
from typing import Final

from domain.board_rules import BoardRules, rules_from
from stridelog.yaml_file import read_yaml

DEFAULT_PATH: Final = Path(__file__).resolve().parent.parent / "boards.yaml"


@lru_cache(maxsize=32)
def load(path: Path = DEFAULT_PATH) -> BoardRules:
    """Read and check a boards.yaml, the project's own by default.

    Raises ``UserError`` that names the file, the board, the key and the way out.
    """
    return read_yaml(path, rules_from)


def unit_of(name: str) -> str:
    """The unit of a board's scores; none of a board that is no longer declared."""
    rule = load().by_name.get(name)
    return rule.unit if rule else ""
