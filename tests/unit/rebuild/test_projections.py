"""Projections are named once, and all that is verified belongs to one."""

from collections import Counter

import pytest

from sinks.lake_tables import LAKE_TABLES
from sinks.shadow import SHADOWS, shadow_settings
from sinks.tables import TABLES
from stridelog import topics
from stridelog.errors import UserError
from stridelog.lag import declared
from stridelog.rebuild.projections import named, projections, rebuildable
from stridelog.rebuild.said import SCORES
from stridelog.settings import Settings
from verification.run import SINKS

TOPICS = topics.load(prefix="")
KNOWN = projections(TOPICS)


def test_every_store_of_every_agent_is_a_projection() -> None:
    stores = {f"{agent.name}.{store}" for agent in declared().values() for store in agent.stores}
    assert {name for name, one in KNOWN.items() if one.store not in ("facts", "topic")} == stores


def test_every_comparison_of_verify_is_about_one_projection() -> None:
    found = Counter(check for one in KNOWN.values() if one.store != "facts" for check in one.checks)
    assert found == Counter(name for name in SINKS if name not in ("dead-letters", "copies"))


def test_every_table_belongs_to_one_projection() -> None:
    held = {store: [part for one in KNOWN.values() if one.store == store for part in one.parts] for store in SHADOWS}
    assert sorted(held["clickhouse"]) == sorted([*TABLES, "track_keys"])  # which follows from track_marks
    assert sorted(held["delta"]) == sorted(LAKE_TABLES)
    assert len(set(held["mongo"])) == len(held["mongo"])


def test_all_projections_but_logs_can_be_built_anew() -> None:
    for name, one in KNOWN.items():
        if one.store == "topic":
            with pytest.raises(UserError, match="a log is not rebuilt"):
                rebuildable(name, TOPICS)
        else:
            assert rebuildable(name, TOPICS).sink in SHADOWS


def test_facts_are_checked_by_what_is_made_of_them() -> None:
    assert set(KNOWN["workouts.facts"].checks) == {
        "mongo.workouts",
        "topic.workout-summaries",
        "topic.training-features",
        "topic.track-marks",
    }


def test_a_name_that_is_none_is_answered_with_the_nearest() -> None:
    with pytest.raises(UserError, match=r"no projection 'leaderboard.clickhouse': did you mean leaderboards"):
        named("leaderboard.clickhouse", TOPICS)
    with pytest.raises(UserError, match=r"there are sensors.clickhouse, sensors.redis"):
        named("x", TOPICS)


def test_topics_with_a_prefix_have_the_same_checks() -> None:
    prefixed = projections(topics.load(prefix="t1-"))
    assert {name: one.checks for name, one in prefixed.items()} == {name: one.checks for name, one in KNOWN.items()}


def test_agents_that_score_are_not_asked_to_score_again() -> None:
    scoring = {name for name, agent in declared().items() if any(hasattr(kind, "look") for kind in agent.resources)}
    assert scoring == set(SCORES)


def test_a_shadow_has_a_namespace_of_its_own_that_postgresql_takes() -> None:
    settings = Settings(namespace="n" * 31)
    names = [shadow_settings(agent, settings).namespace for agent in declared()]
    assert len(set(names)) == len(names)
    assert max(map(len, names)) <= 63
    assert settings.namespace not in names
