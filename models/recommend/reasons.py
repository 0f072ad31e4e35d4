"""Why something is recommended, in words for the athlete; rules on the features, independent of the model."""

import numpy as np
from numpy.typing import NDArray

from models.recommend.catalogue import WorkoutKind
from models.rows import COLUMN


def reason_of(kind: WorkoutKind, row: NDArray[np.float32], spiked: bool) -> str:
    """One sentence of at most 200 characters, from the features (F,) of the state. Missing values are not mentioned."""
    value = {name: float(row[index]) for name, index in COLUMN.items()}
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


def _rest(value: dict[str, float]) -> str:
    week, resting = value["workouts_7d"], value["rest_days_14d"]
    if week >= 5 and resting == resting:
        return f"{week:.0f} workouts in 7 days and {resting:.0f} rest days in 14: a few days off let the load sink in."
    return "A few days off are part of your rhythm, and of getting fitter."


def _recovery(value: dict[str, float]) -> str:
    if value["form_tsb"] < -10:
        return f"Your fatigue is above your fitness (form {value['form_tsb']:.0f}): something short and light."
    return "Something short and light keeps you moving while you recover."


def _easy(value: dict[str, float]) -> str:
    if value["weekly_load_change"] > 1.3:
        return f"This week's load is {value['weekly_load_change']:.1f} times last week's: keep the next one easy."
    return "Easy sessions make up most of good training, and fit where you stand."


def _long(value: dict[str, float]) -> str:
    longest_km = np.nanmax([value["longest_distance_30d_m"], value["distance_this_m"], 0.0]) / 1000
    if longest_km >= 1:
        return f"Your longest of the last 30 days is {longest_km:.1f} km: a long one at ease, at most a tenth further."
    return "A long session at ease builds endurance."


def _hard(value: dict[str, float]) -> str:
    if value["form_tsb"] > 5:
        return f"You are fresh (form {value['form_tsb']:+.0f}): a good time for a hard session."
    return "Some faster work fits your training of the last weeks; warm up well."


def _strength(value: dict[str, float]) -> str:
    if value["family_gym"] == 1:
        return "You are used to the gym: keep your strength up."
    return "Strength work supports what you do on the road."
