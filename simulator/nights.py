"""What a band measures that is worn from the evening to the morning: heart rate, and the beats of the small hours."""

from collections.abc import Iterator
from datetime import date
from typing import Final

import numpy as np

from domain.days import day_bounds_us
from schemas.frames import pack_frame
from simulator.athletes import Person
from simulator.faults import Faults
from simulator.form import Form
from simulator.message import Dispatch
from simulator.social import PRODUCER

_S_US: Final = 1_000_000
_HOUR_US: Final = 3_600 * _S_US
_SAMPLING_S: Final = 30
_HOURS: Final = (*range(8), 20, 21, 22, 23)  # of the local day; the charger has it by day
_BEATS_FROM, _BEATS_UNTIL = 2, 5  # hours in which the band keeps the time of each beat
_LOWEST_HOUR: Final = 3.6
_FORGOTTEN: Final = 0.08  # nights
_RESENT: Final = 0.04  # frames
_BREATH_S: Final = 4.2
_ECTOPIC: Final = 0.002


def night(person: Person, form: Form, day: date, faults: Faults, seed: int) -> Iterator[Dispatch]:
    """The frames of a local day, each as it is sent: a minute after its last sample, some of them twice."""
    device = person.night_device
    rng = np.random.default_rng((seed, 7, person.index, day.toordinal()))
    if device is None or rng.random() < _FORGOTTEN:
        return
    begin_us, _ = day_bounds_us(day, person.place.zone)
    strain = max(0.0, form.fatigue - form.fitness)
    for hour in _HOURS:
        at_us = begin_us + hour * _HOUR_US
        hours = hour + np.arange(3_600 // _SAMPLING_S) * _SAMPLING_S / 3_600
        bpm = _heart_rate(person, hours, strain) + rng.normal(0, 0.8, len(hours))
        columns = {"heart_rate_bpm": np.rint(bpm)}
        if _BEATS_FROM <= hour < _BEATS_UNTIL:
            columns["rr_ms"] = _beats(float(bpm.mean()), strain, rng)
        value = pack_frame(
            user=person.user,
            device_id=device,
            sequence=at_us // _HOUR_US,
            start_us=at_us,
            zone=person.place.zone,
            source="device:band",
            producer=PRODUCER,
            columns=columns,
            interval_us=_SAMPLING_S * _S_US,
        )
        sent = Dispatch(at_us + _HOUR_US + 60 * _S_US, "SensorFrame", person.user.encode(), value)
        yield sent
        if rng.random() < _RESENT and faults.resend:
            yield sent._replace(at_us=sent.at_us + int(rng.integers(60, 7_200)) * _S_US, fault="resend")


def _heart_rate(person: Person, hours: np.ndarray, strain: float) -> np.ndarray:
    """Lowest in the small hours, where it is that of rest; higher in the evening and after hard days."""
    until_lowest = np.abs((hours - _LOWEST_HOUR + 12) % 24 - 12)
    lowest = person.hr_rest_bpm + 0.05 * strain
    rate: np.ndarray = lowest + 7 * (1 - np.exp(-(until_lowest**2) / 4)) + np.where(hours > 12, 12.0, 0.0)
    return rate


def _beats(bpm: float, strain: float, rng: np.random.Generator) -> np.ndarray:
    """Intervals of an hour in whole ms: they swing with the breath, wander, and a few beats come early."""
    mean_ms = 60_000 / bpm
    swing_ms = max(12.0, 0.055 * mean_ms - 0.25 * strain)
    count = int(3_600_000 // mean_ms) + 1
    at_s = np.arange(count) * mean_ms / 1_000
    rr_ms = mean_ms + swing_ms * np.sin(2 * np.pi * at_s / _BREATH_S) + rng.normal(0, swing_ms / 3, count)
    early = np.flatnonzero(rng.random(count - 1) < _ECTOPIC)
    rr_ms[early] *= 0.65
    rr_ms[early + 1] *= 1.35
    whole: np.ndarray = np.rint(rr_ms[np.cumsum(rr_ms) <= 3_600_000])
    return whole
