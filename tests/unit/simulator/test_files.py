"""Generated files can be read back."""

from datetime import date
from pathlib import Path

from recordings import read_recording
from simulator.files import generate_files


def test_generated_files_are_read_in_all_three_formats(tmp_path: Path) -> None:
    paths = generate_files(tmp_path / "activities", seed=1, n=3, before=date(2026, 11, 24))
    assert {path.suffix for path in paths} == {".fit", ".gpx", ".tcx"}
    for path in paths:
        (recording,) = read_recording(path)
        assert len(recording.track) > 100
        assert recording.end_us < 1_795_478_400_000_000  # before 2026-11-24
