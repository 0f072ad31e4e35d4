"""Sinks by name."""

from pathlib import Path

import pytest

from sinks.registry import SINKS, make_sink
from stridelog.errors import UserError
from stridelog.settings import Settings


@pytest.mark.anyio
@pytest.mark.parametrize("name", sorted(SINKS))
async def test_a_sink_is_made_by_its_name(name: str, tmp_path: Path) -> None:
    sink = make_sink(name, "tester", Settings(local=tmp_path))
    assert (sink.name, sink.agent) == (name, "tester")
    await sink.close()


def test_a_name_that_is_no_sinks_says_which_there_are(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no sink 'cassandra'; there are clickhouse, delta"):
        make_sink("cassandra", "tester", Settings(local=tmp_path))
