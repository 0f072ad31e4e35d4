"""What people tell the platform about themselves."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from domain.sports import family_of
from schemas import hot
from schemas.identity import event_id
from simulator.athletes import Person
from simulator.form import Form
from simulator.injuries import Injury
from simulator.message import Dispatch, dispatch
from simulator.social import PRODUCER

_APP: Final = "app:town"
_DAY_US: Final = 86_400_000_000
_CONSENTS: Final = (("model-training", 0.85), ("research", 0.55))
_VISIBILITIES: Final[tuple[tuple[float, hot.VisibilityChangedData | None], ...]] = (  # cumulative shares
    (0.3, hot.VisibilityChangedData(workout="everyone", map="followers", heart_rate="followers")),
    (0.38, hot.VisibilityChangedData(workout="group", map="group", heart_rate="only_me")),
    (0.42, hot.VisibilityChangedData(workout="only_me", map="only_me", heart_rate="only_me")),
    (1.0, None),  # never looks at the settings
)
_ZONE_SHARE: Final = 0.15
_RIDES: Final = frozenset({"cycling", "mountain_biking"})
_TEST_AGAIN_DAYS: Final = 28
_WORTH_TELLING: Final = 0.02


def first_events(person: Person, start_us: int, seed: int) -> Iterator[Dispatch]:
    """Registration, consents, own zones, visibility and maybe a privacy zone, up to thirty days before ``start_us``.

    One in ten tells nothing of their body.
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
        at_us += 1_000_000
        yield dispatch(at_us, _zones(person, at_us))
    dice = rng.random()
    chosen = next(data for share, data in _VISIBILITIES if dice < share)
    if chosen is not None:
        at_us += 1_000_000
        changed = hot.VisibilityChanged.of(
            user=person.user, time=at_us, zone=zone, source=_APP, producer=PRODUCER, data=chosen
        )
        yield dispatch(at_us, changed)
    if rng.random() < _ZONE_SHARE:
        at_us += 1_000_000
        place = hot.PrivacyZoneSetData(
            zone_id=event_id("Zone", seed, person.user),
            latitude_deg=person.home_latitude_deg,
            longitude_deg=person.home_longitude_deg,
            radius_m=(400, 800, 1600)[int(rng.integers(3))],
        )
        hidden = hot.PrivacyZoneSet.of(
            user=person.user, time=at_us, zone=zone, source=_APP, producer=PRODUCER, data=place
        )
        yield dispatch(at_us, hidden)


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
