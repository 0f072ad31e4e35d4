"""Comparing documents as they are read, one by one: no store's documents are in memory all at once."""

from collections.abc import Hashable, Iterable
from typing import Any, TypeVar

from verification.tally import Tally, compare

K = TypeVar("K", bound=Hashable)


def compare_stream(tally: Tally, expected: dict[K, Any], found: Iterable[tuple[K, Any]]) -> None:
    """Compare what is found with what is expected, key by key; each found key comes once. Empties ``expected``."""
    for key, value in found:
        wanted = {key: expected.pop(key)} if key in expected else {}
        compare(tally, wanted, {key: value})
    compare(tally, expected, {})
    expected.clear()
