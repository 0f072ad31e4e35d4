"""topics.yaml and the agents name each other truly."""

import agents  # noqa: F401 - declares them
from schemas.registry import MESSAGES
from stridelog import topics
from stridelog.agent import AGENTS
from stridelog.cli.worker import ROLES

OUTSIDE = {"gateway", "devices", "replay", "simulate", "operators", "dlq"}  # parties that send and are no agents


def test_every_consumer_in_topics_yaml_is_an_agent() -> None:
    assert {name for topic in topics.load() for name in topic.consumers} <= AGENTS.keys()


def test_every_producer_in_topics_yaml_is_an_agent_or_a_known_party() -> None:
    assert {name for topic in topics.load() for name in topic.producers} <= AGENTS.keys() | OUTSIDE


def test_every_agent_reads_something_and_its_dead_letters_have_a_place() -> None:
    table = topics.load()
    for agent in AGENTS.values():
        inputs = table.inputs_of(agent.name)
        assert inputs, f"{agent.name} reads nothing"
        for topic in inputs:
            assert agent.name in table.dead_letter_of(topic.name).producers


def test_every_message_has_a_topic() -> None:
    for name in MESSAGES:
        assert topics.load().topic_of_message(name)


def test_the_roles_of_the_command_line_are_those_of_the_agents() -> None:
    assert set(ROLES) == {agent.role for agent in AGENTS.values()}


def test_an_agent_that_refuses_unregistered_users_reads_user_events() -> None:
    table = topics.load()
    users = table.topic_of_message("UserRegistered")
    for agent in AGENTS.values():
        if agent.registered_users_only:
            assert users in table.inputs_of(agent.name), agent.name
