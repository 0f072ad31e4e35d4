"""What people tell the platform about themselves."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from domain.sports import family_of
from schemas import hot
from simulator.athletes import Person
from simulator.form import Form
from simulator.injuries import Injury
from simulator.message import Dispatch, dispatch
from simulator.social import PRODUCER

_APP: Final = "app:town"
_DAY_US: Final = 86_400_000_000
_CONSENTS: Final = (("model-training", 0.85), ("research", 0.55))
_RIDES: Final = frozenset({"cycling", "mountain_biking"})
_TEST_AGAIN_DAYS: Final = 28
_WORTH_TELLING: Final = 0.02


def first_events(person: Person, start_us: int, seed: int) -> Iterator[Dispatch]:
    """Registration, consents and zones, one to thirty days before ``start_us``. One in ten tells nothing of their
    body.
    """
    rng = np.random.default_rng((seed, 4, person.index))
    at_us = start_us - int(rng.uniform(1, 30) * _DAY_US)
    telling = rng.random() < 0.9
    rides = telling and bool(_RIDES.intersection(person.sports))
    data = hot.UserRegisteredData(
        name=person.name,
        sex=person.sex,
        birth_year=person.birth_year,
        country=person.place.country,
        height_cm=person.height_cm if telling else None,
        mass_kg=person.mass_kg if telling else None,
        hr_max_bpm=person.hr_max_bpm if telling else None,
        hr_rest_bpm=person.hr_rest_bpm if telling else None,
        lthr_bpm=person.lthr_bpm if telling else None,
        ftp_w=person.ftp_w if rides else None,
        threshold_speed_m_s=person.threshold_speed_m_s if telling else None,
    )
    zone = person.place.zone
    registered = hot.UserRegistered.of(
        user=person.user, time=at_us, zone=zone, source=_APP, producer=PRODUCER, data=data
    )
    yield dispatch(at_us, registered)
    for purpose, share in _CONSENTS:
        at_us += 1_000_000
        yield dispatch(at_us, _consent(person, at_us, purpose, granted=bool(rng.random() < share)))
    if person.own_zones:
        yield dispatch(at_us + 1_000_000, _zones(person, at_us + 1_000_000))


def _zones(person: Person, at_us: int) -> hot.ZonesSet:
    """Three zones around the thresholds of a polarised plan: by power for who mostly rides, else by heart rate."""
    family = family_of(person.sports[0])
    rides = family == "cycling"
    data = hot.ZonesSetData(
        sport=family,
        basis="power" if rides else "heart_rate_threshold",
        upper_bounds=(0.76, 1.0) if rides else (0.88, 1.0),
    )
    return hot.ZonesSet.of(
        user=person.user, time=at_us, zone=person.place.zone, source=_APP, producer=PRODUCER, data=data
    )


def changed_profile(person: Person, form: Form, now_us: int) -> hot.ProfileChanged | None:
    """A new threshold, when four weeks have passed since the last test and it moved by 2 % or more."""
    if form.stated_day is not None and (form.day - form.stated_day).days < _TEST_AGAIN_DAYS:
        return None
    if form.stated_day is None:
        form.stated_day = form.day
        return None
    performance = form.performance
    form.stated_day = form.day
    if abs(performance / form.stated_performance - 1) < _WORTH_TELLING:
        return None
    form.stated_performance = performance
    rides = bool(_RIDES.intersection(person.sports))
    return hot.ProfileChanged.of(
        user=person.user,
        time=now_us,
        zone=person.place.zone,
        source=_APP,
        producer=PRODUCER,
        data=hot.ProfileChangedData(
            ftp_w=float(round(person.ftp_w * performance)) if rides else None,
            threshold_speed_m_s=round(person.threshold_speed_m_s * performance, 3),
        ),
    )


def changed_consent(person: Person, now_us: int, rng: np.random.Generator) -> hot.ConsentChanged:
    """A change of mind."""
    purpose, _ = _CONSENTS[int(rng.integers(len(_CONSENTS)))]
    return _consent(person, now_us, purpose, granted=bool(rng.random() < 0.3))


def reported(person: Person, injury: Injury) -> hot.InjuryReported:
    """The athlete reports an injury."""
    return hot.InjuryReported.of(
        user=person.user,
        time=injury.reported_us,
        zone=person.place.zone,
        source=_APP,
        producer=PRODUCER,
        data=hot.InjuryReportedData(
            onset_time=injury.onset_us,
            body_part=injury.body_part,
            severity=injury.severity,
            days_lost=injury.days_lost,
        ),
    )


def _consent(person: Person, at_us: int, purpose: str, *, granted: bool) -> hot.ConsentChanged:
    return hot.ConsentChanged.of(
        user=person.user,
        time=at_us,
        zone=person.place.zone,
        source=_APP,
        producer=PRODUCER,
        data=hot.ConsentChangedData(purpose=purpose, granted=granted),
    )
