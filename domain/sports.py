"""Names of sports: ours, those that FIT, TCX, GPX and apps use for them, their families, and what is
plausible in each.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, get_args

Sport = Literal[
    "running",
    "trail_running",
    "walking",
    "hiking",
    "cycling",
    "mountain_biking",
    "ebike",
    "swimming",
    "rowing",
    "paddling",
    "skiing",
    "cross_country_skiing",
    "skating",
    "strength",
    "cardio",
    "football",
    "ball_sport",
    "climbing",
    "diving",
    "multisport",
    "transition",
    "other",
]
Family = Literal[
    "running", "walking", "cycling", "ebike", "swimming", "rowing", "snow", "skating", "gym", "ball", "other"
]

SPORTS: Final[tuple[Sport, ...]] = get_args(Sport)
FAMILIES: Final[tuple[Family, ...]] = get_args(Family)


@dataclass(frozen=True, slots=True)
class SportRule:
    """What the formulas need to know of a sport."""

    family: Family
    body_group: str  # sports of one group may be two devices' names for the same activity
    max_speed_m_s: float  # anything faster is a fault of the device
    moving_speed_m_s: float  # slower is standing still
    climbs: bool = True  # whether altitude means anything


_RULES: Final[dict[str, SportRule]] = {
    "running": SportRule("running", "foot", 12.5, 0.5),
    "trail_running": SportRule("running", "foot", 12.5, 0.3),
    "walking": SportRule("walking", "foot", 12.5, 0.3),
    "hiking": SportRule("walking", "foot", 12.5, 0.2),
    "cycling": SportRule("cycling", "wheel", 36.0, 0.7),
    "mountain_biking": SportRule("cycling", "wheel", 36.0, 0.5),
    "ebike": SportRule("ebike", "wheel", 36.0, 0.7),
    "swimming": SportRule("swimming", "swim", 3.5, 0.1, climbs=False),
    "rowing": SportRule("rowing", "boat", 9.0, 0.3, climbs=False),
    "paddling": SportRule("rowing", "boat", 12.0, 0.3, climbs=False),
    "skiing": SportRule("snow", "snow", 60.0, 0.5),
    "cross_country_skiing": SportRule("snow", "snow", 30.0, 0.4),
    "skating": SportRule("skating", "skate", 25.0, 0.5),
    "strength": SportRule("gym", "gym", 12.5, 0.3),
    "cardio": SportRule("gym", "gym", 36.0, 0.3),
    "football": SportRule("ball", "ball", 12.5, 0.3),
    "ball_sport": SportRule("ball", "ball", 12.5, 0.3),
    "climbing": SportRule("other", "climb", 12.5, 0.1),
    "diving": SportRule("other", "dive", 5.0, 0.1, climbs=False),
    "multisport": SportRule("other", "multi", 36.0, 0.3),
    "transition": SportRule("other", "transition", 12.5, 0.3),
    "other": SportRule("other", "any", 90.0, 0.3),
}

# Other people's names, lower case with underscores: FIT sport and sub-sport, TCX, GPX <type>, Strava and Garmin
# activity types. Strava's GPX writes numbers: 1 is a ride, 9 a run.
_OTHER_NAMES: Final[dict[Sport, str]] = {
    "running": """
        run jogging treadmill treadmill_running indoor_running street_running street track track_running
        virtual_run virtualrun obstacle ultra_run 9
    """,
    "trail_running": "trail trail_run trailrun trailrunning sky_running mountain_running",
    "walking": "walk casual_walking speed_walking race_walking indoor_walking nordic_walking",
    "hiking": "hike mountaineering trekking snowshoeing snowshoe rucking",
    "cycling": """
        bike biking ride cycle bicycling road_cycling road_biking road virtual_ride virtualride
        indoor_cycling spin indoor_biking track_cycling cyclocross gravel_cycling gravelride gravel_ride
        commuting bmx recumbent hand_cycling handcycle velomobile bikesport cycling_sport
        cycling_transportation 1
    """,
    "mountain_biking": "mountain mtb mountainbikeride mountain_bike_ride downhill mountainbiking",
    "ebike": "e_biking ebiking ebikeride e_bike_ride e_bike e_bike_fitness e_bike_mountain emountainbikeride",
    "swimming": "swim lap_swimming open_water open_water_swimming pool_swimming snorkeling",
    "rowing": "row indoor_rowing virtual_row rowing_machine",
    "paddling": "kayaking canoeing kayak canoe rafting whitewater stand_up_paddleboarding sup",
    "skiing": """
        alpine_skiing alpineski downhill_skiing snowboarding snowboard resort_skiing ski
        resort_skiing_snowboarding
    """,
    "cross_country_skiing": """
        nordicski nordic_skiing cross_country_ski skate_skiing backcountry_skiing backcountryski backcountry
        skating_skiing classic_skiing rollerski roller_skiing ski_touring
    """,
    "skating": "inline_skating ice_skating inlineskate iceskate skate",
    "strength": "strength_training weighttraining weight_training workout crossfit",
    "cardio": """
        training cardio_training fitness_equipment elliptical stair_climbing hiit yoga pilates gym
        flexibility_training boxing jump_rope indoor_cardio exercise aerobics
    """,
    "football": "soccer association_football",
    "ball_sport": """
        basketball handball volleyball tennis padel badminton squash racket american_football rugby hockey
        ice_hockey field_hockey floorball baseball cricket lacrosse table_tennis
    """,
    "climbing": "rock_climbing floor_climbing bouldering indoor_climbing",
    "diving": "scuba single_gas_diving multi_gas_diving apnea_diving freediving gauge_diving",
    "multisport": "triathlon duathlon multi_sport swimrun aquathlon brick",
    "transition": "swim_to_bike_transition bike_to_run_transition run_to_bike_transition",
}
# Sub-sports that say more than the sport they come with; others ("generic", "road") say nothing new.
_TELLING_SUB_SPORTS: Final = frozenset(
    {"trail_running", "mountain_biking", "ebike", "cross_country_skiing", "rowing", "strength"}
)


def _letters(name: str) -> str:
    """Names are compared by letters and digits: ``"E-Bike Ride"``, ``"EBikeRide"`` and ``"e_bike_ride"`` are one."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


_BY_LETTERS: Final[dict[str, Sport]] = {
    **{_letters(name): sport for sport, names in _OTHER_NAMES.items() for name in names.split()},
    **{_letters(sport): sport for sport in SPORTS},
}


@lru_cache(maxsize=4096)
def sport_of(name: str, sub_sport: str | None = None) -> Sport:
    """Our name of the sport that a file or an app calls ``name``, more exact by FIT's ``sub_sport`` where that says
    more.

    Unknown names are ``"other"``. ``sport_of("cycling", "mountain")`` is ``"mountain_biking"``, ``sport_of("Biking")``
    is ``"cycling"``.
    """
    sport = _BY_LETTERS.get(_letters(name), "other")
    sub = _BY_LETTERS.get(_letters(sub_sport), "other") if sub_sport else "other"
    vague = sport in ("other", "cardio")
    if sub in _TELLING_SUB_SPORTS and (vague or _related(sport, sub)):
        return sub
    return sub if vague and sub != "other" else sport


def _related(sport: str, sub: str) -> bool:
    return _RULES[sport].body_group == _RULES[sub].body_group


def rule_of(sport: str) -> SportRule:
    """The rule of one of our sports; that of ``"other"`` for a name that is not ours."""
    return _RULES.get(sport, _RULES["other"])


def family_of(sport: str) -> Family:
    """The family under which boards and features count a sport; ``"other"`` for a name that is not ours."""
    return rule_of(sport).family


def may_be_the_same(sport: str, other_sport: str) -> bool:
    """Whether two devices may have recorded one activity under these two names (a watch says hiking, a phone
    walking).

    A sport that nobody named (``"other"``) may be any single sport, but not a multisport race.
    """
    groups = {rule_of(sport).body_group, rule_of(other_sport).body_group}
    return len(groups) == 1 or ("any" in groups and "multi" not in groups)
