"""A worker that has nothing left to do and does not end is ended."""

import subprocess
import sys

import pytest

WAITING = "import sys, time; from stridelog.ending import end_within; end_within(float(sys.argv[1])); "


@pytest.mark.parametrize(
    ("seconds", "then", "says"), [("0.1", "time.sleep(60)", "the process ends"), ("60", "pass", "")]
)
def test_a_process_ends_by_itself_or_is_ended(seconds: str, then: str, says: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WAITING + then, seconds], capture_output=True, text=True, timeout=50, check=False
    )
    assert done.returncode == 0
    assert says in done.stderr
