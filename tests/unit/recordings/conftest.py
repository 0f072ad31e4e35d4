"""Tracks to write."""

from collections.abc import Callable

import numpy as np
import pytest

from domain.track import Track, track_from_columns


@pytest.fixture
def make_track() -> Callable[..., Track]:
    """A track of one sample a second from 2026-06-01T08:00Z with every channel, values on the formats' grids."""

    def make(seconds: int = 120, start_us: int = 1_780_300_800_000_000) -> Track:
        t = np.arange(seconds, dtype=np.float64)
        return track_from_columns(
            start_us + t.astype(np.int64) * 1_000_000,
            heart_rate_bpm=120 + t % 40,
            cadence_rpm=80 + t % 10,
            power_w=200 + t % 50,
            speed_m_s=3 + (t % 10) / 10,
            distance_m=t * 3.5,
            latitude_deg=46 + t * 1e-5,
            longitude_deg=15 - t * 1e-5,
            altitude_m=230 + (t % 20) * 0.2,
            temperature_c=15 + t % 3,
        )

    return make
