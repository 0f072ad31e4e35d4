"""Names of sports."""

import pytest

from domain.sports import FAMILIES, SPORTS, family_of, may_be_the_same, rule_of, sport_of


@pytest.mark.parametrize(
    ("name", "sub_sport", "sport"),
    [
        ("Running", None, "running"),  # TCX
        ("Biking", None, "cycling"),
        ("running", "trail", "trail_running"),  # FIT
        ("running", "street", "running"),
        ("cycling", "mountain", "mountain_biking"),
        ("cycling", "generic", "cycling"),
        ("e_biking", "e_bike_mountain", "ebike"),
        ("fitness_equipment", "treadmill", "running"),
        ("fitness_equipment", "indoor_rowing", "rowing"),
        ("training", "strength_training", "strength"),
        ("cross_country_skiing", None, "cross_country_skiing"),
        ("swimming", "lap_swimming", "swimming"),
        ("generic", None, "other"),
        ("EBikeRide", None, "ebike"),  # Strava
        ("9", None, "running"),  # Strava's GPX
        ("soccer", None, "football"),
        ("quidditch", None, "other"),
        ("", None, "other"),
    ],
)
def test_names_of_formats_and_apps_become_ours(name: str, sub_sport: str | None, sport: str) -> None:
    assert sport_of(name, sub_sport) == sport


def test_our_own_names_stay() -> None:
    assert [sport_of(sport) for sport in SPORTS] == list(SPORTS)


def test_every_sport_has_a_rule_and_every_family_a_sport() -> None:
    assert {family_of(sport) for sport in SPORTS} == set(FAMILIES)
    assert all(rule_of(sport).max_speed_m_s > rule_of(sport).moving_speed_m_s > 0 for sport in SPORTS)
    assert family_of("quidditch") == "other"


def test_a_sport_without_a_name_may_be_any_but_a_race_of_several() -> None:
    assert may_be_the_same("hiking", "walking")
    assert may_be_the_same("ebike", "cycling")
    assert may_be_the_same("other", "swimming")
    assert not may_be_the_same("running", "cycling")
    assert not may_be_the_same("multisport", "running")
    assert not may_be_the_same("other", "multisport")
