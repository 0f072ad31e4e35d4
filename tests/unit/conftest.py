"""The real recordings, read once for all tests of a session."""

import fcntl
import json
import os
import pickle
from pathlib import Path

import pytest

from recordings import Recording, RecordingError, read_recording

REPOSITORY = Path(__file__).parents[2]


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
def real_readings(
    real_files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[Recording] | RecordingError]:
    """What became of each of the 62: its recordings, or why it was refused. Whichever process (xdist) wants it first
    reads them for the other.
    """
    folder = tmp_path_factory.getbasetemp()
    kept = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "recordings"
    with kept.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            kept.write_bytes(pickle.dumps({name: _read(path) for name, path in real_files.items()}))
    found: dict[str, list[Recording] | str] = pickle.loads(kept.read_bytes())  # noqa: S301 - written above
    return {name: RecordingError(real_files[name], one) if isinstance(one, str) else one for name, one in found.items()}


def _read(path: Path) -> list[Recording] | str:
    try:
        return read_recording(path)
    except RecordingError as error:
        return error.reason
