"""What ``stridelog readings delete`` makes of its options."""

import pytest

from stridelog.cli.readings import deleted
from stridelog.errors import UserError

NOW_US = 1_795_000_000_000_000  # 2026-11-18T11:06:40Z
SPAN = {"since": "2h", "until": "1h", "device": "", "reason": "by-athlete", "now_us": NOW_US}


def test_a_span_of_some_channels_of_all_devices() -> None:
    data = deleted("ada", channels=["heart_rate", "rr"], **SPAN).data  # type: ignore[arg-type] # by name, as given
    assert (data.start, data.end) == (NOW_US - 7_200_000_000, NOW_US - 3_600_000_000)
    assert (data.device_id, data.channels, data.reason) == (None, ("heart_rate", "rr"), "by-athlete")


def test_a_span_that_ends_before_it_begins_and_an_unknown_channel_are_named() -> None:
    with pytest.raises(UserError, match="--to 3h is not after --from 2h"):
        deleted("ada", channels=[], **{**SPAN, "until": "3h"})  # type: ignore[arg-type]
    with pytest.raises(UserError, match="no channel pulse: there are heart_rate"):
        deleted("ada", channels=["pulse"], **SPAN)  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"no agent would take that: .*reason"):
        deleted("ada", channels=[], **{**SPAN, "reason": "by me, today"})  # type: ignore[arg-type]
