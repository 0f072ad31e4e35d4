"""Writing a track as a small GPX, TCX or FIT file: for demonstrations and for tests of the readers.

What a format cannot say is lost: FIT times are whole seconds, GPX has no samples without a position, TCX knows three
sports.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from xml.etree.ElementTree import Element, ElementTree, SubElement

import numpy as np
from garmin_fit_sdk import Encoder, Profile

from domain.sports import family_of
from domain.track import CHANNELS, US_PER_S, Track
from recordings.fit import FIT_EPOCH_S
from recordings.model import Pauses
from stridelog.errors import UserError

_GPX: Final = "http://www.topografix.com/GPX/1/1"
_TPX: Final = "http://www.garmin.com/xmlschemas/TrackPointExtension/v1"
_TCX: Final = "http://www.garmin.com/xmlschemas/TrainingCenterDatabase/v2"
_AX: Final = "http://www.garmin.com/xmlschemas/ActivityExtension/v2"
_CREATOR: Final = "Stridelog"
# Our sport → FIT's sport and sub-sport, where FIT's name is another than ours.
_FIT_SPORTS: Final = {
    "trail_running": ("running", "trail"),
    "mountain_biking": ("cycling", "mountain"),
    "ebike": ("e_biking", "generic"),
    "skiing": ("alpine_skiing", "generic"),
    "skating": ("inline_skating", "generic"),
    "strength": ("training", "strength_training"),
    "cardio": ("training", "cardio_training"),
    "football": ("soccer", "generic"),
    "climbing": ("rock_climbing", "generic"),
    "ball_sport": ("generic", "generic"),
    "other": ("generic", "generic"),
    "paddling": ("paddling", "generic"),
}
_FIT_FIELDS: Final = {
    "heart_rate_bpm": "heart_rate",
    "cadence_rpm": "cadence",
    "power_w": "power",
    "speed_m_s": "enhanced_speed",
    "distance_m": "distance",
    "latitude_deg": "position_lat",
    "longitude_deg": "position_long",
    "altitude_m": "enhanced_altitude",
    "temperature_c": "temperature",
}
_SEMICIRCLES: Final = 2**31 / 180.0


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """What is to be written: a track, its sport and pauses; FIT only: the zone offset at the place and RR intervals."""

    track: Track
    sport: str
    pauses: Pauses = ()
    offset_s: int = 0
    rr_ms: Sequence[float] = ()


def write_recording(path: Path, content: Written) -> None:
    """Write ``content`` in the format that the suffix of ``path`` names.

    Raises ``UserError`` for another suffix, and ``ValueError`` for a track without samples.
    """
    writers = {".gpx": _write_gpx, ".tcx": _write_tcx, ".fit": _write_fit}
    writer = writers.get(path.suffix.lower())
    if writer is None:
        raise UserError(f"{path}: cannot write '{path.suffix}' files: choose .fit, .gpx or .tcx")
    if not len(content.track):
        raise ValueError("a track without samples makes no recording")
    writer(path, content)


def _rows(track: Track) -> Iterator[tuple[int, dict[str, float]]]:
    """Time and known values of each sample."""
    columns = [(name, getattr(track, name)) for name in CHANNELS]
    for row, time_us in enumerate(track.time_us):
        yield int(time_us), {name: float(column[row]) for name, column in columns if not np.isnan(column[row])}


def _parts(content: Written) -> Iterator[list[tuple[int, dict[str, float]]]]:
    """The samples between the pauses."""
    part: list[tuple[int, dict[str, float]]] = []
    resumes = iter([end for _, end in content.pauses])
    resume_us = next(resumes, None)
    for time_us, values in _rows(content.track):
        while resume_us is not None and time_us >= resume_us:
            if part:
                yield part
                part = []
            resume_us = next(resumes, None)
        part.append((time_us, values))
    yield part


def _iso(time_us: int) -> str:
    time = dt.datetime.fromtimestamp(time_us // US_PER_S, dt.UTC).replace(microsecond=time_us % US_PER_S)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _add(parent: Element, tag: str, text: str | None = None) -> Element:
    element = SubElement(parent, tag)
    element.text = text
    return element


def _save(root: Element, path: Path) -> None:
    ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _write_gpx(path: Path, content: Written) -> None:
    root = Element("gpx", {"version": "1.1", "creator": _CREATOR, "xmlns": _GPX, "xmlns:gpxtpx": _TPX})
    trk = _add(root, "trk")
    _add(trk, "type", content.sport)
    for part in _parts(content):
        segment = _add(trk, "trkseg")
        for time_us, values in part:
            if "latitude_deg" not in values or "longitude_deg" not in values:
                continue  # a GPX point is a position
            point = SubElement(
                segment,
                "trkpt",
                {"lat": f"{values['latitude_deg']:.7f}", "lon": f"{values['longitude_deg']:.7f}"},
            )
            if "altitude_m" in values:
                _add(point, "ele", f"{values['altitude_m']:.2f}")
            _add(point, "time", _iso(time_us))
            _add_gpx_sensors(point, values)
    if not any(True for _ in root.iter("trkpt")):
        raise UserError(f"{path}: GPX needs positions, and this track has none: write .tcx or .fit")
    _save(root, path)


def _add_gpx_sensors(point: Element, values: dict[str, float]) -> None:
    names = (("temperature_c", "atemp"), ("heart_rate_bpm", "hr"), ("cadence_rpm", "cad"), ("speed_m_s", "speed"))
    if not any(name in values for name, _ in names) and "power_w" not in values:
        return
    extensions = _add(point, "extensions")
    if "power_w" in values:
        _add(extensions, "power", f"{values['power_w']:.0f}")
    garmin = _add(extensions, "gpxtpx:TrackPointExtension")
    for name, tag in names:
        if name in values:
            _add(garmin, f"gpxtpx:{tag}", f"{values[name]:.3f}".rstrip("0").rstrip("."))


def _write_tcx(path: Path, content: Written) -> None:
    track = content.track
    sport = {"running": "Running", "cycling": "Biking"}.get(family_of(content.sport), "Other")
    root = Element("TrainingCenterDatabase", {"xmlns": _TCX, "xmlns:ns3": _AX})
    activity = SubElement(_add(root, "Activities"), "Activity", {"Sport": sport})
    start = _iso(int(track.time_us[0]))
    _add(activity, "Id", start)
    lap = SubElement(activity, "Lap", {"StartTime": start})
    _add(lap, "TotalTimeSeconds", f"{_timer_time_s(content):.3f}")
    if (distance_m := _distance_m(track)) is not None:
        _add(lap, "DistanceMeters", f"{distance_m:.2f}")
    _add(lap, "Intensity", "Active")
    _add(lap, "TriggerMethod", "Manual")
    for part in _parts(content):
        stretch = _add(lap, "Track")
        for time_us, values in part:
            _add_trackpoint(stretch, time_us, values)
    _save(root, path)


def _add_trackpoint(stretch: Element, time_us: int, values: dict[str, float]) -> None:
    point = _add(stretch, "Trackpoint")
    _add(point, "Time", _iso(time_us))
    if "latitude_deg" in values and "longitude_deg" in values:
        position = _add(point, "Position")
        _add(position, "LatitudeDegrees", f"{values['latitude_deg']:.8f}")
        _add(position, "LongitudeDegrees", f"{values['longitude_deg']:.8f}")
    if "altitude_m" in values:
        _add(point, "AltitudeMeters", f"{values['altitude_m']:.2f}")
    if "distance_m" in values:
        _add(point, "DistanceMeters", f"{values['distance_m']:.2f}")
    if "heart_rate_bpm" in values:
        _add(_add(point, "HeartRateBpm"), "Value", f"{values['heart_rate_bpm']:.0f}")
    if "cadence_rpm" in values:
        _add(point, "Cadence", f"{values['cadence_rpm']:.0f}")
    if "speed_m_s" in values or "power_w" in values:
        extension = _add(_add(point, "Extensions"), "ns3:TPX")
        if "speed_m_s" in values:
            _add(extension, "ns3:Speed", f"{values['speed_m_s']:.3f}")
        if "power_w" in values:
            _add(extension, "ns3:Watts", f"{values['power_w']:.0f}")


def _write_fit(path: Path, content: Written) -> None:
    numbers: dict[str, int] = Profile["mesg_num"]
    encoder = Encoder()
    track = content.track
    first_s, last_s = _fit_s(int(track.time_us[0])), _fit_s(int(track.time_us[-1]))

    def add(kind: str, **values: Any) -> None:  # the encoder takes numbers, names of the profile and strings
        encoder.on_mesg(numbers[kind], values)

    add("FILE_ID", type="activity", manufacturer="development", product=0, serial_number=1, time_created=first_s)
    moments: list[tuple[int, int, str, dict[str, Any]]] = [
        (first_s, 0, "EVENT", {"event": "timer", "event_type": "start"}),
        (last_s, 4, "EVENT", {"event": "timer", "event_type": "stop_all"}),
    ]
    for begin, end in content.pauses:
        moments.append((_fit_s(begin), 3, "EVENT", {"event": "timer", "event_type": "stop_all"}))
        moments.append((_fit_s(end), 1, "EVENT", {"event": "timer", "event_type": "start"}))
    moments.extend((_fit_s(time_us), 2, "RECORD", _fit_record(values)) for time_us, values in _rows(track))
    for time_s, _, kind, values in sorted(moments, key=lambda moment: moment[:2]):
        add(kind, timestamp=time_s, **values)
    for interval_ms in content.rr_ms:
        add("HRV", time=[interval_ms / 1000.0])
    sport, sub_sport = _FIT_SPORTS.get(content.sport, (content.sport, "generic"))
    totals = {"total_elapsed_time": float(last_s - first_s), "total_timer_time": _timer_time_s(content)}
    if (distance_m := _distance_m(track)) is not None:
        totals["total_distance"] = distance_m
    add("SESSION", timestamp=last_s, start_time=first_s, sport=sport, sub_sport=sub_sport, **totals)
    add("ACTIVITY", timestamp=last_s, local_timestamp=last_s + content.offset_s, num_sessions=1, type="manual")
    path.write_bytes(bytes(encoder.close()))


def _fit_s(time_us: int) -> int:
    return time_us // US_PER_S - FIT_EPOCH_S


def _fit_record(values: dict[str, float]) -> dict[str, float | int]:
    record: dict[str, float | int] = {}
    for name, value in values.items():
        if name in ("latitude_deg", "longitude_deg"):
            record[_FIT_FIELDS[name]] = round(value * _SEMICIRCLES)
        elif name in ("heart_rate_bpm", "cadence_rpm", "power_w", "temperature_c"):
            record[_FIT_FIELDS[name]] = round(value)
        else:
            record[_FIT_FIELDS[name]] = value
    return record


def _timer_time_s(content: Written) -> float:
    return content.track.elapsed_s - sum(end - begin for begin, end in content.pauses) / US_PER_S


def _distance_m(track: Track) -> float | None:
    known = track.distance_m[~np.isnan(track.distance_m)]
    return float(known[-1]) if len(known) else None
