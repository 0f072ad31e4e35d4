"""GPX and TCX as different people write them."""

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from recordings import Recording, RecordingError, read_recording


def us(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).timestamp()) * 1_000_000


def point(time: str, extensions: str = "", ele: str = "<ele>10</ele>") -> str:
    inside = f"<extensions>{extensions}</extensions>" if extensions else ""
    return f'<trkpt lat="46.1" lon="15.1">{ele}<time>{time}</time>{inside}</trkpt>'


def gpx(*tracks: str, attributes: str = 'version="1.1" creator="A watch"') -> str:
    return f"<gpx {attributes}>{''.join(f'<trk><type>running</type>{track}</trk>' for track in tracks)}</gpx>"


def segment(*points: str) -> str:
    return f"<trkseg>{''.join(points)}</trkseg>"


def read(tmp_path: Path, text: str, encoding: str = "utf-8") -> list[Recording]:
    path = tmp_path / "activity.xml"
    path.write_bytes(text.encode(encoding))
    return read_recording(path)


@pytest.mark.parametrize(
    "extensions",
    [
        '<x:TrackPointExtension xmlns:x="http://www.garmin.com/xmlschemas/TrackPointExtension/v2"><x:hr>141</x:hr>'
        "<x:cad>85</x:cad><x:atemp>12.5</x:atemp><x:speed>3.25</x:speed></x:TrackPointExtension><power>222</power>",
        '<g:hr xmlns:g="http://www.cluetrust.com/XML/GPXDATA/1/0">141</g:hr><cadence>85</cadence><temp>12.5</temp>'
        '<speed>3.25</speed><p:PowerInWatts xmlns:p="urn:p">222</p:PowerInWatts>',
        "<heartrate>141</heartrate><watts>222</watts><cad>85</cad><temperature>12.5</temperature><speed>3.25</speed>",
    ],
)
def test_sensors_are_found_in_the_extensions_of_many_writers(tmp_path: Path, extensions: str) -> None:
    (recording,) = read(
        tmp_path, gpx(segment(point("2026-06-01T08:00:00Z", extensions), point("2026-06-01T08:00:01Z")))
    )
    track = recording.track
    first = [track.heart_rate_bpm, track.cadence_rpm, track.power_w, track.temperature_c, track.speed_m_s]
    assert [column[0] for column in first] == [141, 85, 222, 12.5, 3.25]
    assert all(np.isnan(column[1]) for column in first)
    assert (recording.device.product, recording.sport) == ("A watch", "running")


def test_a_gap_between_segments_is_a_pause_and_a_lost_second_is_not(tmp_path: Path) -> None:
    text = gpx(
        segment(point("2026-06-01T08:00:00Z"), point("2026-06-01T08:00:10Z"))
        + segment(point("2026-06-01T08:00:12Z"), point("2026-06-01T08:00:20Z"))
        + segment(point("2026-06-01T08:05:00Z"), point("2026-06-01T08:05:10Z"))
    )
    (recording,) = read(tmp_path, text)
    assert recording.pauses == ((us("2026-06-01T08:00:20Z"), us("2026-06-01T08:05:00Z")),)
    assert (recording.start_us, recording.end_us) == (us("2026-06-01T08:00:00Z"), us("2026-06-01T08:05:10Z"))


def test_each_track_of_a_gpx_is_a_recording(tmp_path: Path) -> None:
    tracks = [segment(point(f"2026-06-0{day}T08:00:00Z"), point(f"2026-06-0{day}T08:00:01Z")) for day in (1, 2)]
    recordings = read(tmp_path, gpx(*tracks))
    assert [recording.leg for recording in recordings] == [0, 1]
    assert recordings[0].content_id == recordings[1].content_id


def test_without_a_position_an_offset_is_the_zone_and_times_without_one_are_utc_with_a_warning(tmp_path: Path) -> None:
    def indoors(time: str) -> list[str]:
        body = lap(time, 1, f"<Trackpoint><Time>{time}</Time></Trackpoint>")
        nowhere = f'<trkpt lat="0" lon="0"><time>{time}</time></trkpt>'
        return [gpx(segment(nowhere)), tcx(f'<Activity Sport="Running">{body}</Activity>')]

    for text in indoors("2026-06-01T08:00:00+05:45"):
        (there,) = read(tmp_path, text)
        assert (there.zone, there.start_us) == ("+05:45", us("2026-06-01T02:15:00Z"))
    for text in indoors("2026-06-01T08:00:00Z"):
        assert read(tmp_path, text)[0].zone is None
    for text in indoors("2026-06-01T08:00:00"):
        (naive,) = read(tmp_path, text)
        assert (naive.zone, naive.start_us) == (None, us("2026-06-01T08:00:00Z"))
        assert naive.warnings == ("times without a zone, taken as UTC",)


def test_points_without_a_time_are_left_out_with_a_warning(tmp_path: Path) -> None:
    (recording,) = read(tmp_path, gpx(segment('<trkpt lat="1" lon="2"/>', point("2026-06-01T08:00:00Z"))))
    assert len(recording.track) == 1
    assert recording.warnings == ("1 points without a time left out",)


def test_texts_with_a_byte_order_mark_or_in_utf_16_are_read(tmp_path: Path) -> None:
    text = gpx(segment(point("2026-06-01T08:00:00.5Z")))
    for encoding in ("utf-8-sig", "utf-16"):
        (recording,) = read(tmp_path, text, encoding)
        assert recording.start_us == us("2026-06-01T08:00:00Z") + 500_000


def trackpoint(second: int, extra: str = "", minute: int = 0) -> str:
    return f"<Trackpoint><Time>2026-06-01T08:{minute:02d}:{second:02d}.000Z</Time>{extra}</Trackpoint>"


def lap(start: str, total_s: float, *tracks: str, totals: str = "") -> str:
    inside = "".join(f"<Track>{track}</Track>" for track in tracks)
    return f'<Lap StartTime="{start}"><TotalTimeSeconds>{total_s}</TotalTimeSeconds>{totals}{inside}</Lap>'


def tcx(activities: str) -> str:
    namespace = "http://www.garmin.com/xmlschemas/TrainingCenterDatabase/v2"
    return f'<TrainingCenterDatabase xmlns="{namespace}"><Activities>{activities}</Activities></TrainingCenterDatabase>'


def test_tcx_pauses_are_between_tracks_and_between_laps(tmp_path: Path) -> None:
    first = lap("2026-06-01T08:00:00Z", 20, trackpoint(0) + trackpoint(10), trackpoint(40) + trackpoint(50))
    second = lap("2026-06-01T08:02:00Z", 10, trackpoint(0, minute=2) + trackpoint(10, minute=2))
    (recording,) = read(tmp_path, tcx(f'<Activity Sport="Running">{first}{second}</Activity>'))
    assert recording.pauses == (
        (us("2026-06-01T08:00:10Z"), us("2026-06-01T08:00:40Z")),
        (us("2026-06-01T08:00:50Z"), us("2026-06-01T08:02:00Z")),
    )
    assert recording.stated.timer_time_s == 30


def test_a_new_lap_on_the_fly_is_no_pause(tmp_path: Path) -> None:
    first = lap("2026-06-01T08:00:00Z", 30.4, trackpoint(0) + trackpoint(22))
    second = lap("2026-06-01T08:00:31Z", 20, trackpoint(31) + trackpoint(51))
    (recording,) = read(tmp_path, tcx(f'<Activity Sport="Running">{first}{second}</Activity>'))
    assert recording.pauses == ()


def test_a_pause_begins_after_the_last_sample_also_if_the_lap_counts_only_moving_time(tmp_path: Path) -> None:
    first = lap("2026-06-01T08:00:00Z", 10, trackpoint(0) + trackpoint(22))
    second = lap("2026-06-01T08:00:40Z", 10, trackpoint(40) + trackpoint(50))
    (recording,) = read(tmp_path, tcx(f'<Activity Sport="Running">{first}{second}</Activity>'))
    assert recording.pauses == ((us("2026-06-01T08:00:22Z"), us("2026-06-01T08:00:40Z")),)


def test_tcx_totals_are_sums_of_the_laps_and_unknown_if_a_lap_does_not_say(tmp_path: Path) -> None:
    totals = "<DistanceMeters>100.5</DistanceMeters><Calories>9</Calories>"
    first = lap("2026-06-01T08:00:00Z", 10, trackpoint(0) + trackpoint(10), totals=totals)
    second = lap("2026-06-01T08:00:10Z", 10, trackpoint(11) + trackpoint(20), totals="<Calories>8</Calories>")
    (recording,) = read(tmp_path, tcx(f'<Activity Sport="Biking">{first}{second}</Activity>'))
    assert recording.stated.distance_m is None
    assert recording.stated.energy_kcal == 17


def test_tcx_sensors_and_creator_are_read(tmp_path: Path) -> None:
    extra = (
        "<Position><LatitudeDegrees>46.5</LatitudeDegrees><LongitudeDegrees>15.5</LongitudeDegrees></Position>"
        "<AltitudeMeters>251.2</AltitudeMeters><DistanceMeters>12.5</DistanceMeters>"
        "<HeartRateBpm><Value>151</Value></HeartRateBpm><Extensions>"
        '<TPX xmlns="http://www.garmin.com/xmlschemas/ActivityExtension/v2"><Speed>3.5</Speed><RunCadence>88</RunCadence>'
        "<Watts>301</Watts></TPX></Extensions>"
    )
    creator = "<Creator><Name>Forerunner</Name><UnitId>42</UnitId></Creator>"
    body = lap("2026-06-01T08:00:00Z", 1, trackpoint(0, extra) + trackpoint(1))
    (recording,) = read(tmp_path, tcx(f'<Activity Sport="Running">{body}{creator}</Activity>'))
    track = recording.track
    assert track.latitude_deg[0] == 46.5
    assert [track.altitude_m[0], track.distance_m[0], track.heart_rate_bpm[0]] == [251.2, 12.5, 151]
    assert [track.speed_m_s[0], track.cadence_rpm[0], track.power_w[0]] == [3.5, 88, 301]
    assert (recording.device.product, recording.device.serial) == ("Forerunner", "42")


def test_each_activity_of_a_tcx_multisport_session_is_a_leg(tmp_path: Path) -> None:
    swim = lap("2026-06-01T08:00:00Z", 10, trackpoint(0) + trackpoint(10))
    ride = lap("2026-06-01T08:01:00Z", 10, trackpoint(0, minute=1) + trackpoint(10, minute=1))
    text = (
        f'<MultiSportSession><FirstSport><Activity Sport="Other">{swim}</Activity></FirstSport>'
        f'<NextSport><Activity Sport="Biking">{ride}</Activity></NextSport></MultiSportSession>'
    )
    recordings = read(tmp_path, tcx(text))
    assert [(recording.leg, recording.sport) for recording in recordings] == [(0, "other"), (1, "cycling")]


def test_a_run_that_counts_both_feet_is_halved(tmp_path: Path) -> None:
    points = "".join(trackpoint(second, f"<Cadence>{176 + second}</Cadence>") for second in range(5))
    (run,) = read(tmp_path, tcx(f'<Activity Sport="Running">{lap("2026-06-01T08:00:00Z", 5, points)}</Activity>'))
    assert run.track.cadence_rpm.tolist() == [88, 88.5, 89, 89.5, 90]
    (ride,) = read(tmp_path, tcx(f'<Activity Sport="Biking">{lap("2026-06-01T08:00:00Z", 5, points)}</Activity>'))
    assert ride.track.cadence_rpm[0] == 176


def test_impossible_values_are_left_out_and_counted(tmp_path: Path) -> None:
    beats = [0, 0, 255, 120]
    points = "".join(
        trackpoint(second, f"<HeartRateBpm><Value>{bpm}</Value></HeartRateBpm>") for second, bpm in enumerate(beats)
    )
    (recording,) = read(tmp_path, tcx(f'<Activity Sport="Running">{lap("2026-06-01T08:00:00Z", 4, points)}</Activity>'))
    assert np.isnan(recording.track.heart_rate_bpm[:3]).all()
    assert recording.warnings == ("1 values of heart_rate_bpm outside 20 to 250 left out",)


def test_a_receiver_without_a_fix_is_not_at_zero_zero(tmp_path: Path) -> None:
    nowhere = '<trkpt lat="0" lon="0"><time>2026-06-01T08:00:00Z</time></trkpt>'
    (recording,) = read(tmp_path, gpx(segment(nowhere, point("2026-06-01T08:00:01Z"))))
    assert np.array_equal(recording.track.latitude_deg, [np.nan, 46.1], equal_nan=True)
    assert np.array_equal(recording.track.longitude_deg, [np.nan, 15.1], equal_nan=True)


@pytest.mark.parametrize("year", ["1970", "1989", "1999", "2150"])
def test_a_clock_that_was_reset_is_refused(tmp_path: Path, year: str) -> None:
    with pytest.raises(RecordingError, match="date"):
        read(tmp_path, gpx(segment(point(f"{year}-06-01T08:00:00Z"))))
    body = lap(f"{year}-06-01T08:00:00Z", 1, f"<Trackpoint><Time>{year}-06-01T08:00:00Z</Time></Trackpoint>")
    with pytest.raises(RecordingError, match="date"):
        read(tmp_path, tcx(f'<Activity Sport="Running">{body}</Activity>'))


def test_a_few_samples_of_a_reset_clock_are_left_out_and_counted(tmp_path: Path) -> None:
    good = [point(f"2026-06-01T08:00:{second:02d}Z") for second in range(5)]
    bad = [point("1970-01-01T00:00:05Z"), point("2026-07-01T08:00:00Z")]
    (recording,) = read(tmp_path, gpx(segment(*good[:3], *bad, *good[3:])))
    assert len(recording.track) == 5
    assert recording.warnings == ("2 samples with an impossible time left out",)


def test_a_start_where_polar_clocks_start_is_warned_about(tmp_path: Path) -> None:
    (recording,) = read(tmp_path, gpx(segment(point("2019-01-01T00:04:00Z"))))
    assert len(recording.warnings) == 1
    assert "the date may be wrong" in recording.warnings[0]
