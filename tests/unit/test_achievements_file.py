"""achievements.yaml is a closed schema: what is wrong in it is named, with the way out."""

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from domain.achievement_rules import Challenge, First, Level, Milestone, PersonalBest, Streak, rules_from
from stridelog.achievements_file import DEFAULT_PATH, RulesInForce, load, rules_of
from stridelog.errors import UserError
from stridelog.settings import Settings

OURS = load()
PAGE = DEFAULT_PATH.parent / "docs" / "achievements.md"
CHALLENGE = {
    "kind": "challenge",
    "version": 1,
    "title": "A title",
    "text": "What it is about.",
    "metric": "workouts",
    "every": "week",
    "target": 3,
}


@pytest.fixture
def content() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(DEFAULT_PATH.read_text(encoding="utf-8"))
    return found


def loaded(content: Any, folder: Path) -> Any:
    path = folder / "achievements.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return load(path)


def test_ours_has_every_kind() -> None:
    assert {type(rule) for rule in OURS} == {PersonalBest, First, Milestone, Challenge, Streak}
    assert len({rule.id for rule in OURS}) == len(OURS)


def test_a_misspelt_key_fails_with_the_right_one(content: dict[str, Any], tmp_path: Path) -> None:
    content["achievements"]["run-5-km-best"]["fastset"] = content["achievements"]["run-5-km-best"].pop("fastest")
    with pytest.raises(
        UserError,
        match=re.escape(
            "achievements.yaml: unknown key 'fastset' in achievement run-5-km-best (personal_best); "
            "did you mean fastest?"
        ),
    ):
        loaded(content, tmp_path)


def test_amounts_are_read_in_their_units(content: dict[str, Any], tmp_path: Path) -> None:
    levels = ["10 km", "10 mi", "20.5km"]
    content["achievements"] = {"run-distance": content["achievements"]["run-distance"] | {"levels": levels}}
    (rule,) = loaded(content, tmp_path)
    # Hundredths of a metre; a mile has 1,609.344 m.
    assert rule.levels == (Level("10 km", 1_000_000), Level("10 mi", 1_609_344), Level("20.5km", 2_050_000))


def test_hours_are_read_as_seconds(tmp_path: Path) -> None:
    (rule,) = loaded({"achievements": {"week": CHALLENGE | {"metric": "moving_time", "target": "2.5 h"}}}, tmp_path)
    assert rule.target == 900_000  # hundredths of 9,000 s


def test_days_are_read(tmp_path: Path) -> None:
    (rule,) = loaded({"achievements": {"x": CHALLENGE | {"first_day": date(2026, 12, 1)}}}, tmp_path)
    assert rule.first_day == date(2026, 12, 1)


@pytest.mark.parametrize(
    ("id", "fields", "message"),
    [
        (
            "run-5-km-best",
            {"kind": "personal"},
            "run-5-km-best has the unknown kind 'personal'; did you mean personal_",
        ),
        ("run-5-km-best", {"fastest": "5km"}, "fastest of achievement run-5-km-best is '5km': there is no such best"),
        ("run-5-km-best", {"fastest": "5km"}, "did you mean 5 km?"),
        ("ride-20-min-power-best", {"strongest": "20 mins"}, "did you mean 20 min?"),
        (
            "run-5-km-best",
            {"sport": "runing"},
            "sport of achievement run-5-km-best is 'runing': there is no such sport",
        ),
        ("run-5-km-best", {"sport": "all"}, "compares the speed or power of all sports: give one sport"),
        ("run-5-km-best", {"most": "distance"}, "exactly one of fastest, strongest and most"),
        ("longest-run", {"most": "distanse"}, "most of achievement longest-run is 'distanse': Input should be"),
        ("longest-run", {"version": 0}, "version of achievement longest-run is 0"),
        ("first-marathon", {"at_least": "42.195"}, "as a number with one of the units m, km, mi"),
        (
            "first-marathon",
            {"metric": None},
            "at_least of achievement first-marathon is '42.195 km': it is not said of",
        ),
        ("first-marathon", {"at_least": None}, "write None as a number with one of the units"),
        ("new-sport", {"metric": "distance"}, "has the metric distance and no at_least"),
        ("hours", {"levels": ["10 km"]}, "write '10 km' as a number with one of the units s, min, h"),
        ("hours", {"levels": ["10 h", "5 h"]}, "level 5 h is not above level 10 h: write them from low to high"),
        ("hours", {"levels": ["0 h"]}, "is reached by doing nothing"),
        ("hours", {"levels": []}, "give a list like [10 km, 50 km]"),
        ("hours", {"levels": {"a:b": "1 h"}}, "has a colon"),
        ("hours", {"levels": {"x" * 61: "1 h"}}, "has over 60 characters"),
        ("workouts", {"levels": ["10 h"]}, "write '10 h' as a plain number"),
        ("goals-reached", {"sport": "running"}, "counts goals, which have no sport: leave out sport running"),
        ("run-month", {"every": "fortnight"}, "every of achievement run-month is 'fortnight'"),
        ("run-month", {"every": None, "first_day": "2026-12-01"}, "has no period: give every"),
        ("run-month", {"last_day": "2026-13-01"}, "last_day of achievement run-month is '2026-13-01'"),
        (
            "run-month",
            {"first_day": "2026-12-02", "last_day": "2026-12-01"},
            "last_day 2026-12-01 is before first_day 2026-12-02",
        ),
        ("day-streak", {"levels": [2.5]}, "level 2.5 is no whole number"),
        ("day-streak", {"rests": 7}, "has rests 7 per 7: give both, with fewer rests than per"),
        ("week-streak", {"rests": 1}, "has rests 1 per None"),
    ],
)
def test_what_cannot_work_is_named(
    id: str, fields: dict[str, Any], message: str, content: dict[str, Any], tmp_path: Path
) -> None:
    content["achievements"][id] |= fields
    with pytest.raises(UserError) as refused:
        loaded(content, tmp_path)
    assert str(refused.value).startswith("achievements.yaml: ")
    assert message in str(refused.value)
    assert id in str(refused.value)


def test_a_day_that_is_none_is_named_as_it_is_written(tmp_path: Path) -> None:
    text = yaml.safe_dump({"achievements": {"x": CHALLENGE}}) + "    last_day: 2026-13-01\n"
    with pytest.raises(UserError, match="last_day of achievement x is '2026-13-01'"):
        loaded(text, tmp_path)


def test_what_is_missing_is_named(content: dict[str, Any], tmp_path: Path) -> None:
    del content["achievements"]["hours"]["title"]
    with pytest.raises(UserError, match=re.escape("achievement hours (milestone) has no 'title': add it")):
        loaded(content, tmp_path)


def test_a_rule_without_a_kind_is_named(content: dict[str, Any], tmp_path: Path) -> None:
    del content["achievements"]["hours"]["kind"]
    with pytest.raises(UserError, match="achievement hours has no 'kind': give one of personal_best, first"):
        loaded(content, tmp_path)


def test_a_name_that_is_no_slug_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="id of achievement Run: Month is 'Run: Month': name it with up to 60 small"):
        loaded({"achievements": {"Run: Month": CHALLENGE}}, tmp_path)


def test_two_achievements_of_one_name_are_refused(tmp_path: Path) -> None:
    text = yaml.safe_dump({"achievements": {"hours": CHALLENGE}})
    with pytest.raises(UserError, match="line 10 has the key 'hours' a second time"):
        loaded(text + text.partition("\n")[2], tmp_path)


@pytest.mark.parametrize(
    "text", ["", "achievements: [", "[]", "achievements: []", "achievement: {}", "achievements: {}\nmore: {}"]
)
def test_a_file_that_is_no_table_of_achievements_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"achievements\.yaml"):
        loaded(text, tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot read .*none.yaml: No such file"):
        load(tmp_path / "none.yaml")


def test_every_example_of_the_page_is_a_rule() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    kinds = set()
    for block in blocks:
        (rule,) = rules_from({"achievements": yaml.safe_load(block)})
        kinds.add(rule.kind)
    assert kinds == {rule.kind for rule in OURS}


def test_the_settings_say_which_file(tmp_path: Path) -> None:
    assert rules_of(Settings(achievements_file="")) == OURS
    path = tmp_path / "club.yaml"
    path.write_text(yaml.safe_dump({"achievements": {"own": CHALLENGE}}))
    assert [rule.id for rule in RulesInForce(Settings(achievements_file=str(path))).rules] == ["own"]
    with pytest.raises(UserError, match="cannot read"):
        rules_of(Settings(achievements_file=str(tmp_path / "nowhere.yaml")))
