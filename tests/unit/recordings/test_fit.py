"""FIT messages that the real files do not have, or only in files that are refused."""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from garmin_fit_sdk import CrcCalculator, Encoder, Profile

from domain.track import Track
from recordings import Recording, RecordingError, read_recording
from recordings.clock import zone_of_offset
from recordings.fit import FIT_EPOCH_S
from recordings.fit_strap import latest_at, strap_heart_rate
from recordings.write import Written, write_recording

MakeTrack = Callable[..., Track]
Message = tuple[str, dict[str, Any]]

START_S = 1_780_300_800 - FIT_EPOCH_S  # 2026-06-01T08:00:00Z


def encoded(*messages: Message) -> bytes:
    encoder = Encoder()
    for kind, values in messages:
        encoder.on_mesg(Profile["mesg_num"][kind], values)
    return bytes(encoder.close())


def read(tmp_path: Path, content: bytes) -> list[Recording]:
    path = tmp_path / "activity.fit"
    path.write_bytes(content)
    return read_recording(path)


def file_id(kind: str = "activity") -> Message:
    return ("FILE_ID", {"type": kind, "manufacturer": "garmin", "serial_number": 7})


def record(second: int, **values: float) -> Message:
    return ("RECORD", {"timestamp": START_S + second, "heart_rate": 120, **values})


def session(first: int, last: int, sport: str = "running", **values: float) -> Message:
    totals = {"total_elapsed_time": float(last - first), "total_timer_time": float(last - first), **values}
    return ("SESSION", {"timestamp": START_S + last, "start_time": START_S + first, "sport": sport, **totals})


def timer(second: int, kind: str) -> Message:
    return ("EVENT", {"timestamp": START_S + second, "event": "timer", "event_type": kind})


def test_compressed_timestamps_are_read(tmp_path: Path) -> None:
    def definition(local: int, number: int, *fields: tuple[int, int, int]) -> bytes:
        return struct.pack("<BBBHB", 0x40 | local, 0, 0, number, len(fields)) + b"".join(map(bytes, fields))

    body = definition(0, 0, (0, 1, 0)) + bytes([0, 4])  # file_id: type activity
    body += definition(1, 20, (253, 4, 0x86), (3, 1, 2)) + struct.pack("<BIB", 1, START_S, 100)
    body += definition(2, 20, (3, 1, 2))
    for second in range(1, 70):  # five bits of the time in the header: they roll over twice
        body += bytes([0x80 | 2 << 5 | (START_S + second) & 0x1F, 100 + second])
    header = struct.pack("<BBHI4s", 12, 0x10, 2100, len(body), b".FIT")
    content = header + body
    content += struct.pack("<H", CrcCalculator.calculate_crc(content, 0, len(content)))
    (recording,) = read(tmp_path, content)
    assert ((recording.track.time_us - recording.start_us) // 1_000_000).tolist() == list(range(70))
    assert recording.track.heart_rate_bpm.tolist() == list(range(100, 170))


def test_another_kind_of_fit_file_is_refused_by_its_kind(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="a FIT file of type settings, not an activity"):
        read(tmp_path, encoded(file_id("settings")))


def test_a_missing_file_id_is_a_warning(tmp_path: Path) -> None:
    (recording,) = read(tmp_path, encoded(record(0), record(1), session(0, 1)))
    assert recording.warnings == ("no file_id message",)


def test_chained_activities_are_recordings_of_one_file(tmp_path: Path) -> None:
    one = encoded(file_id(), record(0), record(1), session(0, 1))
    two = encoded(file_id(), record(900), record(901), session(900, 901, "cycling"))
    recordings = read(tmp_path, one + two)
    assert [(recording.leg, recording.sport) for recording in recordings] == [(0, "running"), (1, "cycling")]


def test_times_since_switching_on_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="the device's clock was not set"):
        read(tmp_path, encoded(file_id(), ("RECORD", {"timestamp": 16_441_242, "heart_rate": 100})))


def test_pauses_are_from_stop_to_start_also_at_the_end(tmp_path: Path) -> None:
    messages = [
        timer(0, "start"),
        record(0),
        record(10),
        timer(10, "stop_all"),
        timer(12, "stop_all"),
        timer(40, "start"),
    ]
    messages += [record(40), record(50), timer(50, "stop"), session(0, 80)]
    (recording,) = read(tmp_path, encoded(file_id(), *messages))
    seconds = [tuple((edge - recording.start_us) // 1_000_000 for edge in pause) for pause in recording.pauses]
    assert seconds == [(10, 40), (50, 80)]


def test_a_session_ends_by_its_elapsed_time_not_when_it_was_saved(tmp_path: Path) -> None:
    late = session(0, 20)
    late[1]["timestamp"] = START_S + 500
    (recording,) = read(tmp_path, encoded(file_id(), record(0), record(19), late))
    assert recording.end_us - recording.start_us == 20_000_000


def test_each_leg_counts_its_distance_from_the_leg_before(tmp_path: Path) -> None:
    records = [record(second, distance=second * 10.0) for second in range(20)]
    messages = [*records, session(0, 10, "swimming"), session(10, 20, "running")]
    swim, run = read(tmp_path, encoded(file_id(), *messages))
    assert swim.track.distance_m.tolist() == [second * 10.0 for second in range(10)]
    assert run.track.distance_m.tolist() == [second * 10.0 for second in range(1, 11)]


def test_heart_beats_go_to_their_leg_and_impossible_ones_nowhere(tmp_path: Path) -> None:
    beats: list[Message] = [("HRV", {"time": [0.8]}), ("HRV", {"time": [0.01]}), ("HRV", {"time": [0.6]})]
    messages = [record(0), beats[0], record(1), beats[1], record(10), beats[2], record(11)]
    first, second = read(tmp_path, encoded(file_id(), *messages, session(0, 10), session(10, 12)))
    assert (first.rr_ms.tolist(), second.rr_ms.tolist()) == ([800.0], [600.0])
    assert second.rr_time_us[0] == second.track.time_us[0]


def test_the_file_may_end_anywhere(tmp_path: Path, make_track: MakeTrack) -> None:
    path = tmp_path / "whole.fit"
    write_recording(path, Written(make_track(8), "running"))
    content = path.read_bytes()
    counts = []
    for length in range(len(content)):
        try:
            (recording,) = read(tmp_path, content[:length])
        except RecordingError:
            counts.append(0)
        else:
            counts.append(len(recording.track))
            assert recording.warnings
    assert counts == sorted(counts)
    assert counts[-1] == 8


def test_strap_beats_are_unpacked_over_the_roll_of_their_clock() -> None:
    ticks = [1024 * 100 + 900 * beat for beat in range(1, 9)]  # 0.88 s apart, rolls over every 4 s
    low = [tick % 4096 for tick in ticks]
    packed: list[int] = []
    for first, second in zip(low[0::2], low[1::2], strict=True):
        packed += [first & 0xFF, first >> 8 | (second & 0x0F) << 4, second >> 4]
    messages: list[dict[str, Any]] = [
        {"timestamp": 5000, "fractional_timestamp": 16_384, "event_timestamp": 1024 * 100, "filtered_bpm": 99},
        {"event_timestamp_12": tuple(packed), "filtered_bpm": tuple(range(60, 68))},
    ]
    time_s, bpm = strap_heart_rate(messages)
    assert bpm.tolist() == [99, *range(60, 68)]
    assert np.allclose(time_s, [5000.5 + 900 * beat / 1024 for beat in range(9)])
    at = latest_at(np.array([4999.0, 5001.0, 5012.0, 5020.0]), time_s, bpm)
    assert np.array_equal(at, [np.nan, 99.0, 67.0, np.nan], equal_nan=True)


@pytest.mark.parametrize(
    ("offset_s", "zone"),
    [
        (0, None),
        (40, None),
        (7200, "+02:00"),
        (-12600, "-03:30"),
        (20700, "+05:45"),
        (7203, "+02:00"),
        (50400, "+14:00"),
        (54000, None),
        (-43200, "-12:00"),
        (-44100, None),
        (7500, None),
        (-1000000000.0, None),
    ],
)
def test_only_offsets_in_use_are_zones(offset_s: float, zone: str | None) -> None:
    assert zone_of_offset(offset_s) == zone
