"""The supervisor, on a real Redis: it is the quickest of the services to come and go."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from compose.process import PidFiles
from compose.settings import StackSettings
from compose.supervisor import Supervisor
from stridelog.errors import UserError

MakeStack = Callable[..., Supervisor]
Command = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = pytest.mark.stack


def wait_for(condition: Callable[[], bool], deadline_s: float = 10.0) -> None:
    """Wait until a condition holds; fail at the deadline."""
    end_s = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end_s, "the condition did not come true in time"
        time.sleep(0.02)


def pid_of(stack: Supervisor, name: str = "redis") -> int:
    running = stack.pids.read(name)
    assert running is not None
    return running.pid


def test_up_starts_a_service_that_answers_and_down_ends_it(make_stack: MakeStack) -> None:
    stack = make_stack("redis")
    assert [row.state for row in stack.status()] == ["down"]
    stack.up()
    (row,) = stack.status()
    assert (row.state, row.port) == ("up", stack.settings.ports["redis"])
    assert row.version[0].isdigit()
    assert row.rss_bytes > 1_000_000
    assert redis.Redis(port=row.port).ping()
    assert stack.down() == [f"stopped redis (pid {row.pid})"]
    assert [row.state for row in stack.status()] == ["down"]


def test_up_again_leaves_what_runs_alone(make_stack: MakeStack) -> None:
    stack = make_stack("redis")
    stack.up()
    before = pid_of(stack)
    stack.up()
    assert pid_of(stack) == before


def test_what_was_written_is_there_after_down_and_up(make_stack: MakeStack) -> None:
    stack = make_stack("redis")
    stack.up()
    port = stack.settings.ports["redis"]
    redis.Redis(port=port).set("athlete", "ann")
    stack.down()
    stack.up()
    assert redis.Redis(port=port).get("athlete") == b"ann"


def test_a_killed_service_is_told_as_died_and_comes_back_only_with_up(make_stack: MakeStack) -> None:
    stack = make_stack("redis")
    stack.up()
    os.kill(pid_of(stack), signal.SIGKILL)
    wait_for(lambda: stack.status()[0].state == "died")
    stack.up()
    assert stack.status()[0].state == "up"


def test_down_never_touches_a_process_that_got_a_recorded_pid_later(make_stack: MakeStack) -> None:
    stack = make_stack("redis")
    stack.up()
    running = stack.pids.read("redis")
    assert running is not None
    stack.down()
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        stack.pids.write(replace(running, pid=bystander.pid))
        assert stack.down() == ["redis had already ended"]
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_pid_file_of_another_boot_is_not_believed(make_stack: MakeStack) -> None:
    stack = make_stack("redis")
    stack.up()
    running = stack.pids.read("redis")
    assert running is not None
    assert running.alive()
    assert not replace(running, boot_id="an earlier one").alive()


def test_a_broken_pid_file_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / "redis.pid").write_text("12")
    assert PidFiles(tmp_path).read("redis") is None


def test_a_busy_port_gets_one_line_that_names_port_and_setting(
    command: Command, unused_port: int, tmp_path: Path
) -> None:
    port = unused_port
    with socket.create_server(("127.0.0.1", port)):
        done = command("up", "--services", "redis", STRIDELOG_REDIS_PORT=str(port), STRIDELOG_LOCAL=str(tmp_path))
    assert done.returncode == 2
    assert f"port {port} for redis is used by another program" in done.stderr
    assert "STRIDELOG_REDIS_PORT" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_missing_tool_gets_one_line_that_says_how_to_get_it(command: Command, tmp_path: Path) -> None:
    done = command("up", "--services", "redis", STRIDELOG_LOCAL=str(tmp_path), PATH="/nonexistent")
    assert done.returncode == 2
    assert "missing: redis-server" in done.stderr
    assert "python -m compose install" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_missing_docker_gets_one_line(command: Command, tmp_path: Path) -> None:
    done = command("up", "--docker", STRIDELOG_LOCAL=str(tmp_path), PATH="/nonexistent")
    assert done.returncode == 2
    assert done.stderr.startswith("compose: docker is missing: ")
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_full_disk_is_told_before_anything_starts(make_stack: MakeStack, monkeypatch: pytest.MonkeyPatch) -> None:
    stack = make_stack("redis")
    real = shutil.disk_usage(stack.settings.local)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: real._replace(free=5 * 1024**2))
    with pytest.raises(UserError, match="only 5 MiB are free"):
        stack.up()
    assert stack.pids.names() == []


def test_a_service_that_ends_at_once_is_told_with_its_log(make_stack: MakeStack) -> None:
    stack = make_stack("redis")
    stack.settings.data("redis").mkdir(parents=True)
    (stack.settings.data("redis") / "appendonlydir").write_text("not a folder")
    with pytest.raises(UserError, match=r"redis ended with exit code 1 while starting: see .*redis\.log"):
        stack.up()
    assert stack.pids.names() == []


def test_down_of_one_service_leaves_the_other(make_stack: MakeStack) -> None:
    both = make_stack("redis", "clickhouse")
    both.up()
    Supervisor(both.settings, both.services[:1], lambda name, what: None).down()
    assert [row.state for row in both.status()] == ["down", "up"]


def test_clean_removes_the_data_and_keeps_the_programs(make_stack: MakeStack) -> None:
    stack = make_stack("redis")
    stack.up()
    done = stack.clean()
    assert len(done) == 2
    assert not (stack.settings.local / "data").exists()
    assert (stack.settings.local / "lib").exists()


def test_status_as_json_has_a_row_for_each_process(command: Command, tmp_path: Path) -> None:
    done = command("status", "--json", STRIDELOG_LOCAL=str(tmp_path))
    assert done.returncode == 0
    rows = json.loads(done.stdout)
    assert [row["service"] for row in rows] == ["kafka", "clickhouse", "mongo", "redis", "postgres"]
    assert {row["state"] for row in rows} == {"down"}


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (["up", "--services", "kafak"], {}, "no service is called kafak: choose from kafka,"),
        (["up", "--brokers", "2"], {}, "--brokers is 2: a stack has 1 or 3"),
        (["up"], {"STRIDELOG_KAFKA_PORT": "high"}, "STRIDELOG_KAFKA_PORT is 'high'"),
        (["up"], {"STRIDELOG_MONGO_PORT": "70000"}, "STRIDELOG_MONGO_PORT is 70000: give a port number"),
        (["up", "--docker", "--brokers", "3"], {}, "Docker Compose has one Kafka broker"),
    ],
)
def test_a_wrong_setting_gets_one_line(
    command: Command, arguments: list[str], environment: dict[str, str], said: str, tmp_path: Path
) -> None:
    done = command(*arguments, **{"STRIDELOG_LOCAL": str(tmp_path), **environment})
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_settings_follow_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STRIDELOG_REDIS_PORT", "26379")
    monkeypatch.setenv("STRIDELOG_LOCAL", str(tmp_path))
    settings = StackSettings.from_environment(brokers=3)
    assert (settings.ports["redis"], settings.local, settings.brokers) == (26379, tmp_path, 3)
