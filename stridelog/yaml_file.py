"""YAML in which a key stands once: of two entries of one name the first would vanish without a word."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import yaml

from stridelog.errors import UserError

T = TypeVar("T")


def read_yaml(path: Path, made_of: Callable[[object], T]) -> T:
    """What ``made_of`` makes of the content of a file; it raises ``ValueError`` for what is wrong with it.

    Raises ``UserError`` that names the file and what is wrong.
    """
    try:
        # A SafeLoader all the same: it only looks at keys as well.
        return made_of(yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader))  # noqa: S506
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path.name} is not YAML: {' '.join(str(error).split())}") from None
    except ValueError as error:
        raise UserError(f"{path.name}: {error}") from None


class _Loader(yaml.SafeLoader):
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
