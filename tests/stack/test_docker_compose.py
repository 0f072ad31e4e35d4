"""There may be no Docker where tests run, so the Compose file is held to the local stack by its structure."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from compose.settings import ALL_SERVICES, ROOT, StackSettings, port_setting

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose" / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def test_compose_has_every_service_of_the_local_stack_and_the_servers_only_it_has() -> None:
    assert set(SERVICES) == {*ALL_SERVICES, "grafana", "prometheus", "mlflow"}


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned_to_a_version(name: str) -> None:
    assert re.search(r":v?\d+\.\d+(\.\d+)*$", SERVICES[name]["image"])


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_has_a_health_check(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    assert check["test"][0] == "CMD"
    assert check["retries"] > 1


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_listens_on_loopback_only(name: str) -> None:
    service = SERVICES[name]
    if service.get("network_mode") == "host":
        said = [*service.get("command", []), *map(str, service.get("environment", {}).values())]
        assert any("127.0.0.1" in word for word in said)
    else:
        assert service["ports"]
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])


@pytest.mark.parametrize("name", ALL_SERVICES)
def test_ports_and_their_settings_are_those_of_the_local_stack(name: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for service in ALL_SERVICES:
        monkeypatch.delenv(port_setting(service), raising=False)
    default = StackSettings.from_environment().ports[name]
    assert SERVICES[name]["ports"][0].startswith(f"127.0.0.1:${{{port_setting(name)}:-{default}}}:")


def test_named_volumes_are_declared_and_mounted_files_exist() -> None:
    mounts = [mount.split(":")[0] for service in SERVICES.values() for mount in service.get("volumes", [])]
    names = {mount for mount in mounts if not mount.startswith(".")}
    assert names == set(COMPOSE["volumes"])
    files = [ROOT / "compose" / mount for mount in mounts if mount.startswith(".")]
    assert files
    assert all(Path(file).exists() for file in files)


def test_kafka_refuses_unknown_topics_and_takes_messages_of_8_mib_like_the_local_one() -> None:
    environment = SERVICES["kafka"]["environment"]
    assert environment["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert environment["KAFKA_MESSAGE_MAX_BYTES"] == 8 * 1024 * 1024
