"""GPX: each track with times is a recording, its segments are parted by pauses."""

import datetime as dt
import itertools
from collections.abc import Iterable
from dataclasses import replace
from typing import Final
from xml.etree.ElementTree import Element

import gpxpy
import gpxpy.gpx

from domain.sports import sport_of
from domain.summary import Stated
from recordings.clock import clock_warnings, to_us, zone_of_offset
from recordings.model import Device, Recording, RecordingError
from recordings.place import zone_of
from recordings.safe_xml import local_name, text_of
from recordings.samples import one_leg_cadence, track_of
from recordings.source import Source
from recordings.spans import joined

# What writers call a channel in a point's <extensions>, lower case, whatever the namespace: Garmin's
# TrackPointExtension v1 and v2, Cluetrust's gpxdata, Strava, Amazfit, Polar, Suunto and others.
_CHANNELS: Final = {
    "hr": "heart_rate_bpm",
    "heartrate": "heart_rate_bpm",
    "heart_rate": "heart_rate_bpm",
    "cad": "cadence_rpm",
    "cadence": "cadence_rpm",
    "runcadence": "cadence_rpm",
    "power": "power_w",
    "watts": "power_w",
    "powerinwatts": "power_w",
    "speed": "speed_m_s",
    "distance": "distance_m",
    "atemp": "temperature_c",
    "temp": "temperature_c",
    "temperature": "temperature_c",
}
_POINT_CHANNELS: Final = ("latitude_deg", "longitude_deg", "altitude_m")
# Apps begin a segment anew when a signal is lost; a gap this short is not a pause.
_LONGEST_SAMPLE_GAP_US: Final = 2_000_000


def read_gpx(source: Source) -> list[Recording]:
    """The recordings of a GPX file. Raises ``RecordingError``: broken XML, only a planned route (no times)."""
    try:
        document = gpxpy.parse(text_of(source))
    except (gpxpy.gpx.GPXException, ValueError) as error:
        raise RecordingError(source.path, f"broken GPX ({' '.join(str(error).split())})") from error
    tracks = [track for track in document.tracks if any(segment.points for segment in track.segments)]
    recordings = [
        recording
        for leg, track in enumerate(tracks)
        if (recording := _recording(source, document, track, leg)) is not None
    ]
    if not recordings and (tracks or document.routes):
        raise RecordingError(source.path, "no point has a date: a planned route, not a recording")
    return recordings


def _recording(source: Source, document: gpxpy.gpx.GPX, track: gpxpy.gpx.GPXTrack, leg: int) -> Recording | None:
    times: list[int] = []
    columns: dict[str, list[float | None]] = {name: [] for name in (*_POINT_CHANNELS, *_CHANNELS.values())}
    segments: list[tuple[int, int]] = []
    naive = undated = 0
    offset: dt.timedelta | None = None
    for segment in track.segments:
        first_row = len(times)
        for point in segment.points:
            if point.time is None:
                undated += 1
                continue
            naive += point.time.tzinfo is None
            offset = point.time.utcoffset() if offset is None else offset
            times.append(to_us(point.time))
            values = _values(point.extensions)
            values |= {"latitude_deg": point.latitude, "longitude_deg": point.longitude, "altitude_m": point.elevation}
            if point.speed is not None:  # GPX 1.0
                values["speed_m_s"] = point.speed
            for name, column in columns.items():
                column.append(values.get(name))
        if len(times) > first_row:
            segments.append((min(times[first_row:]), max(times[first_row:])))
    samples, losses = track_of(times, columns)
    if not len(samples):
        return None
    sport = sport_of(track.type or "")
    start_us, end_us = int(samples.time_us[0]), int(samples.time_us[-1])
    notes = [f"{undated} points without a time left out"] if undated else []
    if naive:
        notes.append("times without a zone, taken as UTC")
    gaps = itertools.pairwise(segments)
    return Recording(
        content_id=source.content_id,
        leg=leg,
        path=source.path,
        format="gpx",
        sport=sport,
        sub_sport=None,
        device=Device(product=document.creator or None),
        start_us=start_us,
        end_us=end_us,
        zone=zone_of(samples, zone_of_offset(offset.total_seconds()) if offset else None, kind=track.type),
        track=replace(samples, cadence_rpm=one_leg_cadence(samples.cadence_rpm, sport)),
        pauses=joined(
            ((before[1], after[0]) for before, after in gaps if after[0] - before[1] > _LONGEST_SAMPLE_GAP_US),
            start_us,
            end_us,
        ),
        stated=Stated(),
        warnings=(*notes, *losses, *clock_warnings(start_us)),
    )


def _values(extensions: Iterable[Element]) -> dict[str, float | None]:
    values: dict[str, float | None] = {}
    for extension in extensions:
        for element in extension.iter():
            name = _CHANNELS.get(local_name(element.tag).lower())
            if name and element.text and name not in values:
                try:
                    values[name] = float(element.text)
                except ValueError:
                    continue
    return values
