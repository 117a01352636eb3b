"""How sure a turn is, and where in it a stretch of text was said."""

from __future__ import annotations

import pytest

from models.turn import Turn, span_of_words


@pytest.mark.parametrize(
    ("confidence", "uncertain"),
    [(None, None), (0.0, True), (0.599, True), (0.6, False), (1.0, False)],
)
def test_a_turn_of_low_confidence_is_uncertain(
    confidence: float | None, uncertain: bool | None
) -> None:
    assert Turn(confidence=confidence).uncertain is uncertain


def test_a_span_of_text_is_at_the_words_it_touches() -> None:
    words = [["bearing", 1.0, 1.5, 0.9], ["number", 1.5, 2.0, 0.9], ["204", 2.5, 3.0, 0.9]]
    assert span_of_words(words, 0, 7) == (1.0, 1.5)
    assert span_of_words(words, 8, 18) == (1.5, 3.0)
    with pytest.raises(ValueError, match="touch no word"):
        span_of_words(words, 18, 20)
