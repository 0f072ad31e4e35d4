"""Rules as a whole: none fires on a sound run, each has a version."""

from typing import get_args

from domain.integrity import RULES
from domain.integrity_flags import VERSIONS, RuleName

from .cases import flags, wobbling


def test_a_sound_run_has_no_flag() -> None:
    assert flags(wobbling(1800, seed=1)) == {}


def test_every_rule_has_a_version() -> None:
    assert set(RULES) == set(VERSIONS) == set(get_args(RuleName))
