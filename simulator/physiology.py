"""What really happens in a workout: intensity, speed, power, heart rate, on a regular grid of times."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np

from domain.sports import family_of
from domain.track import US_PER_S, FloatColumn, Track
from simulator import circuits
from simulator.athletes import Person
from simulator.habits import Plan, typical_speed_m_s
from simulator.terrain import Hills, hills_of, loop_from_home

_GRAVITY: Final = 9.81
_ROLLING: Final = 0.004  # of a road bike on asphalt
_DRAG: Final = 0.5 * 1.2 * 0.32  # ½ · air density · drag area
_BIKE_KG: Final = 9.0
_ROAD_AHEAD: Final = 1.8  # nobody gets farther than so many times the typical distance
_HEART_LAG_S: Final = 35.0  # time constant of heart rate after a change of intensity
_OUTDOORS_FLAT: Final = frozenset({"swimming", "rowing"})
_STANDING: Final = frozenset({"strength"})
_CADENCE_RPM: Final = {
    "running": 85.0,
    "walking": 56.0,
    "cycling": 84.0,
    "swimming": 28.0,
    "rowing": 24.0,
    "snow": 48.0,
}


@dataclass(frozen=True, slots=True, eq=False)
class Workout:
    """A workout as it was. ``truth`` has every channel that the sport has, without the errors of a device."""

    plan: Plan
    truth: Track
    pauses: tuple[tuple[int, int], ...]
    rpe: float
    ascent_m: float
    energy_kcal: float

    @property
    def start_us(self) -> int:
        """Start, UTC microseconds."""
        return int(self.truth.time_us[0])

    @property
    def end_us(self) -> int:
        """End, UTC microseconds."""
        return int(self.truth.time_us[-1])

    @property
    def timer_time_s(self) -> float:
        """Elapsed time less pauses."""
        return (self.end_us - self.start_us - sum(end - start for start, end in self.pauses)) / US_PER_S


@dataclass(frozen=True, slots=True, eq=False)
class _Motion:
    """Columns (n,) at the times of the rows; power only on a bike."""

    distance_m: FloatColumn
    speed_m_s: FloatColumn
    power_w: FloatColumn | None


def perform(
    person: Person, plan: Plan, *, performance: float, fatigue: float, sampling_s: int, rng: np.random.Generator
) -> Workout:
    """Do the planned workout; one row every ``sampling_s`` seconds of timer time.

    ``performance`` scales threshold power and speed; ``fatigue`` (load points a day above fitness) makes the heart beat
    faster and the effort feel harder.
    """
    n = plan.duration_s // sampling_s + 1
    timer_s: FloatColumn = np.arange(n, dtype=np.float64) * sampling_s
    intensity = np.maximum(_profile(plan, n, rng) + _wander(n, 0.025, 12, rng), 0.2)
    hills = hills_of(person.place, rng, flat=plan.sport in _OUTDOORS_FLAT)
    motion = _motion(person, plan, intensity, performance, hills, timer_s, rng)
    distance, speed, power = motion.distance_m, motion.speed_m_s, motion.power_w
    moves = bool(distance[-1] > 0)
    altitude = hills.altitude_m(distance)
    nowhere = np.full(n, np.nan)
    latitude, longitude = nowhere, nowhere
    if moves and plan.sport not in _STANDING and plan.sport != "swimming":
        latitude, longitude = loop_from_home(distance, person.home_latitude_deg, person.home_longitude_deg, rng)
        # Drawn apart, so that it changes nothing else of the workout.
        if plan.sport in circuits.SPORTS and rng.spawn(1)[0].random() < circuits.SHARE:
            latitude, longitude = circuits.circuit_of(person.place).at(distance)
    heart_rate = _heart_rate(person, intensity, timer_s, fatigue, sampling_s, rng)
    time_us, pauses = _times(plan, timer_s, sampling_s, rng)
    hours = plan.duration_s / 3600
    rpe = 7.2 * plan.intensity**1.6 + 0.7 * hours + 0.02 * max(0.0, fatigue) + float(rng.normal(0, 0.6))
    return Workout(
        plan=plan,
        truth=Track(
            time_us=time_us,
            heart_rate_bpm=heart_rate,
            cadence_rpm=_cadence(plan, speed, power, rng),
            power_w=nowhere if power is None else power,
            speed_m_s=speed if moves else nowhere,
            distance_m=distance if moves else nowhere,
            latitude_deg=latitude,
            longitude_deg=longitude,
            altitude_m=altitude if moves and plan.sport not in _OUTDOORS_FLAT else nowhere,
            temperature_c=_temperature(person, plan, n, rng),
        ),
        pauses=pauses,
        rpe=round(min(10.0, max(1.0, rpe)) * 2) / 2,
        ascent_m=float(np.maximum(np.diff(altitude), 0).sum()) if moves else 0.0,
        energy_kcal=_energy_kcal(person, plan, float(distance[-1]), power),
    )


def _profile(plan: Plan, n: int, rng: np.random.Generator) -> FloatColumn:
    """Intensity over the session as a share of threshold; its mean is about that of the plan."""
    share = np.linspace(0, 1, n)
    match plan.kind:
        case "tempo":
            hard = (share > 0.2) & (share < 0.8) & (np.abs(share - 0.5) > 0.03)
            return np.where(hard, 0.93, 0.6)
        case "interval":
            repeats = int(rng.integers(4, 9))
            hard = (share > 0.22) & (share < 0.85) & ((share * repeats / 0.63) % 1.0 < 0.55)
            return np.where(hard, 1.08, 0.6)
        case "race":
            return 0.97 - 0.06 * np.abs(share - 0.5)
        case "gym":
            return np.where((share * plan.duration_s / 150.0) % 1.0 < 0.4, 0.75, 0.42)
        case "long":
            return plan.intensity + 0.04 * (0.5 - share)
        case _:
            return np.full(n, plan.intensity)


def _motion(
    person: Person,
    plan: Plan,
    intensity: FloatColumn,
    performance: float,
    hills: Hills,
    timer_s: FloatColumn,
    rng: np.random.Generator,
) -> _Motion:
    """How the body moves on: speed is found along the road, where the hills are, and read at each time."""
    n = len(timer_s)
    typical = typical_speed_m_s(person, plan.sport, plan.intensity) * performance
    if typical <= 0:
        return _Motion(np.zeros(n), np.zeros(n), None)
    road_m = np.linspace(0, typical * timer_s[-1] * _ROAD_AHEAD, round(n * _ROAD_AHEAD))
    along = np.interp(road_m / typical, timer_s, intensity)
    grade = hills.grade(road_m)
    power: FloatColumn | None = None
    if family_of(plan.sport) == "cycling":
        power = person.ftp_w * performance * along * (1 + 2.2 * grade) * (1 + _wander(len(road_m), 0.1, 3, rng))
        power = np.where(grade < -0.035, 0.0, np.maximum(power, 0.0))
        speed = _bike_speed(power, grade, person.mass_kg + _BIKE_KG)
        speed = speed if plan.sport == "cycling" else speed * 0.72
    else:
        relative = (0.25 + 0.75 * along) / (0.25 + 0.75 * plan.intensity)
        slope = np.minimum(1.12, 1 - 2.0 * np.minimum(grade, 0.0)) / (1 + 4.5 * np.maximum(grade, 0.0))
        speed = np.maximum(typical * relative * slope * (1 + _wander(len(road_m), 0.03, 6, rng)), 0.15)
    passed_s = np.concatenate(([0.0], np.cumsum(2 * np.diff(road_m) / (speed[1:] + speed[:-1]))))
    return _Motion(
        distance_m=np.interp(timer_s, passed_s, road_m),
        speed_m_s=np.interp(timer_s, passed_s, speed),
        power_w=None if power is None else np.interp(timer_s, passed_s, power),
    )


def _bike_speed(power_w: FloatColumn, grade: FloatColumn, mass_kg: float) -> FloatColumn:
    """Steady speed at which power meets drag, rolling and slope (Martin 1998, doi 10.1123/jab.14.3.276), by Newton's
    method; (n,) in, (n,) out.
    """
    resistance = mass_kg * _GRAVITY * (_ROLLING + grade)
    speed = np.full(len(power_w), 9.0)
    for _ in range(6):
        excess = _DRAG * speed**3 + resistance * speed - 0.97 * power_w
        slope = np.maximum(3 * _DRAG * speed**2 + resistance, 2.0)
        speed = np.clip(speed - excess / slope, 1.5, 15.0)  # from there on they brake
    return smooth(speed, 4)


def _heart_rate(
    person: Person,
    intensity: FloatColumn,
    timer_s: FloatColumn,
    fatigue: float,
    sampling_s: int,
    rng: np.random.Generator,
) -> FloatColumn:
    """Follows intensity with a lag, drifts up after 20 minutes, never above the maximum; (n,)."""
    reserve = person.hr_max_bpm - person.hr_rest_bpm
    target = 0.85 * intensity**0.85
    rows = max(2, round(5 * _HEART_LAG_S / sampling_s))
    kernel = np.exp(-np.arange(rows) * sampling_s / _HEART_LAG_S)
    kernel /= kernel.sum()
    share = np.convolve(np.concatenate((np.full(rows - 1, 0.18), target)), kernel, mode="valid")
    drift = 1 + np.maximum(0.0, timer_s - 1200) / 3600 * 0.045
    beats = person.hr_rest_bpm + reserve * share * drift * (1 + 0.0008 * max(0.0, fatigue))
    noisy = beats + _wander(len(timer_s), 1.6, 4, rng)
    beats_bpm: FloatColumn = np.clip(np.rint(noisy), person.hr_rest_bpm, person.hr_max_bpm)
    return beats_bpm


def _cadence(plan: Plan, speed: FloatColumn, power: FloatColumn | None, rng: np.random.Generator) -> FloatColumn:
    usual = _CADENCE_RPM.get(family_of(plan.sport))
    if usual is None:
        return np.full(len(speed), np.nan)
    cadence = np.rint(usual * (1 + _wander(len(speed), 0.03, 5, rng)))
    return cadence if power is None else np.where(power > 0, cadence, 0.0)


def _temperature(person: Person, plan: Plan, n: int, rng: np.random.Generator) -> FloatColumn:
    place = person.place
    day = datetime.fromtimestamp(plan.start_us / US_PER_S, UTC).timetuple().tm_yday
    summer = np.cos(2 * np.pi * (day - 200) / 365.25) * (1 if place.latitude_deg >= 0 else -1)
    here = place.mean_temperature_c + place.season_c * summer + float(rng.normal(0, 3))
    temperature: FloatColumn = np.rint(here + np.linspace(0, float(rng.normal(0, 1.5)), n))
    return temperature


def _energy_kcal(person: Person, plan: Plan, distance_m: float, power: FloatColumn | None) -> float:
    if power is not None:
        return round(float(power.mean()) * plan.duration_s / 1000.0)  # 24 % efficient: 1 kJ of work is about 1 kcal
    if family_of(plan.sport) in ("running", "walking"):
        return round(1.02 * person.mass_kg * distance_m / 1000.0)
    return round(0.14 * person.mass_kg * plan.intensity * plan.duration_s / 60.0)


def _times(
    plan: Plan, timer_s: FloatColumn, sampling_s: int, rng: np.random.Generator
) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], tuple[tuple[int, int], ...]]:
    """Times of the rows, and the pauses between them: lights, doors, drinks."""
    time_us = plan.start_us + (timer_s * US_PER_S).astype(np.int64)
    pauses: list[tuple[int, int]] = []
    count = 0 if plan.sport in _STANDING else int(rng.poisson(0.5 * plan.duration_s / 3600))
    if count and len(time_us) > 20:
        for row in np.unique(rng.integers(5, len(time_us) - 5, count)).tolist():
            length_us = int(rng.integers(20, 240)) * US_PER_S
            time_us[row:] += length_us
            pauses.append((int(time_us[row - 1]), int(time_us[row]) - sampling_s * US_PER_S))
    return time_us, tuple(pauses)


def _wander(n: int, sd: float, rows: int, rng: np.random.Generator) -> FloatColumn:
    """Noise that changes over about ``rows`` rows, with standard deviation ``sd``; (n,)."""
    return smooth(rng.normal(0, sd * rows**0.5, n), rows)


def smooth(values: FloatColumn, rows: int) -> FloatColumn:
    """Moving mean of up to ``rows`` rows; (n,) in, (n,) out."""
    rows = max(1, min(rows, len(values)))
    sums = np.cumsum(np.concatenate((np.full(rows, values[0]), values)))
    mean: FloatColumn = (sums[rows:] - sums[:-rows]) / rows
    return mean
