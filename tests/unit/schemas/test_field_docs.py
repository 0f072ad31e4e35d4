"""Fields say what they are below them; files that are made from models repeat it."""

import pytest

from schemas.envelope import Event, Part
from schemas.field_docs import doc_of
from schemas.segment import SegmentDefined, SegmentDefinedData
from schemas.shapes import record_of


class Told(Part):
    said: int
    """Said here,
    on two lines."""
    unsaid: int
    """Said in the base only."""


class Retold(Told):
    unsaid: int


def test_a_text_is_that_of_the_class_that_declares_the_field_last() -> None:
    assert doc_of(Told, "said") == doc_of(Retold, "said") == "Said here,\non two lines."
    assert doc_of(Retold, "unsaid") == ""


def test_a_field_without_a_text_is_refused_when_files_are_made() -> None:
    with pytest.raises(TypeError, match=r"Retold\.unsaid has no doc"):
        record_of(Retold)


def test_a_message_has_the_texts_of_its_envelope_and_its_data() -> None:
    assert doc_of(SegmentDefined, "time") == doc_of(Event, "time") == "When the fact holds, not when it was sent."
    assert doc_of(SegmentDefined, "data") == "The fact."
    assert doc_of(SegmentDefinedData, "segment_id") == "The segment."
