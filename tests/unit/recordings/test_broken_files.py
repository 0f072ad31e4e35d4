"""Whatever is in a file, reading it gives recordings or one line that names it and says why not."""

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.track import Track
from recordings import RecordingError, read, read_recording
from recordings.write import Written, write_recording
from stridelog.errors import UserError

MakeTrack = Callable[..., Track]


@pytest.fixture
def fit(tmp_path: Path, make_track: MakeTrack) -> Path:
    path = tmp_path / "run.fit"
    write_recording(path, Written(make_track(60), "running"))
    return path


def refusal(path: Path) -> str:
    with pytest.raises(RecordingError) as raised:
        read_recording(path)
    assert isinstance(raised.value, UserError)
    assert raised.value.path == path
    assert str(raised.value) == f"{path}: {raised.value.reason}"
    assert "\n" not in str(raised.value)
    return raised.value.reason


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.fit", b"", "empty file"),
        ("a.fit", b"\x0e\x10\x43\x08\x00\x00\x00\x00JUNK\x00\x00", "corrupt header"),
        ("a.fit", b"\x0e\x10\x43\x08\x10\x00\x00\x00.FIT\x00\x00", "truncated before the first message"),
        ("a.fit", b"\x03\x10\x43\x08\x10\x00\x00\x00.FIT\x00\x00", "corrupt header"),
        ("a.txt", b"hello", "unknown format"),
        ("a.gpx.gz", b"\x1f\x8b\x08\x00truncated", "broken gzip file"),
        ("a.gpx", b"<kml/>", "XML, but <kml>"),
        ("a.gpx", b"<gpx><trk>", "broken XML|broken GPX"),
        ("a.gpx", b"<gpx version='1.1'/>", "no sample with a date"),
        ("a.gpx", b"<gpx><rte><rtept lat='1' lon='2'/></rte></gpx>", "a planned route"),
        ("a.gpx", b"<gpx><trk><trkseg><trkpt lat='1' lon='2'/></trkseg></trk></gpx>", "a planned route"),
        ("a.gpx", b"<?xml version='1.0' encoding='utf-8'?><gpx>\xff</gpx>", "broken XML|not the text"),
        ("a.gpx", b"<?xml version='1.0' encoding='no-such'?><gpx/>", "encoding"),
        ("a.tcx", b"<TrainingCenterDatabase><Activities>", "broken XML"),
        ("a.tcx", b"<TrainingCenterDatabase/>", "no sample with a date"),
    ],
)
def test_a_file_that_is_no_recording_is_refused_with_a_reason(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert any(part in refusal(path) for part in reason.split("|"))


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    assert "cannot be opened: No such file" in refusal(tmp_path / "none.fit")
    assert "cannot be opened: Is a directory" in refusal(tmp_path)


@pytest.mark.parametrize("root", ["gpx", "TrainingCenterDatabase"])
def test_a_document_type_is_refused_before_an_entity_is_expanded(tmp_path: Path, root: str) -> None:
    path = tmp_path / "bomb"
    entities = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(9))
    path.write_text(f'<!DOCTYPE {root} [<!ENTITY e0 "ha">{entities}]><{root}>&e9;</{root}>')
    assert "document type" in refusal(path)
    path.write_text(f'<!DOCTYPE {root} SYSTEM "file:///etc/passwd"><{root}/>')
    assert "document type" in refusal(path)


def test_a_gzip_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "MAX_CONTENT_BYTES", 2**20)
    path = tmp_path / "bomb.gpx.gz"
    path.write_bytes(gzip.compress(b"<" * (2**20 + 1)))
    assert "unpacks to more than 1 MiB" in refusal(path)


def test_the_content_decides_the_format_and_the_id_not_the_name(tmp_path: Path, fit: Path) -> None:
    (original,) = read_recording(fit)
    for name, pack in (("run.gpx", shutil.copy), ("run.fit.gz", None), ("run", None)):
        path = tmp_path / name
        if pack:
            pack(fit, path)
        else:
            path.write_bytes(gzip.compress(fit.read_bytes()))
        (copy,) = read_recording(path)
        assert (copy.format, copy.content_id) == ("fit", original.content_id)


def test_a_truncated_fit_keeps_what_was_before_and_says_so(tmp_path: Path, fit: Path) -> None:
    path = tmp_path / "cut.fit"
    path.write_bytes(fit.read_bytes()[: fit.stat().st_size // 2])
    (recording,) = read_recording(path)
    assert 5 < len(recording.track) < 60
    assert any("truncated" in warning for warning in recording.warnings)
    assert any("no session" in warning for warning in recording.warnings)


def test_a_wrong_checksum_is_a_warning(tmp_path: Path, fit: Path) -> None:
    content = bytearray(fit.read_bytes())
    content[-1] ^= 0xFF
    path = tmp_path / "sum.fit"
    path.write_bytes(content)
    (recording,) = read_recording(path)
    assert len(recording.track) == 60
    assert recording.warnings == ("the checksum does not match, though every message could be read",)


def test_a_broken_tcx_keeps_what_was_before_and_says_so(tmp_path: Path, make_track: MakeTrack) -> None:
    whole, cut = tmp_path / "a.tcx", tmp_path / "b.tcx"
    write_recording(whole, Written(make_track(60), "running"))
    cut.write_bytes(whole.read_bytes()[:-2000])
    (recording,) = read_recording(cut)
    assert 30 < len(recording.track) < 60
    assert any("broken XML" in warning for warning in recording.warnings)


@pytest.mark.parametrize("suffix", [".fit", ".gpx", ".tcx"])
def test_no_damage_gives_a_stack_trace(
    tmp_path_factory: pytest.TempPathFactory, make_track: MakeTrack, suffix: str
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    whole = folder / f"whole{suffix}"
    write_recording(whole, Written(make_track(20), "cycling", rr_ms=(800.0, 810.0)))
    content = whole.read_bytes()

    @settings(max_examples=150, deadline=None)
    @given(
        cut=st.integers(0, len(content)),
        changes=st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255)), max_size=8),
    )
    def damaged(cut: int, changes: list[tuple[int, int]]) -> None:
        broken = bytearray(content)
        for position, value in changes:
            broken[position] = value
        path = folder / f"broken{suffix}"
        path.write_bytes(broken[:cut])
        try:
            recordings = read_recording(path)
        except RecordingError as error:
            reason = str(error)
        else:
            reason = ""
            assert all(len(recording.track) for recording in recordings)
            assert all(np.all(np.diff(recording.track.time_us) > 0) for recording in recordings)
        assert "\n" not in reason

    damaged()
