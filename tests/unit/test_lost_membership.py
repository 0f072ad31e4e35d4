"""A worker that has dropped out of its group ends: alive it would read nothing."""

from pathlib import Path

import pytest

from stridelog import app as apps
from stridelog.settings import Settings


def test_a_worker_whose_membership_ends_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(apps, "end_worker", said.append)
    app = apps.build_app("lake", Settings(local=tmp_path))
    app.batch_coordination_lost(RuntimeError("no longer a member"))
    assert said == ["worker lake has lost its place in the group: no longer a member"]
