"""`stridelog bench transport` on the stack's Kafka."""

import json
import subprocess
import sys

import pytest

from compose.settings import ROOT

pytestmark = pytest.mark.stack


def test_the_engine_and_getmany_are_measured_on_real_kafka() -> None:
    command = [sys.executable, "-m", "stridelog", "bench", "transport", "--json"]
    command += ["--events", "20000", "--rounds", "1", "--only", "engine,getmany"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(done.stdout)
    assert said["events"] == 20_000
    for name in ("engine", "getmany"):
        contender = said["contenders"][name]
        assert contender["events"] == 20_000, contender
        assert contender["events_per_s"] > 0
        assert len(contender["cpu_s"]) == 1
        assert "events_per_cpu_s" in contender
    assert said["vs_getmany"] > 0
    assert "vs_getmany_cpu" in said
    assert said["vs_kafka_streams"] is None
