"""`make setup` on a machine that lacks something: one line, exit code 2, nothing half done."""

import shutil
import subprocess
from pathlib import Path

import pytest

from compose.settings import ROOT

TOOLS = ("sh", "dirname", "cat", "cksum", "mkdir", "id")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The files that the set-up reads, and a PATH folder with nothing but the shell's own tools."""
    (tmp_path / "compose").mkdir()
    for name in ("compose/bootstrap.sh", "compose/bootstrap.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "packages" / "one").mkdir(parents=True)
    (tmp_path / "packages" / "one" / "pyproject.toml").touch()
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool) or tool)
    return tmp_path


def set_up(checkout: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(checkout / "bin" / "sh"), "compose/bootstrap.sh"],
        cwd=checkout,
        env={"PATH": str(checkout / "bin")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_a_lock_file_the_checkout_is_not_whole(checkout: Path) -> None:
    done = set_up(checkout)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "setup: requirements.lock is missing: this is not a whole checkout\n"


def test_without_python_the_package_to_install_is_named(checkout: Path) -> None:
    (checkout / "requirements.lock").touch()
    done = set_up(checkout)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "Python 3.11, 3.12 or 3.13 is missing" in done.stderr
    assert "sudo apt-get install --yes python3 python3-venv" in done.stderr
    assert not (checkout / ".venv").exists()


def test_a_set_up_that_is_up_to_date_starts_nothing(checkout: Path) -> None:
    (checkout / "requirements.lock").touch()
    (checkout / ".venv" / "bin").mkdir(parents=True)
    python = checkout / ".venv" / "bin" / "python"
    python.write_text("#!/bin/sh\nexit 0\n")
    python.chmod(0o755)
    read = [checkout / name for name in ("requirements.lock", "pyproject.toml", "packages/one/pyproject.toml")]
    read += [checkout / name for name in ("compose/bootstrap.sh", "compose/bootstrap.lock")]
    cksum = shutil.which("cksum") or "cksum"
    text = b"".join(path.read_bytes() for path in read)
    stamp = subprocess.run([cksum], input=text, capture_output=True, check=True).stdout
    (checkout / ".venv" / ".stridelog-setup").write_bytes(stamp)
    done = set_up(checkout)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
