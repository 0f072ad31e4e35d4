"""What `python -m compose install` would do, and how it fails."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from compose import install
from compose.services import make_services
from compose.settings import DEFAULT_SERVICES, StackSettings
from compose.supervisor import Supervisor
from stridelog.errors import UserError

MakeStack = Callable[..., Supervisor]


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> StackSettings:
    """A stack for which nothing has been downloaded yet."""
    monkeypatch.setenv("STRIDELOG_LOCAL", str(tmp_path / "local"))
    made = StackSettings.from_environment()
    made.log("install").parent.mkdir(parents=True)
    return made


@pytest.mark.stack
def test_there_is_nothing_to_do_where_all_is_there(make_stack: MakeStack) -> None:
    stack = make_stack(*DEFAULT_SERVICES)
    assert install.plan(stack.settings, stack.services) == []


def test_packages_come_first_then_jars(settings: StackSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    steps = install.plan(settings, make_services(("kafka", "mongo", "redis"), settings))
    assert [step.title for step in steps] == [
        "Debian packages: openjdk-17-jdk-headless, redis-server, maven",
        "Kafka's jars",
        "the jars of MongoDB's stand-in",
    ]


def test_only_what_the_chosen_services_need_is_planned(
    settings: StackSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    (step,) = install.plan(settings, make_services(("redis",), settings))
    assert step.title == "Debian packages: redis-server"


def test_a_person_who_is_not_root_gets_the_line_to_run(
    settings: StackSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "apt-get").touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    (step,) = install.plan(settings, make_services(("redis",), settings))
    with pytest.raises(UserError, match="sudo apt-get install --yes --no-install-recommends redis-server"):
        step.run()


def test_a_system_without_apt_is_told_the_packages(settings: StackSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    (step,) = install.plan(settings, make_services(("redis",), settings))
    with pytest.raises(UserError, match=r"not Debian: .* redis-server"):
        step.run()


@pytest.mark.stack
def test_no_network_is_told_and_leaves_no_half_of_the_jars(
    settings: StackSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    nowhere = " ".join(f"-D{scheme}.proxyHost=127.0.0.1 -D{scheme}.proxyPort=9" for scheme in ("http", "https"))
    monkeypatch.setenv("MAVEN_OPTS", f"-Dmaven.repo.local={tmp_path / 'repository'} {nowhere}")
    (step,) = install.plan(settings, make_services(("kafka",), settings))
    with pytest.raises(UserError, match=r"by Maven \(no network\?\) failed with exit code 1: see .*install\.log"):
        step.run()
    assert not settings.lib("kafka").exists()
