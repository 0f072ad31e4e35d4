"""Frames that come late, out of order or from a clock that is ahead are counted, each case for itself."""

from collections import Counter
from pathlib import Path

from schemas import hot
from schemas.decode import decoder_for
from schemas.frames import pack_frame, unpack_columns
from stridelog import topics
from stridelog.arrivals import Arrivals
from stridelog.settings import Settings

S = 1_000_000
T0 = 1_795_000_000 * S
DECODER = decoder_for(topics.load(prefix="").topic_of_message("SensorFrame"))


def frame(start_s: int, device: str = "watch", user: str = "ada") -> hot.SensorFrame:
    value = pack_frame(
        user=user,
        device_id=device,
        sequence=0,
        start_us=T0 + start_s * S,
        zone="UTC",
        source="test",
        producer="test",
        interval_us=S,
        columns={"heart_rate_bpm": [100, 101]},
    )
    found = DECODER.decode(user.encode(), value)
    assert isinstance(found, hot.SensorFrame)
    return found


def counted(arrivals: Arrivals, *frames: tuple[int, hot.SensorFrame]) -> Counter[str]:
    logged = [((T0 // S + logged_s) * 1_000, one) for logged_s, one in frames]
    return arrivals.count(logged, unpack_columns([one for _, one in logged]))


def test_each_case_is_counted_and_what_comes_in_time_and_order_is_not(tmp_path: Path) -> None:
    arrivals = Arrivals(Settings(local=tmp_path))
    assert (
        counted(arrivals, (2, frame(0)), (4, frame(2)), (4, frame(0, device="strap")), (4, frame(0, user="bea"))) == {}
    )
    assert counted(arrivals, (3_602, frame(2))) == {}
    assert counted(arrivals, (3_604, frame(2))) == {"late": 1}
    assert counted(arrivals, (122, frame(300))) == {"clock_ahead": 1}
    assert counted(arrivals, (320, frame(298)), (322, frame(302))) == {"out_of_order": 1}
    assert counted(arrivals, (5_000, frame(1))) == {"late": 1, "out_of_order": 1}
