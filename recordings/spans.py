"""Pauses as spans of time."""

from collections.abc import Iterable

from recordings.model import Pauses


def joined(spans: Iterable[tuple[int, int]], start_us: int, end_us: int) -> Pauses:
    """The spans cut to ``[start_us, end_us]``, sorted, and those that touch or overlap made one."""
    result: list[tuple[int, int]] = []
    for begin, end in sorted((max(a, start_us), min(b, end_us)) for a, b in spans):
        if begin >= end:
            continue
        if result and begin <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((begin, end))
    return tuple(result)


def total_s(spans: Iterable[tuple[int, int]]) -> float:
    """Seconds that the spans cover together."""
    return sum(end - begin for begin, end in spans) / 1e6
