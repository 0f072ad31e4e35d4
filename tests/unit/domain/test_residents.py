"""Who athletes say they are, and age groups."""

from itertools import permutations

import pytest

from domain.residents import AgeGroup, Resident, Told, age_group, resident_of

BORN = Told("a", 10, True, "female", 1980, "NO")
MOVED = Told("b", 20, False, None, None, "SE")
MOVED_ON = Told("c", 30, False, None, 1981, "DK")


def test_the_last_word_of_each_field_counts_in_whatever_order_they_came() -> None:
    for told in permutations([BORN, MOVED, MOVED_ON]):
        assert resident_of(told, -1) == Resident("female", 1981, "DK")


def test_a_change_before_anybody_registered_is_nobody_yet_and_counts_when_they_have() -> None:
    assert resident_of([MOVED], -1) is None
    assert resident_of([MOVED, BORN], -1) == Resident("female", 1980, "SE")


def test_an_erased_user_is_nobody_until_they_register_again() -> None:
    assert resident_of([BORN, MOVED], 25) is None
    assert resident_of([BORN, MOVED, MOVED_ON], 25) is None
    again = Told("d", 40, True, "unspecified")
    assert resident_of([BORN, MOVED_ON, again], 25) == Resident("unspecified", 1981, "DK")


def test_an_age_group_has_both_its_ends_by_the_end_of_the_year() -> None:
    assert age_group("40-49") == AgeGroup(40, 49)
    assert age_group("40-49").births(2026) == (1977, 1986)
    assert age_group("-19").births(2026) == (2007, 2026)
    assert age_group("70-").births(2026) == (1906, 1956)


@pytest.mark.parametrize("text", ["", "-", "old", "49-40", "40", "40-49-50", "0-121", "٤-٥"])
def test_what_is_no_age_group_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"no age group: write one like 40-49"):
        age_group(text)
