"""A workout as others see it where its athlete hides places: the figures of the shown part alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import msgspec

from domain.athlete import Athlete
from domain.privacy_zones import HiddenCircle, PrivacyZone, hidden_circle, hide, shown_part
from domain.summary import Stated, Summary, summarise
from domain.track import NO_SAMPLES, Track
from domain.zones import ZoneSetting


class ZoneChange(msgspec.Struct, frozen=True):
    """An athlete hid a place, moved or resized a zone, or (``zone`` is ``None``) no longer hides it."""

    event_id: str
    time_us: int
    zone_id: str
    zone: PrivacyZone | None


@dataclass(frozen=True, slots=True)
class ShownPart:
    """What others see of a workout: from when to when (UTC, microseconds), and its figures."""

    start_us: int
    end_us: int
    summary: Summary


def zones_in_force(changes: Iterable[ZoneChange]) -> list[PrivacyZone]:
    """What is hidden now, by the last word on each zone; of two words of the same time the one that hides holds."""
    last: dict[str, ZoneChange] = {}
    for change in sorted(changes, key=lambda c: (c.time_us, c.zone is not None, c.event_id)):
        last[change.zone_id] = change
    return [change.zone for _, change in sorted(last.items()) if change.zone is not None]


def circles_in_force(changes: Iterable[ZoneChange], key: bytes) -> list[HiddenCircle]:
    """The circles of the zones that are in force. Raises ``ValueError`` for a ``key`` below 32 bytes."""
    return [hidden_circle(zone, key) for zone in zones_in_force(changes)]


def part_for_others(
    workout_id: str,
    track: Track,
    circles: Sequence[HiddenCircle],
    *,
    sport: str,
    start_us: int,
    end_us: int,
    pauses: Sequence[tuple[int, int]],
    athlete: Athlete,
    stated: Stated,
    rpe: float | None,
    zone_setting: ZoneSetting | None = None,
    clock_was_reset: bool = False,
) -> ShownPart | None:
    """What others see of a workout from ``start_us`` to ``end_us`` (UTC, microseconds); ``None``: all of it.

    Where a circle hides something, the figures are those of what is left, from its first sample to its last, with the
    gaps as pauses and without what the device stated. A workout that never leaves has no figures. Of one without any
    position the climb goes, measured and stated: it is that of the home.
    """
    if not circles:
        return None
    inside = track.between(start_us, end_us)
    shown = hide(inside.latitude_deg, inside.longitude_deg, circles, workout_id)
    if len(inside) and bool(shown.all()):
        return None
    part, gaps = shown_part(inside, shown)
    if len(part) == len(inside):  # no positions: nothing that a map could be compared with
        stated, first_us, last_us = replace(stated, ascent_m=None, descent_m=None), start_us, end_us
    elif len(part):
        stated, first_us, last_us = Stated(), int(part.time_us[0]), int(part.time_us[-1])
    else:
        part, stated, first_us, last_us, rpe = NO_SAMPLES, Stated(), end_us, end_us, None
    summary = summarise(
        part,
        sport=sport,
        start_us=first_us,
        end_us=last_us,
        pauses=[*pauses, *gaps],
        athlete=athlete,
        stated=stated,
        rpe=rpe,
        zone_setting=zone_setting,
        clock_was_reset=clock_was_reset,
    )
    return ShownPart(first_us, last_us, summary)
