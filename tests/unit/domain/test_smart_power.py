"""Best powers of smart recording: those of real recordings, thinned.

``python -m pytest -s tests/unit/domain/test_smart_power.py -k recordings`` prints the table of docs/quality.md.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from numpy.typing import NDArray

from domain.cleaning import cleaned
from domain.efforts import DURATIONS, highest_mean
from domain.power import power_on_elapsed_seconds
from domain.timeline import Timeline, timeline_of
from domain.track import track_from_columns
from recordings import Recording, RecordingError

Floats = NDArray[np.float64]
S: Final = 1_000_000
THINNINGS: Final = 5  # of each recording
LEAST_W: Final = 50.0
GROUPS: Final = ("1 s, the highest", "5 s to 29 s", "30 s to 1 min", "longer")
PAGE: Final = Path(__file__).parents[3] / "docs" / "quality.md"


def in_lines(power_w: Floats, timeline: Timeline) -> Floats:
    """The rule that was tried and not taken: a straight line over steps of at most 10 s, but from 0 and to 0."""
    offset_s = timeline.offset_s - timeline.offset_s[0]
    second = np.arange(int(offset_s[-1]) + 1)
    row = np.searchsorted(offset_s, second, side="right") - 1
    step_s, change_w = np.diff(offset_s, append=np.inf), np.append(np.diff(power_w), np.nan)
    next_w = power_w + change_w
    straight = ((step_s <= 10) & (timeline.held_s >= step_s) & (power_w > 0) & (next_w > 0))[row]
    watts = power_on_elapsed_seconds(power_w, timeline)
    watts[straight] += (change_w[row] * (second - offset_s[row]) / step_s[row])[straight]
    return watts


def at_news(power_w: Floats) -> NDArray[np.intp]:
    """Rows that differ by 40 W from the one kept last, and one at least every 8 s."""
    kept = [0]
    for row in range(1, len(power_w)):
        if row - kept[-1] >= 8 or abs(power_w[row] - power_w[kept[-1]]) >= 40:
            kept.append(row)
    return np.array(kept)


def at_random(power_w: Floats, rng: np.random.Generator) -> NDArray[np.intp]:
    at = np.cumsum(rng.integers(1, 10, len(power_w)))
    return np.concatenate(([0], at[at < len(power_w)]))


def with_a_meter(readings: Iterable[list[Recording] | RecordingError]) -> Iterator[Recording]:
    """Real recordings with power in every second, once where a file is a copy."""
    seen: set[bytes] = set()
    for legs in readings:
        for leg in [] if isinstance(legs, RecordingError) else legs:
            watts = power_of(leg)
            whole = len(watts) >= 600 and np.isfinite(watts).mean() > 0.95 and np.nanmean(watts) >= LEAST_W
            if whole and np.median(np.diff(leg.track.time_us)) == S and watts.tobytes() not in seen:
                seen.add(watts.tobytes())
                yield leg


def power_of(leg: Recording) -> Floats:
    return cleaned(leg.track, timeline_of(leg.track, leg.start_us, leg.end_us, leg.pauses), leg.sport).track.power_w


def group_of(duration_s: int) -> str:
    return GROUPS[(duration_s >= 5) + (duration_s >= 30) + (duration_s > 60)]


@pytest.mark.slow
def test_of_recordings_best_powers_of_few_rows_are_those_of_all_rows_within_the_stated_bounds(
    real_readings: dict[str, list[Recording] | RecordingError],
) -> None:
    durations = [seconds for _, seconds in DURATIONS]
    off: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    recordings = 0
    for leg in with_a_meter(real_readings.values()):
        recordings += 1
        watts = power_of(leg)
        whole = timeline_of(leg.track, leg.start_us, leg.end_us, leg.pauses)
        expected = highest_mean(power_on_elapsed_seconds(watts, whole), durations)
        rng = np.random.default_rng(len(watts))
        ways = [("news", at_news(np.nan_to_num(watts))), *(("random", at_random(watts, rng)) for _ in range(THINNINGS))]
        for way, rows in ways:
            thin = track_from_columns(leg.track.time_us[rows], power_w=leg.track.power_w[rows])
            timeline = timeline_of(thin, leg.start_us, leg.end_us, leg.pauses)
            thin = cleaned(thin, timeline, leg.sport).track
            for rule, seconds in (
                ("held", power_on_elapsed_seconds(thin.power_w, timeline)),
                ("lines", in_lines(thin.power_w, timeline)),
            ):
                for duration, best, other in zip(durations, expected, highest_mean(seconds, durations), strict=True):
                    if best is not None and other is not None:
                        off[rule, group_of(duration), way].append(abs(other[0] / best[0] - 1))
    print(f"\n{recordings} recordings")
    told = re.findall(r"^\| ([^|]+) \| at (news|random) \| ([\d.]+) % \|", PAGE.read_text(encoding="utf-8"), re.M)
    bounds = {(group, way): float(bound) for group, way, bound in told}
    for (rule, group, way), shares in sorted(off.items()):
        print(f"{rule}, {group}, at {way}: median {100 * np.median(shares):.2f} %, worst {100 * max(shares):.2f} %")
        if rule == "held":
            assert 100 * max(shares) <= bounds[group, way], (group, way)
    for group in GROUPS:
        assert np.median(off["held", group, "news"]) <= np.median(off["lines", group, "news"]), group
