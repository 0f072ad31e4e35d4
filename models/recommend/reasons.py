"""Why something is recommended, in words for the athlete; rules on the features, independent of the model."""

import math
from collections.abc import Mapping

from models.recommend.catalogue import WorkoutKind


def reason_of(kind: WorkoutKind, value: Mapping[str, float], spiked: bool) -> str:
    """One sentence of at most 200 characters, from the state's features by name; missing ones are not mentioned."""
    if spiked:
        return (
            f"That was {value['distance_spike_ratio']:.1f} times your longest distance of the last 30 days: "
            "let it settle before anything hard."
        )
    return {
        "rest": _rest,
        "recovery": _recovery,
        "easy": _easy,
        "long": _long,
        "tempo": _hard,
        "interval": _hard,
        "strength": _strength,
    }[kind](value)


def _rest(value: Mapping[str, float]) -> str:
    week, resting = value["workouts_7d"], value["rest_days_14d"]
    if week >= 5 and not math.isnan(resting):
        return f"{week:.0f} workouts in 7 days and {resting:.0f} rest days in 14: a few days off let the load sink in."
    return "A few days off are part of your rhythm, and of getting fitter."


def _recovery(value: Mapping[str, float]) -> str:
    if value["form_tsb"] < -10:
        return f"Your fatigue is above your fitness (form {value['form_tsb']:.0f}): something short and light."
    return "Something short and light keeps you moving while you recover."


def _easy(value: Mapping[str, float]) -> str:
    if value["weekly_load_change"] > 1.3:
        return f"This week's load is {value['weekly_load_change']:.1f} times last week's: keep the next one easy."
    return "Easy sessions make up most of good training, and fit where you stand."


def _long(value: Mapping[str, float]) -> str:
    distances = (value["longest_distance_30d_m"], value["distance_this_m"])
    longest_km = max((each for each in distances if not math.isnan(each)), default=0.0) / 1000
    if longest_km >= 1:
        return f"Your longest of the last 30 days is {longest_km:.1f} km: a long one at ease, at most a tenth further."
    return "A long session at ease builds endurance."


def _hard(value: Mapping[str, float]) -> str:
    if value["form_tsb"] > 5:
        return f"You are fresh (form {value['form_tsb']:+.0f}): a good time for a hard session."
    return "Some faster work fits your training of the last weeks; warm up well."


def _strength(value: Mapping[str, float]) -> str:
    if value["family_gym"] == 1:
        return "You are used to the gym: keep your strength up."
    return "Strength work supports what you do on the road."
