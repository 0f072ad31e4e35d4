"""achievements.yaml as rules: the one place where achievements are declared."""

from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import yaml

from domain.achievement_rules import Rule, rules_from
from stridelog.errors import UserError

DEFAULT_PATH: Final = Path(__file__).resolve().parent.parent / "achievements.yaml"


@lru_cache(maxsize=32)
def load(path: Path = DEFAULT_PATH) -> tuple[Rule, ...]:
    """Read and check an achievements.yaml, the project's own by default; in the order of the file.

    Raises ``UserError`` that names the file, the achievement, the key and the way out.
    """
    try:
        # A SafeLoader all the same: it only looks at keys as well.
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506
        return rules_from(content)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path.name} is not YAML: {' '.join(str(error).split())}") from None
    except ValueError as error:
        raise UserError(f"{path.name}: {error}") from None


class _Loader(yaml.SafeLoader):
    """YAML in which a key stands once: of two achievements of one name the first would vanish without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            name = str(key.value)
            if name in seen:
                line = key.start_mark.line + 1
                raise ValueError(f"line {line} has the key {name!r} a second time: give each its own name")
            seen.add(name)
        return super().construct_mapping(node, deep)


# Days stay as they are written, so that one that is none is refused with its key.
_Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
