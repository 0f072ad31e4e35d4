"""What is assumed of an athlete nobody told anything about."""

import pytest

from domain.athlete import Athlete


def test_maximum_heart_rate_falls_with_age() -> None:
    assert Athlete(birth_year=1986).hr_max_or_default(2026) == pytest.approx(180.0)  # 208 - 0.7 * 40
    assert Athlete(birth_year=1986, hr_max_bpm=191).hr_max_or_default(2026) == 191


def test_unknown_physiology_has_its_documented_defaults() -> None:
    nobody = Athlete()
    assert nobody.age_years(2026) is None
    assert nobody.hr_max_or_default(2026) == pytest.approx(180.0)
    assert nobody.hr_rest_or_default() == 60.0
    assert nobody.lthr_or_default(2026) == pytest.approx(60 + 0.85 * 120)
    assert [Athlete(sex=sex).mass_or_default() for sex in ("female", "male", "unspecified")] == [63.0, 77.0, 70.0]
    assert nobody.ftp_w is None
