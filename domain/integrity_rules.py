"""What rules of integrity measure with: human limits, a track's motion by the second, and the marks of a copied track.

A limit is a published record times a margin. The margins are this project's convention: they stand for the errors of
consumer GPS, for wind, drafting and currents, and for records that fall after this table was written. A record over
a distance also bounds every longer one, since mean speed falls with distance.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from domain.athlete import Sex
from domain.distance import haversine_m
from domain.efforts import MAX_SPAN_S
from domain.elevation import DOWN_M_S, JUMP_M, UP_M_S
from domain.sports import Family, family_of
from domain.timeline import MAX_HELD_S
from domain.track import US_PER_S, FloatColumn, Track
from domain.trimp import clean_heart_rate_bpm

Race = Literal["foot", "wheel", "swim", "boat", "skate"]
Tokens = tuple[int, ...]

GRAVITY_M_S2: Final = 9.80665


@dataclass(frozen=True, slots=True)
class Record:
    """The fastest that a human covered a distance; ``authority`` is who keeps the list."""

    distance_m: float
    duration_s: float
    holder: str
    day: date
    authority: str

    @property
    def speed_m_s(self) -> float:
        """Mean speed in m/s."""
        return self.distance_m / self.duration_s


_WA, _IAU = "World Athletics", "IAU"
_RECORDS: Final[dict[tuple[Race, Sex], tuple[Record, ...]]] = {
    ("foot", "male"): (
        Record(400.0, 43.03, "Wayde van Niekerk", date(2016, 8, 14), _WA),
        Record(800.0, 100.91, "David Rudisha", date(2012, 8, 9), _WA),
        Record(1000.0, 131.96, "Noah Ngeny", date(1999, 9, 5), _WA),
        Record(1500.0, 206.00, "Hicham El Guerrouj", date(1998, 7, 14), _WA),
        Record(1609.344, 223.13, "Hicham El Guerrouj", date(1999, 7, 7), _WA),
        Record(5000.0, 755.36, "Joshua Cheptegei", date(2020, 8, 14), _WA),
        Record(10_000.0, 1571.00, "Joshua Cheptegei", date(2020, 10, 7), _WA),
        Record(21_097.5, 3450.0, "Yomif Kejelcha", date(2024, 10, 27), _WA),
        Record(42_195.0, 7235.0, "Kelvin Kiptum", date(2023, 10, 8), _WA),
        Record(100_000.0, 21_935.0, "Aleksandr Sorokin", date(2023, 5, 14), _IAU),
        Record(319_614.0, 86_400.0, "Aleksandr Sorokin", date(2022, 9, 18), _IAU),
    ),
    ("foot", "female"): (
        Record(400.0, 47.60, "Marita Koch", date(1985, 10, 6), _WA),
        Record(800.0, 113.28, "Jarmila Kratochvílová", date(1983, 7, 26), _WA),
        Record(1000.0, 148.98, "Svetlana Masterkova", date(1996, 8, 23), _WA),
        Record(1500.0, 228.68, "Faith Kipyegon", date(2025, 7, 5), _WA),
        Record(1609.344, 247.64, "Faith Kipyegon", date(2023, 7, 21), _WA),
        Record(5000.0, 838.06, "Beatrice Chebet", date(2025, 7, 5), _WA),
        Record(10_000.0, 1734.14, "Beatrice Chebet", date(2024, 5, 25), _WA),
        Record(21_097.5, 3772.0, "Letesenbet Gidey", date(2021, 10, 24), _WA),
        Record(42_195.0, 7796.0, "Ruth Chepngetich", date(2024, 10, 13), _WA),
        Record(100_000.0, 23_591.0, "Tomoe Abe", date(2000, 6, 25), _IAU),
    ),
    ("wheel", "male"): (
        Record(200.0, 8.857, "Matthew Richardson", date(2025, 8, 15), "UCI"),
        Record(4000.0, 220.730, "Australia, team pursuit", date(2024, 8, 6), "UCI"),
        Record(56_792.0, 3600.0, "Filippo Ganna", date(2022, 10, 8), "UCI"),
        Record(1_026_215.0, 86_400.0, "Christoph Strasser", date(2021, 7, 17), "WUCA"),
    ),
    ("wheel", "female"): (
        Record(200.0, 10.029, "Lea Friedrich", date(2024, 8, 9), "UCI"),
        Record(4000.0, 244.306, "Germany, team pursuit", date(2021, 8, 3), "UCI"),
        Record(50_455.0, 3600.0, "Vittoria Bussi", date(2025, 5, 10), "UCI"),
    ),
    ("swim", "male"): (  # short course: a pool of 25 m is faster than one of 50 m, and than open water
        Record(400.0, 212.25, "Yannick Agnel", date(2012, 11, 15), "World Aquatics"),
        Record(1500.0, 846.88, "Florian Wellbrock", date(2021, 12, 21), "World Aquatics"),
    ),
    ("swim", "female"): (Record(400.0, 230.25, "Summer McIntosh", date(2024, 12, 10), "World Aquatics"),),
    ("boat", "male"): (Record(2000.0, 318.68, "Germany, eight", date(2017, 6, 18), "World Rowing"),),
    ("skate", "male"): (
        Record(500.0, 33.61, "Pavel Kulizhnikov", date(2019, 3, 9), "ISU"),
        Record(10_000.0, 745.69, "Davide Ghiotto", date(2025, 1, 25), "ISU"),
    ),
}
# Convention. A run's distance is off by a few percent at most; a wheel has wind and company, water has a current.
MARGIN: Final[dict[Race, float]] = {"foot": 1.05, "wheel": 1.10, "swim": 1.10, "boat": 1.10, "skate": 1.10}

_RACES: Final[dict[Family, Race]] = {
    "running": "foot",
    "walking": "foot",  # who runs on a walk has named it wrongly, and is not faster than a runner
    "ball": "foot",
    "cycling": "wheel",
    "ebike": "wheel",
    "swimming": "swim",
    "skating": "skate",
}

# The best row of the power profile, W per kg of rider (Allen, Coggan, McGregor 2019, ISBN 978-1-937715-93-9): a
# minute, five minutes, and what is held for an hour. Twenty minutes are that over 0.95, as in their test.
_POWER_W_KG: Final[dict[Sex, tuple[tuple[float, float], ...]]] = {
    "male": ((60.0, 11.50), (300.0, 7.60), (1200.0, 6.40 / 0.95), (3600.0, 6.40)),
    "female": ((60.0, 9.29), (300.0, 6.74), (1200.0, 5.69 / 0.95), (3600.0, 5.69)),
}
POWER_MARGIN: Final = 1.10  # convention: a power meter and a scale are each off by a few percent
LIGHTEST_BIKE_KG: Final = 6.8  # the least that the UCI admits (regulation 1.3.019)
# Convention: a fifth above Philip Götsch's vertical kilometre, 1000 m in 28:53 at Fully in 2017 (0.577 m/s).
FOOT_CLIMB_M_S: Final = 0.70


def race_of(sport: str) -> Race | None:
    """Under which records a sport is judged; ``None`` for one that has no limit here (snow, gym, climbing, what nobody
    named: a flight).
    """
    if sport == "rowing":  # paddling has white water
        return "boat"
    return _RACES.get(family_of(sport))


def records_of(race: Race, sex: Sex) -> tuple[Record, ...]:
    """The records by rising distance. Sex unspecified, and a race without a table for women: those of men, which are
    the wider limit.
    """
    return _RECORDS.get((race, sex)) or _RECORDS[race, "male"]


def record_over(race: Race, sex: Sex, distance_m: float) -> Record | None:
    """The record that bounds the mean speed over ``distance_m``: that of the longest distance that is no longer."""
    return next((r for r in reversed(records_of(race, sex)) if r.distance_m <= distance_m), None)


def record_within(race: Race, sex: Sex, duration_s: float) -> Record | None:
    """The record that bounds the mean speed over ``duration_s``: that of the longest duration that is no longer."""
    return next((r for r in reversed(records_of(race, sex)) if r.duration_s <= duration_s), None)


def power_limit_w_kg(sex: Sex, duration_s: float) -> float | None:
    """W per kg of rider that nobody holds for ``duration_s``; ``None`` under a minute."""
    rows = _POWER_W_KG["female" if sex == "female" else "male"]
    return next((most * POWER_MARGIN for seconds, most in reversed(rows) if seconds <= duration_s), None)


def climbing_w_kg(rise_m_s: float, mass_kg: float) -> float:
    """The least W per kg of rider that a bicycle takes to rise by ``rise_m_s``: g · rise · (rider + bike) / rider.

    The work against gravity alone, with the lightest bike; rolling and air come on top (Martin et al. 1998, J Appl
    Biomech 14, 276-291).

    Criticism: a lower bound. On a gentle slope most of the power goes into air, so a motor there is not seen.
    """
    return GRAVITY_M_S2 * rise_m_s * (mass_kg + LIGHTEST_BIKE_KG) / mass_kg


def climb_limit_m_s(race: Race, sex: Sex, mass_kg: float, duration_s: float) -> float | None:
    """Vertical metres a second that nobody climbs for ``duration_s`` on foot or by bicycle; ``None`` for another race,
    and under five minutes, where a barometer's error and a run-up count as much.
    """
    if duration_s < 300.0:
        return None
    if race == "foot":
        return FOOT_CLIMB_M_S
    most = power_limit_w_kg(sex, duration_s) if race == "wheel" else None
    return None if most is None else most / climbing_w_kg(1.0, mass_kg)


# Conventions of this project.
SPEED_SPAN_S: Final = 10  # speed from places is that over ten seconds: GPS wanders from one second to the next
SLOPE_SPAN_S: Final = 60
LEVEL_SLOPE: Final = -0.015  # steeper downhill, wheels and skates are faster than any record
SUSTAINED_SHARE: Final = 0.9  # of the seconds of a stretch: a car halts at lights


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """A track by whole seconds from its first sample, each column (seconds,); NaN where no sample is within 60 s.

    ``speeds_m_s`` are the speeds that the track knows, by positions, by the speed channel and by the counter, as they
    are: unlike :mod:`domain.distance` nothing is cleaned away, since the impossible is what is looked for.
    ``altitude_m`` counts from the first known one, jumps taken out.
    """

    begin_us: int
    speeds_m_s: tuple[FloatColumn, ...]
    altitude_m: FloatColumn
    heart_rate_bpm: FloatColumn
    power_w: FloatColumn

    def span_us(self, first_s: int, last_s: int) -> tuple[int, int]:
        """Two of its seconds as UTC microseconds."""
        return self.begin_us + first_s * US_PER_S, self.begin_us + last_s * US_PER_S

    def rise_m_s(self, span_s: int) -> FloatColumn:
        """Vertical speed over the ``span_s`` seconds from each second on, (seconds,); NaN at the end."""
        return _change(self.altitude_m, span_s) / span_s

    def level(self, speed_m_s: float) -> NDArray[np.bool_]:
        """Whether the minute from each second on is known not to fall more than 1.5 % at ``speed_m_s``."""
        level: NDArray[np.bool_] = self.rise_m_s(SLOPE_SPAN_S) >= LEVEL_SLOPE * speed_m_s
        return level

    def drop_m(self, start_us: int, end_us: int) -> float:
        """Metres lost from one time to another; NaN where an altitude is unknown."""
        ends = [round((time_us - self.begin_us) / US_PER_S) for time_us in (start_us, end_us)]
        first, last = (min(max(0, second), len(self.altitude_m) - 1) for second in ends)
        return float(self.altitude_m[first] - self.altitude_m[last])


def motion_of(track: Track) -> Motion | None:
    """The motion of a track; ``None`` with fewer than two samples, or over more than four days (a fault of a clock)."""
    if len(track) < 2 or track.elapsed_s > MAX_SPAN_S:
        return None
    begin_us = int(track.time_us[0])
    seconds = np.arange(int(track.elapsed_s) + 1, dtype=np.float64)
    latitude, longitude, counter, speed = (
        on_seconds(track, column, begin_us, seconds)
        for column in (track.latitude_deg, track.longitude_deg, track.distance_m, track.speed_m_s)
    )
    moved = np.full(len(seconds), np.nan)
    moved[:-SPEED_SPAN_S] = apart_m(
        latitude[:-SPEED_SPAN_S], longitude[:-SPEED_SPAN_S], latitude[SPEED_SPAN_S:], longitude[SPEED_SPAN_S:]
    )
    return Motion(
        begin_us,
        (moved / SPEED_SPAN_S, speed, _change(counter, SPEED_SPAN_S) / SPEED_SPAN_S),
        on_seconds(track, _without_jumps(track), begin_us, seconds),
        on_seconds(track, clean_heart_rate_bpm(track.heart_rate_bpm), begin_us, seconds),
        on_seconds(track, track.power_w, begin_us, seconds),
    )


def on_seconds(track: Track, values: FloatColumn, begin_us: int, seconds: FloatColumn) -> FloatColumn:
    """A channel (n,) of a track, interpolated at ``seconds`` from ``begin_us`` on; NaN outside of what is known and in
    gaps of over 60 s.
    """
    known = np.isfinite(values)
    if np.count_nonzero(known) < 2:
        return np.full(len(seconds), np.nan)
    time_s = (track.time_us[known] - begin_us) / US_PER_S
    after = np.clip(np.searchsorted(time_s, seconds), 1, len(time_s) - 1)
    held = (time_s[after] - time_s[after - 1] <= MAX_HELD_S) | np.isin(seconds, time_s)
    return np.where(held, np.interp(seconds, time_s, values[known], left=np.nan, right=np.nan), np.nan)


def apart_m(
    latitude_deg: FloatColumn, longitude_deg: FloatColumn, other_latitude: FloatColumn, other_longitude: FloatColumn
) -> FloatColumn:
    """Great-circle metres between two places, row by row, (n,); NaN beside an unknown one."""
    latitudes = np.column_stack((latitude_deg, other_latitude)).ravel()
    longitudes = np.column_stack((longitude_deg, other_longitude)).ravel()
    return haversine_m(latitudes, longitudes)[::2]


def stretch(holds: NDArray[np.bool_], window_s: int) -> tuple[int, int] | None:
    """The first and last second of the first stretch in whose every window of ``window_s`` seconds at least 90 % hold;
    ``None`` when there is no such window.
    """
    if len(holds) < window_s:
        return None
    sums = np.concatenate(([0], np.cumsum(holds)))
    windows = np.flatnonzero(sums[window_s:] - sums[:-window_s] >= SUSTAINED_SHARE * window_s)
    if len(windows) == 0:
        return None
    ends = np.flatnonzero(np.diff(windows) > 1)
    last = windows[ends[0]] if len(ends) else windows[-1]
    return int(windows[0]), int(last) + window_s - 1


def _change(values: FloatColumn, span: int) -> FloatColumn:
    change = np.full(len(values), np.nan)
    if len(values) > span:
        change[:-span] = values[span:] - values[:-span]
    return change


def _without_jumps(track: Track) -> FloatColumn:
    """Altitude with the steps that :mod:`domain.elevation` does not count taken out."""
    known = np.isfinite(track.altitude_m)
    altitude = np.full(len(track), np.nan)
    if not known.any():
        return altitude
    step_m = np.diff(track.altitude_m[known])
    step_s = np.diff(track.time_us[known]) / US_PER_S
    jump = ((step_m > UP_M_S * step_s) | (step_m < -DOWN_M_S * step_s)) & (np.abs(step_m) > JUMP_M)
    altitude[known] = np.concatenate(([0.0], np.cumsum(np.where(jump, 0.0, step_m))))
    return altitude


MARKS: Final = 64
SAME_SHARE: Final = 0.25
# About a metre: finer than the noise by which two devices on one road differ, coarser than what formats round away.
_DEGREE_STEPS: Final = 1e5
_RUN: Final = 32
_LEAST_CHANGES: Final = 8


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Marks of what a track says, 64 a channel; no marks where a channel has too few samples.

    Times are not in it. Look a workout's marks up among those of others: two tracks that share one may be the same;
    :func:`same_share` says. Marks are whole numbers from 0 to 2^63 - 1.
    """

    position: Tokens
    heart_rate: Tokens
    power: Tokens


def fingerprint_of(track: Track) -> Fingerprint:
    """The fingerprint of a track: of all marks of a channel the 64 that hash lowest.

    A mark of positions is two fixes that follow each other, to 0.00001°; a mark of heart rate or power is 32 samples
    that follow each other and change at least 8 times, in whole bpm or watts. So a shift in time, another file format,
    a clock that runs faster, another title and a cut end leave most marks; another athlete on the same road has hardly
    any. The bottom-k sketch estimates what two sets share (Broder 1997, On the resemblance and containment of
    documents).

    Criticism: positions with added noise and no heart rate, or samples thinned out, give other marks.
    """
    return Fingerprint(
        position=_lowest(_position_marks(track.latitude_deg, track.longitude_deg)),
        heart_rate=_lowest(_run_marks(track.heart_rate_bpm)),
        power=_lowest(_run_marks(track.power_w)),
    )


def same_share(a: Fingerprint, b: Fingerprint) -> tuple[float, str]:
    """The share (0..1) of marks that two tracks have in common, of the channel that agrees best, and its name."""
    channels = ("position", "heart_rate", "power")
    return max((_shared(getattr(a, name), getattr(b, name)), name.replace("_", " ")) for name in channels)


def _shared(a: Tokens, b: Tokens) -> float:
    if not a or not b:
        return 0.0
    lowest = sorted({*a, *b})[:MARKS]
    return len({*lowest} & {*a} & {*b}) / MARKS


def _lowest(marks: NDArray[np.uint64]) -> Tokens:
    distinct = np.unique(marks >> np.uint64(1))
    return tuple(distinct[:MARKS].tolist()) if len(distinct) >= MARKS else ()


def _position_marks(latitude_deg: FloatColumn, longitude_deg: FloatColumn) -> NDArray[np.uint64]:
    known = np.isfinite(latitude_deg) & np.isfinite(longitude_deg)
    lat = np.rint(latitude_deg[known] * _DEGREE_STEPS).astype(np.int64)
    lon = np.rint(longitude_deg[known] * _DEGREE_STEPS).astype(np.int64)
    moved = (lat[1:] != lat[:-1]) | (lon[1:] != lon[:-1])
    place = _mixed(_mixed(lat.astype(np.uint64)) ^ lon.astype(np.uint64))
    marks: NDArray[np.uint64] = _mixed(_mixed(place[:-1]) ^ place[1:])[moved]
    return marks


def _run_marks(values: FloatColumn) -> NDArray[np.uint64]:
    whole = np.rint(values[np.isfinite(values)]).astype(np.int64)
    if len(whole) < _RUN:
        return np.empty(0, dtype=np.uint64)
    runs = len(whole) - _RUN + 1
    mark = np.zeros(runs, dtype=np.uint64)
    for place in range(_RUN):
        mark = _mixed(mark ^ whole[place : place + runs].astype(np.uint64))
    changes = np.concatenate(([0], np.cumsum(whole[1:] != whole[:-1])))
    lively = changes[_RUN - 1 :] - changes[:runs] >= _LEAST_CHANGES
    return mark[lively]


def _mixed(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's step (Steele, Lea, Flood 2014): every bit of the input reaches every bit of the output."""
    x = words + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: NDArray[np.uint64] = x ^ (x >> np.uint64(31))
    return mixed
