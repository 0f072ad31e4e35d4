"""FIT: activities → recordings, one a session."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from domain.sports import sport_of
from domain.summary import Stated
from domain.track import CHANNELS, US_PER_S, FloatColumn, Track
from recordings.clock import clock_warnings, zone_of_offset
from recordings.fit_messages import Activity, Message, Row, activities
from recordings.fit_strap import latest_at, strap_heart_rate
from recordings.model import Device, Pauses, Recording, RecordingError
from recordings.place import zone_of
from recordings.samples import one_leg_cadence, track_of
from recordings.source import Source
from recordings.spans import joined
from schemas.channels import BY_COLUMN

FIT_EPOCH_S: Final = 631_065_600  # 1989-12-31T00:00:00Z
# Below this a time counts seconds since the device was switched on (FIT profile, type date_time).
_FIRST_DATE_S: Final = 0x1000_0000
_RR: Final = BY_COLUMN["rr_ms"]
_DEGREES: Final = 180.0 / 2**31  # of a semicircle
_SCALES: Final = {"latitude_deg": _DEGREES, "longitude_deg": _DEGREES}


def read_fit(source: Source) -> list[Recording]:
    """The recordings of a FIT file. Raises ``RecordingError``: not an activity, no samples, no date."""
    found: list[Recording] = []
    for activity in activities(source):
        found.extend(_recordings(source, activity, first_leg=len(found)))
    return found


def _recordings(source: Source, activity: Activity, first_leg: int) -> list[Recording]:
    kind = _text((activity.file_id or {}).get("type")) or "activity"
    if not activity.rows:
        if kind != "activity":
            raise RecordingError(source.path, f"a FIT file of type {kind}, not an activity")
        return []
    time_s = _times(activity.rows)
    if not np.any(time_s >= _FIRST_DATE_S):
        raise RecordingError(
            source.path, "no date: the device's clock was not set, its times count from when it was switched on"
        )
    warnings = [] if activity.file_id else ["no file_id message"]
    if activity.damage:
        warnings.append(activity.damage)
    if not activity.sessions:
        warnings.append("no session message: no totals to compare with, and the sport may be unknown")

    sessions = sorted(activity.sessions, key=_start_s) or [{}]
    starts_s = [_start_s(session) for session in sessions]
    columns = _columns(activity, time_s)
    possible = [(time, rr * 1000.0) for time, rr in activity.beats if _RR.low <= rr * 1000.0 <= _RR.high]
    beat_s = np.array([time for time, _ in possible], dtype=np.int64)
    rr_ms = np.array([interval_ms for _, interval_ms in possible], dtype=np.float64)
    recordings: list[Recording] = []
    for index, session in enumerate(sessions):
        # The first leg also has what was recorded before its stated start, the last one what came after its end.
        after = -1 if index == 0 else starts_s[index]
        before = np.iinfo(np.int64).max if index == len(sessions) - 1 else starts_s[index + 1]
        mine = (time_s >= after) & (time_s < before)
        values = {name: column[mine] for name, column in columns.items()}
        values["distance_m"] = _since_leg_began(values["distance_m"], columns["distance_m"][time_s < after])
        track, losses = track_of((time_s[mine] + FIT_EPOCH_S) * US_PER_S, values)
        if not len(track):
            continue
        sport, sub_sport = _sport(session, activity)
        start_us = min(_us(starts_s[index]) if starts_s[index] else int(track.time_us[0]), int(track.time_us[0]))
        end_us = max(start_us + round(_number(session, "total_elapsed_time", 0.0) * US_PER_S), int(track.time_us[-1]))
        my_beats = (beat_s >= after) & (beat_s < before)
        recordings.append(
            Recording(
                content_id=source.content_id,
                leg=first_leg + len(recordings),
                path=source.path,
                format="fit",
                sport=sport,
                sub_sport=sub_sport,
                device=_device(activity.file_id or {}),
                start_us=start_us,
                end_us=end_us,
                zone=zone_of(track, _stated_zone(activity.activity), kind=sub_sport),
                track=_with_cadence(track, sport),
                pauses=_pauses(activity.timer, start_us, end_us),
                stated=_stated(session),
                rr_ms=rr_ms[my_beats],
                rr_time_us=(beat_s[my_beats] + FIT_EPOCH_S) * US_PER_S,
                warnings=(*warnings, *losses, *clock_warnings(start_us)),
            )
        )
    return recordings


def _times(rows: Sequence[Row]) -> NDArray[np.int64]:
    """Seconds of FIT of each row; a row without a time has that of the row before it."""
    times = np.zeros(len(rows), dtype=np.int64)
    last = 0
    for index, row in enumerate(rows):
        last = int(row.get("timestamp", last))
        times[index] = last
    return times


def _column(rows: Sequence[Row], name: str) -> FloatColumn:
    column: FloatColumn = np.array([row.get(name, np.nan) for row in rows], dtype=np.float64)
    column *= _SCALES.get(name, 1.0)
    return column


def _columns(activity: Activity, time_s: NDArray[np.int64]) -> dict[str, FloatColumn]:
    """Each channel for all rows; from developer fields where the device itself recorded nothing but zeros."""
    columns: dict[str, FloatColumn] = {}
    for name in CHANNELS:
        native = _column(activity.rows, name)
        if not np.any(np.nan_to_num(native)):
            developer = _column(activity.developer_rows, name)
            if np.any(np.nan_to_num(developer)):
                native = developer
        columns[name] = native
    columns["cadence_rpm"] = columns["cadence_rpm"] + np.nan_to_num(_column(activity.rows, "fractional_cadence"))
    if activity.strap:
        strap = latest_at(time_s.astype(np.float64), *strap_heart_rate(activity.strap))
        columns["heart_rate_bpm"] = np.where(np.isnan(columns["heart_rate_bpm"]), strap, columns["heart_rate_bpm"])
    return columns


def _since_leg_began(distance_m: FloatColumn, earlier_m: FloatColumn) -> FloatColumn:
    """Metres since this leg began, of a counter that goes on from leg to leg; one that begins anew is left as it is."""
    known, before = distance_m[~np.isnan(distance_m)], earlier_m[~np.isnan(earlier_m)]
    if len(known) and len(before) and known[0] >= before[-1]:
        return distance_m - float(before[-1])
    return distance_m


def _with_cadence(track: Track, sport: str) -> Track:
    return replace(track, cadence_rpm=one_leg_cadence(track.cadence_rpm, sport))


def _us(fit_s: int) -> int:
    return (fit_s + FIT_EPOCH_S) * US_PER_S


def _number(message: Message, name: str, default: float) -> float:
    value = message.get(name)
    return float(value) if isinstance(value, int | float) else default


def _text(value: object) -> str | None:
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    text = str(value).strip("\0 ") if value is not None else ""
    return text or None


def _start_s(session: Message) -> int:
    """The session's stated start in seconds of FIT; 0 if it has none."""
    start_s = session.get("start_time")
    return start_s if isinstance(start_s, int) and start_s >= _FIRST_DATE_S else 0


def _sport(session: Message, activity: Activity) -> tuple[str, str | None]:
    message = session if "sport" in session else activity.sport
    sub_sport = _text(message.get("sub_sport"))
    sub_sport = None if sub_sport == "generic" else sub_sport
    return sport_of(_text(message.get("sport")) or "", sub_sport), sub_sport


def _device(file_id: Message) -> Device:
    product = file_id.get("product_name") or file_id.get("garmin_product") or file_id.get("product")
    return Device(_text(file_id.get("manufacturer")), _text(product), _text(file_id.get("serial_number")))


def _stated_zone(activity: Message) -> str | None:
    """From the activity's time said twice, in UTC and in local time; some devices leave the second at zero."""
    utc, local = activity.get("timestamp"), activity.get("local_timestamp")
    return zone_of_offset(local - utc) if isinstance(utc, int) and isinstance(local, int) else None


def _pauses(timer: Sequence[tuple[int, bool]], start_us: int, end_us: int) -> Pauses:
    """From each stop of the timer to its next start. Times are whole seconds, so a second or less is rounding."""
    spans: list[tuple[int, int]] = []
    stopped_us: int | None = None
    for time_s, runs in sorted(timer, key=lambda event: event[0]):
        if not runs and stopped_us is None:
            stopped_us = _us(time_s)
        elif runs and stopped_us is not None:
            spans.append((stopped_us, _us(time_s)))
            stopped_us = None
    if stopped_us is not None:
        spans.append((stopped_us, end_us))
    return tuple(span for span in joined(spans, start_us, end_us) if span[1] - span[0] > US_PER_S)


def _stated(session: Message) -> Stated:
    def total(name: str) -> float | None:
        value = session.get(name)
        return float(value) if isinstance(value, int | float) else None

    return Stated(
        distance_m=total("total_distance"),
        timer_time_s=total("total_timer_time"),
        moving_time_s=total("total_moving_time"),
        elapsed_s=total("total_elapsed_time"),
        ascent_m=total("total_ascent"),
        energy_kcal=total("total_calories"),
    )
