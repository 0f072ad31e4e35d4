"""TCX: each activity, of a multisport session too, is a recording; its laps and tracks are parted by pauses.

A small reader of our own. Of the two published parsers, tcxreader 0.4.11 puts the tracks of a lap (so its pauses)
and all activities of a file into one list, python-tcxparser 2.4 gives lists of single values without their times in
common; both parse with parsers that expand entities.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final
from xml.etree.ElementTree import Element

from domain.sports import sport_of
from domain.summary import Stated
from domain.track import US_PER_S
from recordings.clock import clock_warnings, to_us, zone_of_offset
from recordings.model import Device, Pauses, Recording, RecordingError
from recordings.place import zone_of
from recordings.safe_xml import events, local_name, parse_time
from recordings.samples import one_leg_cadence, track_of
from recordings.source import Source
from recordings.spans import joined, total_s

_CHANNELS: Final = {
    "LatitudeDegrees": "latitude_deg",
    "LongitudeDegrees": "longitude_deg",
    "AltitudeMeters": "altitude_m",
    "DistanceMeters": "distance_m",
    "Cadence": "cadence_rpm",
    "RunCadence": "cadence_rpm",
    "Speed": "speed_m_s",
    "Watts": "power_w",
    "Temperature": "temperature_c",
}
# Writers begin a track anew in each lap; between two laps this much is only the sampling interval.
_ROUNDING_US: Final = 1 * US_PER_S


@dataclass(slots=True)
class _Lap:
    start_us: int | None = None
    totals: dict[str, float] = field(default_factory=dict)
    tracks: list[tuple[int, int]] = field(default_factory=list)  # first and last sample of each


@dataclass(slots=True)
class _Activity:
    sport: str
    laps: list[_Lap] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    columns: dict[str, list[float | None]] = field(
        default_factory=lambda: {name: [] for name in ("heart_rate_bpm", *_CHANNELS.values())}
    )
    device: Device = field(default_factory=Device)
    offset_s: float = 0.0
    naive: int = 0
    undated: int = 0


def read_tcx(source: Source) -> list[Recording]:
    """The recordings of a TCX file. Samples before broken XML are kept; without any it raises ``RecordingError``."""
    found: list[_Activity] = []
    damage: tuple[str, ...] = ()
    try:
        _read(source, found)
    except RecordingError as error:
        if not any(activity.times for activity in found):
            raise
        damage = (f"{error.reason}: what follows is lost",)
    recordings: list[Recording] = []
    for activity in found:
        recording = _recording(source, activity, len(recordings), damage)
        if recording is not None:
            recordings.append(recording)
    return recordings


def _read(source: Source, found: list[_Activity]) -> None:
    """Fill ``found`` as the elements come: what was read before a break stays."""
    track_row = 0
    for event, element in events(source):
        name = local_name(element.tag)
        if event == "start":
            if name == "Activity":
                found.append(_Activity(element.get("Sport") or ""))
            elif name == "Lap" and found:
                found[-1].laps.append(_Lap(_time(found[-1], element.get("StartTime"))))
            elif name == "Track" and found:
                track_row = len(found[-1].times)
            continue
        if not found:
            continue
        if name == "Trackpoint":
            _add_point(found[-1], element)
            element.clear()
        elif name == "Track" and found[-1].laps and len(found[-1].times) > track_row:
            times = found[-1].times[track_row:]
            found[-1].laps[-1].tracks.append((min(times), max(times)))
            element.clear()
        elif name == "Lap" and found[-1].laps:
            for child in element:
                if (value := _number(child.text)) is not None:
                    found[-1].laps[-1].totals[local_name(child.tag)] = value
            element.clear()
        elif name == "Creator":
            parts = {local_name(child.tag): (child.text or "").strip() or None for child in element}
            found[-1].device = Device(product=parts.get("Name"), serial=parts.get("UnitId"))


def _add_point(activity: _Activity, point: Element) -> None:
    values: dict[str, float] = {}
    time_us: int | None = None
    for element in point.iter():
        name = local_name(element.tag)
        if name == "Time":
            time_us = _time(activity, element.text)
        elif name == "HeartRateBpm":
            if (bpm := next((_number(child.text) for child in element), None)) is not None:
                values["heart_rate_bpm"] = bpm
        elif name in _CHANNELS and (value := _number(element.text)) is not None:
            values[_CHANNELS[name]] = value
    if time_us is None:
        activity.undated += 1
        return
    activity.times.append(time_us)
    for name, column in activity.columns.items():
        column.append(values.get(name))


def _time(activity: _Activity, text: str | None) -> int | None:
    try:
        time = parse_time(text or "")
    except ValueError:
        return None
    activity.naive += time.tzinfo is None
    offset = time.utcoffset()
    activity.offset_s = offset.total_seconds() if offset else 0.0
    return to_us(time)


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _recording(source: Source, activity: _Activity, leg: int, damage: tuple[str, ...]) -> Recording | None:
    track, losses = track_of(activity.times, activity.columns)
    if not len(track):
        if activity.undated or activity.times:
            raise RecordingError(source.path, "no sample has a date")
        return None
    sport = sport_of(activity.sport)
    starts = [lap.start_us for lap in activity.laps if lap.start_us is not None]
    start_us = min([int(track.time_us[0]), *starts])
    end_us = int(track.time_us[-1])
    notes = list(damage)
    if activity.undated:
        notes.append(f"{activity.undated} points without a time left out")
    if activity.naive:
        notes.append("times without a zone, taken as UTC")
    return Recording(
        content_id=source.content_id,
        leg=leg,
        path=source.path,
        format="tcx",
        sport=sport,
        sub_sport=None,
        device=activity.device,
        start_us=start_us,
        end_us=end_us,
        zone=zone_of(track, zone_of_offset(activity.offset_s), kind=activity.sport),
        track=replace(track, cadence_rpm=one_leg_cadence(track.cadence_rpm, sport)),
        pauses=joined(_pauses(activity), start_us, end_us),
        stated=Stated(
            distance_m=_total(activity, "DistanceMeters"),
            timer_time_s=_total(activity, "TotalTimeSeconds"),
            energy_kcal=_total(activity, "Calories"),
        ),
        warnings=(*notes, *losses, *clock_warnings(start_us)),
    )


def _total(activity: _Activity, name: str) -> float | None:
    """The sum over the laps; ``None`` if one of them does not say."""
    values = [lap.totals.get(name) for lap in activity.laps]
    known = [value for value in values if value is not None]
    return sum(known) if known and len(known) == len(values) else None


def _pauses(activity: _Activity) -> Iterator[tuple[int, int]]:
    """Gaps between the tracks of a lap, and between the end of a lap by its own total and the start of the next one."""
    for index, lap in enumerate(activity.laps):
        inside: Pauses = tuple((a[1], b[0]) for a, b in itertools.pairwise(lap.tracks) if b[0] > a[1])
        yield from inside
        following = activity.laps[index + 1].start_us if index + 1 < len(activity.laps) else None
        if lap.start_us is None or following is None or "TotalTimeSeconds" not in lap.totals:
            continue
        end_us = lap.start_us + round((lap.totals["TotalTimeSeconds"] + total_s(inside)) * US_PER_S)
        if lap.tracks:
            end_us = max(end_us, lap.tracks[-1][1])
        if following - end_us > _ROUNDING_US:
            yield end_us, following
