"""A FIT file's messages, as far as a recording needs them.

fitdecode does the decoding; it was chosen over the makers' own garmin-fit-sdk after reading the 43 real FIT files with
both: every value of every record is the same, but the SDK stops at a compressed timestamp header ("not currently
supported"), which older watches write in each record.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import fitdecode

from recordings.model import RecordingError
from recordings.source import Source

Value = float | int | str | bytes | tuple[object, ...]
Message = dict[str, Value]
Row = dict[str, float]

_MESSAGES: Final = frozenset({"file_id", "session", "activity", "sport"})
# Later in a tuple wins: the enhanced fields have the finer resolution.
_CHANNELS: Final = {
    "heart_rate": "heart_rate_bpm",
    "cadence": "cadence_rpm",
    "power": "power_w",
    "speed": "speed_m_s",
    "enhanced_speed": "speed_m_s",
    "distance": "distance_m",
    "position_lat": "latitude_deg",
    "position_long": "longitude_deg",
    "altitude": "altitude_m",
    "enhanced_altitude": "altitude_m",
    "temperature": "temperature_c",
    "timestamp": "timestamp",
    "fractional_cadence": "fractional_cadence",
}
# Developer fields say by number which field of the record (or session) they stand for.
_RECORD_NUMBERS: Final = {
    2: "altitude_m",
    3: "heart_rate_bpm",
    4: "cadence_rpm",
    5: "distance_m",
    6: "speed_m_s",
    7: "power_w",
    13: "temperature_c",
}
_SESSION_NUMBERS: Final = {9: "total_distance", 11: "total_calories", 22: "total_ascent"}


@dataclass(slots=True)
class Activity:
    """The messages of one activity file; times in seconds of FIT (since 1989-12-31 UTC)."""

    file_id: Message | None = None
    rows: list[Row] = field(default_factory=list)
    developer_rows: list[Row] = field(default_factory=list)  # as long as rows
    sessions: list[Message] = field(default_factory=list)
    activity: Message = field(default_factory=dict)
    sport: Message = field(default_factory=dict)
    timer: list[tuple[int, bool]] = field(default_factory=list)  # time, and whether the timer runs from then on
    beats: list[tuple[int, float]] = field(default_factory=list)  # time of the row before, RR interval in seconds
    strap: list[Message] = field(default_factory=list)  # heart rate that a strap kept under water, to be merged
    damage: str | None = None

    @property
    def last_time_s(self) -> int:
        return int(self.rows[-1].get("timestamp", 0)) if self.rows else 0


def activities(source: Source) -> list[Activity]:
    """The activities in the file (chained files are one activity each, or go on with the one before).

    Damage ends the reading and is noted in the last activity. Raises ``RecordingError`` if there is nothing before it.
    """
    found = [Activity()]
    for message in _messages(source, found):
        name = message.name
        if name == "record":
            _add_row(found[-1], message)
        elif name == "hrv":
            for field_data in message.fields:
                if field_data.name == "time":
                    _add_beats(found[-1], field_data.value)
        elif name == "event":
            _add_timer(found[-1], _values(message))
        elif name == "hr":
            found[-1].strap.append(
                {f.name: f.raw_value for f in message.fields if f.field_def and f.raw_value is not None}
            )
        elif name in _MESSAGES:
            values = _values(message)
            if name == "session":
                _fill(values, message, _SESSION_NUMBERS)
                found[-1].sessions.append(values)
            elif name == "activity":
                found[-1].activity = values
            elif name == "sport":
                found[-1].sport = found[-1].sport or values
            else:
                if found[-1].file_id is not None:
                    found.append(Activity())
                found[-1].file_id = values
    return found


def _messages(source: Source, found: list[Activity]) -> Iterator[fitdecode.FitDataMessage]:
    number = 0
    checksum_ok = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with fitdecode.FitReader(
                source.content,
                processor=None,
                check_crc=fitdecode.CrcCheck.READONLY,
                error_handling=fitdecode.ErrorHandling.IGNORE,
            ) as reader:
                for frame in reader:
                    if frame.frame_type == fitdecode.FIT_FRAME_DATA:
                        number += 1
                        yield frame
                    elif frame.frame_type == fitdecode.FIT_FRAME_CRC:
                        checksum_ok &= bool(frame.matched)
    except fitdecode.FitHeaderError as error:
        if not number:
            raise RecordingError(source.path, f"corrupt header ({error})") from error
        found[-1].damage = f"the bytes after message {number} are no FIT file and are left out"
    except fitdecode.FitEOFError as error:
        if not number:
            raise RecordingError(
                source.path, "truncated before the first message: copy it from the device again"
            ) from error
        found[-1].damage = f"truncated: the file ends within message {number + 1}"
    except Exception as error:
        if not number:
            raise RecordingError(source.path, f"corrupt before the first message ({error})") from error
        found[-1].damage = f"corrupt after message {number} ({error}): what follows is lost"
    else:
        if not checksum_ok:
            found[-1].damage = "the checksum does not match, though every message could be read"


def _values(message: fitdecode.FitDataMessage) -> Message:
    return {f.name: f.value for f in message.fields if f.value is not None}


def _fill(values: Message, message: fitdecode.FitDataMessage, numbers: dict[int, str]) -> None:
    """Take a developer's value where the device itself said nothing or 0."""
    for field_data in message.fields:
        name = numbers.get(getattr(field_data.field, "native_field_num", None) or -1)
        if name and isinstance(field_data.value, int | float) and not values.get(name):
            values[name] = field_data.value


def _add_row(activity: Activity, message: fitdecode.FitDataMessage) -> None:
    row: Row = {}
    developer: Row = {}
    for field_data in message.fields:
        value = field_data.value
        if isinstance(value, tuple):
            value = next((part for part in reversed(value) if part is not None), None)
        if not isinstance(value, int | float):
            continue
        name = _CHANNELS.get(field_data.name)
        native = getattr(field_data.field, "native_field_num", None)
        if native is not None:
            if native in _RECORD_NUMBERS:
                developer[_RECORD_NUMBERS[native]] = value
        elif name and not getattr(field_data.field_def, "is_dev", False):
            row[name] = value
    activity.rows.append(row)
    activity.developer_rows.append(developer)


def _add_beats(activity: Activity, value: object) -> None:
    intervals = value if isinstance(value, tuple) else (value,)
    time_s = activity.last_time_s
    activity.beats.extend((time_s, float(rr)) for rr in intervals if isinstance(rr, int | float) and rr > 0)


def _add_timer(activity: Activity, event: Message) -> None:
    time_s, kind = event.get("timestamp"), event.get("event_type")
    if event.get("event") == "timer" and isinstance(time_s, int) and isinstance(kind, str):
        activity.timer.append((time_s, kind == "start"))
