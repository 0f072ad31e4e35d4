"""A worker that has a name and comes back under it takes up its work."""

import time
from uuid import uuid4

import pytest

from schemas import hot
from schemas.decode import encode
from tests.platform import Platform

pytestmark = pytest.mark.stack


def test_a_named_worker_that_was_killed_and_comes_back_within_its_session_goes_on(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    name = f"named{uuid4().hex[:8]}"
    with Platform(name, tmp_path_factory.mktemp(name)) as platform:
        log = platform.folder / "worker-social.log"
        for times in (1, 2):
            platform.start("social", is_named=True)
            end = time.monotonic() + 120
            while log.read_text().count("Worker ready") < times:
                assert time.monotonic() < end, platform.logs()
                time.sleep(0.1)
            if times == 1:
                platform.kill("social")
        assert "Unexpected error" not in log.read_text()
        data = hot.UserRegisteredData(name="Ada", sex="female")
        time_us = time.time_ns() // 1000
        ada = hot.UserRegistered.of(user="ada", time=time_us, zone="UTC", source="test", producer="test", data=data)
        platform.send("UserRegistered", [(b"ada", encode(ada))])
        platform.start("sensors", "workouts", "models", "lake")
        found = platform.verify()
        assert found["ok"], found["shown"]
