"""Opening a recording: by what is in it, not by how it is called."""

import gzip
import hashlib
import zlib
from pathlib import Path
from typing import Final

from recordings.fit import read_fit
from recordings.gpx import read_gpx
from recordings.model import Format, Recording, RecordingError
from recordings.safe_xml import root_name
from recordings.source import Source
from recordings.tcx import read_tcx

SUFFIXES: Final = (".fit", ".gpx", ".tcx", ".fit.gz", ".gpx.gz", ".tcx.gz")
MAX_CONTENT_BYTES: Final = 256 * 2**20  # the largest real recording seen is 4 MB; this stops a gzip bomb

_READERS: Final = {"fit": read_fit, "gpx": read_gpx, "tcx": read_tcx}


def read_recording(path: Path) -> list[Recording]:
    """Read a FIT, GPX or TCX file, gzipped or not: one recording for each activity or multisport leg in it.

    Damage at the end of a file costs only what follows it: the samples before it are read and a warning says so.
    Raises ``RecordingError`` for a file that cannot be opened, is of another format, is broken before the first sample,
    or has no sample with a date.
    """
    content = _content(path)
    source = Source(path=path, content=content, content_id=hashlib.sha256(content).hexdigest())
    recordings = _READERS[_format(source)](source)
    if not recordings:
        raise RecordingError(path, "no sample with a date: nothing was recorded, or the clock was wrong")
    return recordings


def _content(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise RecordingError(path, f"cannot be opened: {error.strerror or error}") from error
    if not raw.startswith(b"\x1f\x8b"):
        return raw
    try:
        with gzip.open(path) as unpacked:
            content = unpacked.read(MAX_CONTENT_BYTES + 1)
    except (EOFError, OSError, zlib.error) as error:
        raise RecordingError(path, f"broken gzip file ({error}): compress or download it again") from error
    if len(content) > MAX_CONTENT_BYTES:
        raise RecordingError(path, f"unpacks to more than {MAX_CONTENT_BYTES // 2**20} MiB: not a recording")
    return content


def _format(source: Source) -> Format:
    if not source.content:
        raise RecordingError(source.path, "empty file")
    if source.content[8:12] == b".FIT":
        return "fit"
    if source.content.lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n").startswith(b"<"):
        match root_name(source):
            case "gpx":
                return "gpx"
            case "TrainingCenterDatabase":
                return "tcx"
            case other:
                raise RecordingError(source.path, f"XML, but <{other}> and neither GPX nor TCX")
    if source.path.name.lower().removesuffix(".gz").endswith(".fit"):
        raise RecordingError(
            source.path, "corrupt header: the bytes 8 to 11 of a FIT file are '.FIT', here they are not"
        )
    raise RecordingError(source.path, "unknown format: neither FIT, GPX nor TCX")
