"""The line of a segment from a GPX file: a planned route or a recorded track, with times or without."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import gpxpy
import gpxpy.gpx

from recordings.model import RecordingError
from recordings.safe_xml import root_name, text_of
from recordings.source import Source

MAX_FILE_BYTES: Final = 16 * 2**20  # a hundred kilometres with a point every metre are less


@dataclass(frozen=True, slots=True)
class DrawnLine:
    """Points in the order of the file, one value a point, and the name that the file gives to them, if any."""

    name: str | None
    latitude_deg: tuple[float, ...]
    longitude_deg: tuple[float, ...]


def read_line(path: Path) -> DrawnLine:
    """The one route or track of a GPX file; the parts of a track are joined.

    Raises ``RecordingError`` for a file that cannot be opened, is too large, is no GPX or a broken one, has a document
    type, or holds no line or several.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise RecordingError(path, f"cannot be opened: {error.strerror or error}") from error
    if len(content) > MAX_FILE_BYTES:
        raise RecordingError(path, f"larger than {MAX_FILE_BYTES // 2**20} MiB: export the segment alone")
    source = Source(path=path, content=content, content_id="")
    root = root_name(source)
    if root != "gpx":
        raise RecordingError(path, f"<{root}> and not GPX: export the line as GPX")
    try:
        document = gpxpy.parse(text_of(source))
    except (gpxpy.gpx.GPXException, ValueError) as error:
        raise RecordingError(path, f"broken GPX ({' '.join(str(error).split())})") from error
    lines = [(route.name, [(at.latitude, at.longitude) for at in route.points]) for route in document.routes]
    lines += [
        (track.name, [(at.latitude, at.longitude) for part in track.segments for at in part.points])
        for track in document.tracks
    ]
    lines = [(name, points) for name, points in lines if points]
    if len(lines) != 1:
        raise RecordingError(path, f"{len(lines)} lines in it: export one route or one track alone")
    name, points = lines[0]
    return DrawnLine(name or None, tuple(at[0] for at in points), tuple(at[1] for at in points))
