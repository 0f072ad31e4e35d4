"""Verification shares no code with what it verifies."""

import ast
from pathlib import Path

import verification
from stridelog import topics
from stridelog.agent import AGENTS
from verification.readers import READERS

FORBIDDEN = (
    "agents",
    "stridelog.projections",
    "stridelog.joining",
    "stridelog.summarising",
    "stridelog.stored_readings",
    "stridelog.engine",
    "stridelog.lane",
    "stridelog.readers",
    "stridelog.agent",
)
NAMES_ONLY = {"sinks.keys", "sinks.tables", "sinks.lake", "sinks.base", "sinks.registry", "sinks.kafka"}


def test_it_imports_no_agent_no_projection_and_of_sinks_only_names_and_watermarks() -> None:
    root = Path(verification.__file__).parent
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            modules: list[str] = []
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                modules = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            for module in modules:
                assert not module.startswith(FORBIDDEN), f"{path.name} imports {module}"
                if module.startswith("sinks."):
                    assert any(module.startswith(known) for known in NAMES_ONLY), f"{path.name} imports {module}"


def test_what_it_knows_of_agents_is_what_they_declare() -> None:
    import agents  # noqa: F401 - declares them

    declared = {
        agent.name: (
            {*agent.stores, "topic"} | ({"postgres"} if agent.facts or agent.registered_users_only else set()),
            agent.registered_users_only,
        )
        for agent in AGENTS.values()
    }
    assert declared == {reader.name: (set(reader.sinks), reader.checks_users) for reader in READERS.values()}
    assert {consumer for topic in topics.load(prefix="") for consumer in topic.consumers} == READERS.keys()
