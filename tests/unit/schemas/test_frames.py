"""Packing and unpacking sensor frames."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike

from schemas import hot
from schemas.channels import CHANNELS
from schemas.decode import decoder_for
from schemas.frames import pack_frame, unpack, unpack_columns
from schemas.reasons import DeadReason, RuleBroken
from stridelog.topics import load

START = 1_792_823_400_000_000
DECODER = decoder_for(load(prefix="").named("sensor-frames"))
HEAD: dict[str, Any] = {
    "user": "ada",
    "device_id": "garmin-3412",
    "zone": "UTC",
    "source": "garmin",
    "producer": "test",
}


def packed(columns: Mapping[str, ArrayLike], **more: Any) -> bytes:
    given: dict[str, Any] = {"sequence": 1, "start_us": START, "interval_us": 1_000_000} | more
    return pack_frame(columns=columns, **HEAD, **given)


def read(value: bytes) -> hot.SensorFrame:
    message = DECODER.decode(b"ada", value)
    assert isinstance(message, hot.SensorFrame)
    return message


def test_values_come_back_in_their_units_and_gaps_as_nan() -> None:
    columns = {
        "heart_rate_bpm": [120, np.nan, 131],
        "speed_m_s": [3.333, 0.0, np.nan],
        "latitude_deg": [59.9138688, np.nan, -0.0000001],
        "altitude_m": [-12.34, 121.0, 8848.86],
        "temperature_c": [-10.5, 0.0, 21.3],
    }
    found = unpack(read(packed(columns)))
    assert found.keys() == {"time_us", *columns}
    assert found["time_us"].tolist() == [START, START + 1_000_000, START + 2_000_000]
    for name, values in columns.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-6, atol=0)
    np.testing.assert_array_equal(found["latitude_deg"], columns["latitude_deg"])


def test_frames_of_other_channels_and_clocks_join_into_columns() -> None:
    frames = [
        read(packed({"heart_rate_bpm": [100, 101]})),
        read(packed({"power_w": [250]}, start_us=START + 10_000_000, sequence=2)),
        read(
            packed(
                {"heart_rate_bpm": [102, 103, 104]},
                interval_us=None,
                time_us=START + np.array([0, 1_500_000, 9_000_000]),
            )
        ),
    ]
    columns = unpack_columns(frames)
    assert columns.frame.tolist() == [0, 0, 1, 2, 2, 2]
    assert (columns.time_us - START).tolist() == [0, 1_000_000, 10_000_000, 0, 1_500_000, 9_000_000]
    np.testing.assert_array_equal(columns.values["heart_rate_bpm"], [100, 101, np.nan, 102, 103, 104])
    np.testing.assert_array_equal(columns.values["power_w"], [np.nan, np.nan, 250, np.nan, np.nan, np.nan])
    assert columns.lists == {}


def test_fast_channels_and_beats_keep_their_own_lengths() -> None:
    xyz = np.arange(2 * 5 * 3).reshape(-1, 3)
    frames = [
        read(packed({"heart_rate_bpm": [100, 101], "rr_ms": [600, 590, 610], "acceleration_mg": xyz})),
        read(packed({"heart_rate_bpm": [100]})),
        read(packed({"rr_ms": [800]})),
    ]
    columns = unpack_columns(frames)
    rr, acceleration = columns.lists["rr_ms"], columns.lists["acceleration_mg"]
    assert rr.offsets.tolist() == [0, 3, 3, 4]
    assert rr.values.tolist() == [600, 590, 610, 800]
    assert acceleration.offsets.tolist() == [0, 10, 10, 10]
    np.testing.assert_array_equal(acceleration.values, xyz)


def test_a_batch_gives_what_its_frames_give_one_by_one() -> None:
    rng = np.random.default_rng(7)
    frames = []
    for sequence in range(40):
        n = int(rng.integers(1, 90))
        chosen = [channel for channel in CHANNELS if channel.layout == "sample" and rng.random() < 0.5] or [CHANNELS[0]]
        values = {channel.column: rng.uniform(channel.low, channel.high, n) for channel in chosen}
        values[chosen[0].column][rng.random(n) < 0.2] = np.nan
        frames.append(read(packed(values, sequence=sequence, start_us=START + sequence * 90_000_000)))
    together = unpack_columns(frames)
    for index, frame in enumerate(frames):
        for name, alone in unpack(frame).items():
            column = together.time_us if name == "time_us" else together.values[name]
            np.testing.assert_array_equal(column[together.frame == index], alone)


def test_an_impossible_value_is_raised_or_becomes_missing() -> None:
    with pytest.raises(ValueError, match="heart_rate_bpm of 5"):
        packed({"heart_rate_bpm": [60, 5]})
    found = unpack(read(packed({"heart_rate_bpm": [60, 5]}, impossible="missing")))
    np.testing.assert_array_equal(found["heart_rate_bpm"], [60, np.nan])


def test_columns_of_unlike_length_are_not_packed() -> None:
    with pytest.raises(RuleBroken) as refused:
        packed({"heart_rate_bpm": [60, 61], "power_w": [200]})
    assert refused.value.reason is DeadReason.ragged_frame


def test_an_unknown_column_is_not_packed() -> None:
    with pytest.raises(KeyError, match="hart_rate_bpm"):
        packed({"hart_rate_bpm": [60]})


def test_a_minute_of_four_channels_takes_about_six_hundred_bytes() -> None:
    n = 60
    four: dict[str, ArrayLike] = {
        "heart_rate_bpm": [140] * n,
        "cadence_rpm": [90] * n,
        "power_w": [250] * n,
        "speed_m_s": [3.3] * n,
    }
    assert len(packed(four, workout_id="03a635d2-a3cf-5b74-95de-ae5807e29355")) < 600


def test_missing_is_never_a_possible_value() -> None:
    for channel in CHANNELS:
        assert channel.missing > channel.raw_high, channel.name
        info = np.iinfo(channel.dtype)
        assert info.min <= channel.raw_low < channel.raw_high < info.max, channel.name
