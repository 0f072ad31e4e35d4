"""A GPX file becomes a segment, or one line that says why not."""

from pathlib import Path

import pytest

from schemas import hot
from schemas.decode import EVERYONE, decoder_for, encode
from stridelog.errors import UserError
from stridelog.segments import defined, removed
from stridelog.topics import load

NOW_US = 1_780_300_800_000_000
GPX = '<gpx xmlns="http://www.topografix.com/GPX/1/1" version="1.1" creator="club"><rte>{}</rte></gpx>'
HILL = "<name>Hill</name>" + "".join(f'<rtept lat="{60 + 0.002 * step}" lon="10"/>' for step in range(4))
SHORT = '<name>Hill</name><rtept lat="60" lon="10"/><rtept lat="60.001" lon="10"/>'
NAMELESS = HILL.removeprefix("<name>Hill</name>")


def drawn(folder: Path, line: str, *, name: str = "", family: str = "running", by: str = "ada") -> hot.SegmentDefined:
    path = folder / "hill.gpx"
    path.write_text(GPX.format(line))
    return defined(path, name=name, family=family, by=by, at_us=NOW_US)


def test_the_line_of_a_file_is_a_segment_that_agents_take(tmp_path: Path) -> None:
    message = drawn(tmp_path, HILL)
    read = decoder_for(load(prefix="").named("segments")).decode(EVERYONE, encode(message))
    assert isinstance(read, hot.SegmentDefined)
    assert (read.user, read.data.name, read.data.family) == ("ada", "Hill", "running")
    assert read.data.points[0] == (60.0, 10.0)
    assert read.data.points[-1] == (60.006, 10.0)


def test_the_same_line_under_the_same_name_is_the_same_segment(tmp_path: Path) -> None:
    ids = [
        drawn(tmp_path, HILL, **said).data.segment_id
        for said in ({}, {"by": "ben"}, {"name": "The hill"}, {"family": "cycling"})
    ]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


@pytest.mark.parametrize(
    ("line", "said", "message"),
    [
        (SHORT, {}, r"segment hill\.gpx \(Hill\) is 111 m long: make it longer"),
        (HILL, {"family": "jogging"}, "no family of sports 'jogging': there are running"),
        (NAMELESS, {}, "does not name its line: give the segment a name"),
        (HILL, {"name": "H" * 101}, r"hill\.gpx makes no segment: data\.name"),
        (HILL, {"by": "no user"}, r"hill\.gpx makes no segment: user"),
        ("", {}, "0 lines in it"),
    ],
)
def test_what_is_no_segment_is_refused_with_the_reason(
    line: str, said: dict[str, str], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message):
        drawn(tmp_path, line, **said)


def test_an_id_that_is_none_is_refused() -> None:
    with pytest.raises(UserError, match=r"hill makes no segment: data\.segment_id"):
        removed("hill", by="ada", at_us=NOW_US)
