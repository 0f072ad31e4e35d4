"""Counting what is missing, superfluous or different, and comparing single values."""

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Final, Literal, NamedTuple, TypeVar

import msgspec

Kind = Literal["missing", "extra", "different"]
KINDS: Final[tuple[Kind, ...]] = ("missing", "extra", "different")
TOLERANCE: Final = 1e-6
"""Relative: sums may be made in another order, everything else is equal bit by bit or differs by far more."""


class Difference(NamedTuple):
    """One row that is not as it must be."""

    kind: Kind
    key: str
    expected: str
    found: str


@dataclass
class Tally:
    """How many rows a store must have, has, lacks, has too many, and has with other values; the first of each kind."""

    show: int = 0  # differences to keep of each kind
    expected: int = 0
    found: int = 0
    missing: int = 0
    extra: int = 0
    different: int = 0
    examples: list[Difference] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether the store holds exactly what it must."""
        return not (self.missing or self.extra or self.different)

    def counts(self) -> dict[str, int]:
        """The five figures by name."""
        return {name: getattr(self, name) for name in ("expected", "found", *KINDS)}

    def note(self, kind: Kind, key: object, expected: object = "", found: object = "") -> None:
        """Count one difference, and keep it while few of its kind are kept."""
        if self.wants(kind):
            self.examples.append(Difference(kind, str(key), str(expected), str(found)))
        setattr(self, kind, getattr(self, kind) + 1)

    def wants(self, kind: Kind) -> int:
        """How many more differences of a kind are to be kept."""
        return max(0, self.show - sum(one.kind == kind for one in self.examples))


K = TypeVar("K", bound=Hashable)


def compare(tally: Tally, expected: Mapping[K, Any], found: Mapping[K, Any]) -> None:
    """Compare two mappings key by key."""
    tally.expected += len(expected)
    tally.found += len(found)
    for key, value in expected.items():
        if key not in found:
            tally.note("missing", key, value)
        elif not same(value, found[key]):
            tally.note("different", key, *_apart(value, found[key]))
    for key in found.keys() - expected.keys():
        tally.note("extra", key, "", found[key])


def same(a: Any, b: Any) -> bool:
    """Whether two values say the same: numbers within ``TOLERANCE`` (NaN and ``None`` are both "unknown"), structs,
    mappings and sequences part by part.
    """
    if a is b:
        return True
    if isinstance(a, bool) or isinstance(b, bool):
        return bool(a == b)
    if isinstance(a, float) or isinstance(b, float):
        return _same_number(a, b)
    left, right = _parts(a), _parts(b)
    if left is not None and right is not None:
        return left.keys() == right.keys() and all(same(left[name], right[name]) for name in left)
    return bool(a == b)


def _same_number(a: Any, b: Any) -> bool:
    unknown = tuple(v is None or (isinstance(v, float) and math.isnan(v)) for v in (a, b))
    if any(unknown):
        return all(unknown)
    if not (isinstance(a, int | float) and isinstance(b, int | float)):
        return False
    return math.isclose(a, b, rel_tol=TOLERANCE, abs_tol=1e-9)


def _parts(value: Any) -> dict[Any, Any] | None:
    """The parts of a composite value by name or position; ``None`` for a plain one."""
    if isinstance(value, msgspec.Struct):
        return {name: getattr(value, name) for name in value.__struct_fields__}
    if is_dataclass(value):
        return {each.name: getattr(value, each.name) for each in fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, list | tuple):
        return dict(enumerate(value))
    return None


def _apart(expected: Any, found: Any) -> tuple[object, object]:
    """Only the parts that differ, where both have the same shape."""
    left, right = _parts(expected), _parts(found)
    if left is None or right is None:
        return expected, found
    everywhere = left.keys() & right.keys()
    names = [name for name in left | right if name not in everywhere or not same(left[name], right[name])]
    if len(names) == 1 and names[0] in everywhere:
        inner = _apart(left[names[0]], right[names[0]])
        return f"{names[0]}: {inner[0]}", f"{names[0]}: {inner[1]}"
    absent = "absent"
    return {n: left.get(n, absent) for n in names}, {n: right.get(n, absent) for n in names}
