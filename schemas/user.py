"""Facts about a user: topic user-events."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from schemas.envelope import Event, Part
from schemas.types import (
    Audience,
    Country,
    HeartRate,
    Latitude,
    Longitude,
    Name,
    Real,
    Sex,
    SpeedMs,
    Time,
    Token,
    Uuid,
    Watts,
)


def _whole(value: object) -> object:
    """Pydantic takes 400.0 for the literal 400, readers of JSON do not."""
    if type(value) is not int:
        raise ValueError("write a whole number")
    return value


Radius = Annotated[Literal[400, 800, 1600], BeforeValidator(_whole)]


class ProfileFields(Part):
    """Physiology and place. What is left out stays as it was."""

    birth_year: Annotated[int, Field(ge=1900, le=2099, json_schema_extra={"unit": "year"})] | None = None
    """Year of birth."""
    height_cm: Annotated[float, Field(ge=50, le=280, json_schema_extra={"unit": "cm"})] | None = None
    """Body height."""
    mass_kg: Annotated[float, Field(ge=20, le=400, json_schema_extra={"unit": "kg"})] | None = None
    """Body mass."""
    hr_max_bpm: HeartRate | None = None
    """Highest heart rate that the athlete reaches."""
    hr_rest_bpm: HeartRate | None = None
    """Heart rate at rest."""
    lthr_bpm: HeartRate | None = None
    """Heart rate at the lactate threshold."""
    ftp_w: Watts | None = None
    """Functional threshold power: the highest mean power of an hour."""
    threshold_speed_m_s: SpeedMs | None = None
    """Running speed that can be held for an hour."""
    country: Country | None = None
    """ISO 3166-1 alpha-2 code of the country of residence."""


class UserRegisteredData(ProfileFields):
    """A new user."""

    name: Name
    """Name that other users see."""
    sex: Sex
    """Sex, for the formulas that differ by it."""


class UserRegistered(Event[UserRegisteredData]):
    """Someone registered. Everything else about a user needs this fact first."""

    type: Literal["UserRegistered"] = "UserRegistered"
    version: Literal[1] = 1


class ProfileChangedData(ProfileFields):
    """What changed."""

    name: Name | None = None
    """Name that other users see."""
    sex: Sex | None = None
    """Sex, for the formulas that differ by it."""


class ProfileChanged(Event[ProfileChangedData]):
    """The profile changed; it counts from the event's time on."""

    type: Literal["ProfileChanged"] = "ProfileChanged"
    version: Literal[1] = 1


class ZonesSetData(Part):
    """Intensity zones as shares of a threshold."""

    sport: Literal[
        "all",
        "running",
        "walking",
        "cycling",
        "ebike",
        "swimming",
        "rowing",
        "snow",
        "skating",
        "gym",
        "ball",
        "other",
    ]
    """Family of sports that they are for; what is set for a family comes before what is set for all."""
    basis: Literal["heart_rate_max", "heart_rate_threshold", "power", "pace"]
    """Shares of what: maximum heart rate, heart rate at threshold, functional threshold power, threshold speed."""
    upper_bounds: tuple[Real, ...] = ()
    """Upper bound of every zone but the last, rising, at most 9; none: the standard zones again."""


class ZonesSet(Event[ZonesSetData]):
    """The user set their own zones; they count for workouts that start from the event's time on."""

    type: Literal["ZonesSet"] = "ZonesSet"
    version: Literal[1] = 1


class UserErasedData(Part):
    """Why."""

    reason: Token | None = None
    """Legal ground or cause, for example gdpr-17."""


class UserErased(Event[UserErasedData]):
    """The user and all that is known about them must go."""

    type: Literal["UserErased"] = "UserErased"
    version: Literal[1] = 1


class ConsentChangedData(Part):
    """One purpose."""

    purpose: Token
    """What the data may be used for, for example model-training."""
    granted: bool
    """Whether the user agrees."""


class ConsentChanged(Event[ConsentChangedData]):
    """The user gave or withdrew consent for a purpose, from the event's time on."""

    type: Literal["ConsentChanged"] = "ConsentChanged"
    version: Literal[1] = 1


class VisibilityChangedData(Part):
    """The audience of each layer of all workouts that say nothing else: domain.visibility."""

    workout: Audience
    """Who sees a workout: sport, time, distance, load."""
    map: Audience
    """Who of these sees its map."""
    heart_rate: Audience
    """Who of these sees its heart rate."""


class VisibilityChanged(Event[VisibilityChangedData]):
    """The user chose who sees their workouts, earlier ones too; the latest event time wins."""

    type: Literal["VisibilityChanged"] = "VisibilityChanged"
    version: Literal[1] = 1


class PrivacyZoneSetData(Part):
    """The place that others must not see: domain.privacy_zones."""

    zone_id: Uuid
    """The zone; it belongs to the place for ever."""
    latitude_deg: Latitude
    """Latitude of the home."""
    longitude_deg: Longitude
    """Longitude of the home."""
    radius_m: Radius
    """Radius of the circle that hides it, in metres."""


class PrivacyZoneSet(Event[PrivacyZoneSetData]):
    """The user hides a place, in earlier workouts too; the latest event time of a zone wins."""

    type: Literal["PrivacyZoneSet"] = "PrivacyZoneSet"
    version: Literal[1] = 1


class PrivacyZoneRemovedData(Part):
    """The zone."""

    zone_id: Uuid
    """The zone that goes."""


class PrivacyZoneRemoved(Event[PrivacyZoneRemovedData]):
    """The user no longer hides a place."""

    type: Literal["PrivacyZoneRemoved"] = "PrivacyZoneRemoved"
    version: Literal[1] = 1


class InjuryReportedData(Part):
    """The injury."""

    onset_time: Time
    """When it began."""
    body_part: Token
    """Where it hurts, for example knee."""
    severity: Literal["slight", "minimal", "mild", "moderate", "severe"]
    """By days of training lost: 0, 1-3, 4-7, 8-28, more (Fuller 2006, doi 10.1136/bjsm.2005.025270)."""
    days_lost: Annotated[int, Field(ge=0, le=3650, json_schema_extra={"unit": "d"})] | None = None
    """Days without full training, once known."""


class InjuryReported(Event[InjuryReportedData]):
    """The user reports an injury: the label that injury models learn from."""

    type: Literal["InjuryReported"] = "InjuryReported"
    version: Literal[1] = 1
