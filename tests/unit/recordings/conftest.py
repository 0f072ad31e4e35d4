"""The real recordings, read once for all tests; and tracks to write."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from domain.track import Track, track_from_columns
from recordings import Recording, RecordingError, read_recording

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real data; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("STRIDELOG_TEST_DATA") or REPOSITORY.parent / "shared" / "data")
    if not (folder / "activities" / "manifest.json").is_file():
        pytest.skip(f"no real recordings in {folder}: set STRIDELOG_TEST_DATA")
    return folder


@pytest.fixture(scope="session")
def real_files(test_data: Path) -> dict[str, Path]:
    """The 62 recordings by file name."""
    entries = json.loads((test_data / "activities" / "manifest.json").read_text(encoding="utf-8"))
    paths = [test_data / entry["file"] for entry in entries]
    by_name = {path.name: path for path in paths}
    assert len(by_name) == len(paths) == 62
    return by_name


@pytest.fixture(scope="session")
def real_readings(real_files: dict[str, Path]) -> dict[str, list[Recording] | RecordingError]:
    """What became of each of the 62: its recordings, or why it was refused."""

    def read(path: Path) -> list[Recording] | RecordingError:
        try:
            return read_recording(path)
        except RecordingError as error:
            return error

    return {name: read(path) for name, path in real_files.items()}


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
