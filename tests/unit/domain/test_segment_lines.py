"""Which lines make a segment, drawn or from a GPX file."""

from pathlib import Path

import numpy as np
import pytest

from domain.distance import haversine_m
from domain.segments import segment_of
from recordings import RecordingError
from recordings.segment_file import read_line
from tests.roads import on_map, segment


@pytest.mark.parametrize(
    ("corners", "says"),
    [
        ([], "0 distinct points: give at least 2"),
        ([(0, 0)], "1 distinct points"),
        ([(0, 0), (0, 0)], "1 distinct points"),
        ([(0, 0), (200, 0)], "200 m long: make it longer, 300 m to 100 km"),
        ([(i * 990.0, 0.0) for i in range(105)], "make it shorter"),
        ([(0, 0), (500, 0), (2000, 0), (2500, 0)], "jumps 1500 m"),
    ],
)
def test_a_line_that_is_no_segment_is_refused(corners: list[tuple[float, float]], says: str) -> None:
    latitude, longitude = on_map(*np.array(corners, dtype=np.float64).reshape(-1, 2).T)
    with pytest.raises(ValueError, match=says):
        segment_of("7", "No segment", "running", latitude.tolist(), longitude.tolist())


def test_points_off_the_map_unpaired_ones_and_unknown_sports_are_refused() -> None:
    with pytest.raises(ValueError, match="point 2 is at nan"):
        segment_of("7", "Lost", "running", [60.0, np.nan], [10.0, 10.0])
    with pytest.raises(ValueError, match="point 1 is at 89"):
        segment_of("7", "Pole", "running", [89.0, 60.0], [10.0, 10.0])
    with pytest.raises(ValueError, match="2 latitudes and 1 longitudes"):
        segment_of("7", "Odd", "running", [60.0, 60.1], [10.0])
    with pytest.raises(ValueError, match="'jogging': give one of running"):
        segment_of("7", "Odd", "jogging", [60.0, 60.1], [10.0, 10.0])  # type: ignore[arg-type]


def test_a_segment_keeps_its_ends_and_length_and_has_even_points() -> None:
    line = segment((0, 0), (300, 0), (300, 400))
    latitude, longitude = on_map(np.array([0.0, 300.0]), np.array([0.0, 400.0]))
    assert (line.latitude_deg[0], line.longitude_deg[0]) == pytest.approx((latitude[0], longitude[0]))
    assert (line.latitude_deg[-1], line.longitude_deg[-1]) == pytest.approx((latitude[1], longitude[1]))
    assert line.length_m == pytest.approx(700.0, rel=1e-4)
    assert haversine_m(line.latitude_deg, line.longitude_deg) == pytest.approx(np.full(70, 10.0), rel=0.02)


GPX = '<gpx xmlns="http://www.topografix.com/GPX/1/1" version="1.1" creator="club">{}</gpx>'
POINTS = [(60.0, 10.0), (60.002, 10.0), (60.004, 10.001)]


def points(tag: str) -> str:
    return "".join(f'<{tag} lat="{latitude}" lon="{longitude}"/>' for latitude, longitude in POINTS)


@pytest.mark.parametrize(
    "line",
    [
        f"<rte><name>Hill</name>{points('rtept')}</rte>",
        f"<trk><name>Hill</name><trkseg>{points('trkpt')}</trkseg></trk>",
        f"<trk><name>Hill</name><trkseg>{points('trkpt')}</trkseg><trkseg/></trk><trk><trkseg/></trk>",
    ],
)
def test_a_drawn_route_and_a_track_without_times_make_a_segment(tmp_path: Path, line: str) -> None:
    file = tmp_path / "hill.gpx"
    file.write_text(GPX.format(line))
    drawn = read_line(file)
    assert drawn.name == "Hill"
    assert list(zip(drawn.latitude_deg, drawn.longitude_deg, strict=True)) == POINTS
    made = segment_of("hill", "Hill", "running", drawn.latitude_deg, drawn.longitude_deg)
    assert made.length_m == pytest.approx(222.39 + 229.27, rel=0.01)  # 0.002° north; the second goes 55.6 m east, too


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (GPX.format(""), "0 lines in it: export one route or one track alone"),
        (GPX.format(f"<rte>{points('rtept')}</rte>" * 2), "2 lines in it"),
        ("<kml/>", "<kml> and not GPX"),
        (GPX.format('<rte><rtept lat="north" lon="1"/></rte>'), "broken GPX"),
        ('<!DOCTYPE gpx [<!ENTITY a "b">]>' + GPX.format(""), "document type"),
        ("no XML", "broken XML"),
    ],
)
def test_a_file_without_one_line_is_refused(tmp_path: Path, content: str, says: str) -> None:
    file = tmp_path / "line.gpx"
    file.write_text(content)
    with pytest.raises(RecordingError, match=says):
        read_line(file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"none\.gpx: cannot be opened"):
        read_line(tmp_path / "none.gpx")
