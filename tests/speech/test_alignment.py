"""Words from alignment: joined, placed in their spans, and on the recording's clock."""

from __future__ import annotations

import pytest

from speech.activity import Span, Window
from speech.alignment import whole_words

# Two stretches of speech, a long pause apart: 0 to 2 s and 2 to 4 s of the window.
WINDOW = Window((Span(0, 10.0, 12.0, 0.2, 0.2), Span(0, 50.0, 52.0, 0.2, 0.2)))


def piece(word: str, start: float, end: float, probability: float = 0.9) -> dict[str, object]:
    return {"word": word, "tokens": [1], "start": start, "end": end, "probability": probability}


def heard(*pieces: dict[str, object]) -> list[tuple[str, float, float]]:
    return [
        (word.text, round(word.start_s, 2), round(word.end_s, 2))
        for word in whole_words(list(pieces), WINDOW)
    ]


def test_marks_belong_to_their_words() -> None:
    said = heard(piece(" Hello", 0.3, 0.6), piece(",", 0.6, 0.6), piece(" Jack", 0.6, 1.0))
    assert said == [("Hello,", 10.3, 10.6), ("Jack", 10.6, 11.0)]


def test_what_is_written_without_spaces_is_one_word() -> None:
    (word,) = whole_words(
        [piece(" 2", 0.3, 0.5, 0.9), piece("-0", 0.5, 0.8, 0.4), piece("-4", 0.8, 1.0)], WINDOW
    )
    assert (word.text, word.start_s, word.end_s) == ("2-0-4", pytest.approx(10.3), 11.0)
    assert word.probability == pytest.approx(0.4)


def test_what_was_said_before_and_after_a_pause_is_not_one_word() -> None:
    assert heard(piece(" S", 1.0, 1.5), piece("-12", 2.5, 2.9)) == [
        ("S", 11.0, 11.5),
        ("-12", 50.5, 50.9),
    ]


def test_the_first_word_of_a_sentence_is_said_with_its_sentence() -> None:
    said = heard(
        piece(" today?", 1.0, 1.5),
        piece(" Of", 1.5, 1.7),
        piece(" course,", 2.3, 2.8),
    )
    assert said == [("today?", 11.0, 11.5), ("Of", 50.2, 50.3), ("course,", 50.3, 50.8)]


def test_a_word_that_ends_a_sentence_stays_where_it_was_said() -> None:
    said = heard(piece(" Yes.", 0.5, 1.0), piece(" Sure.", 1.2, 1.6), piece(" My", 2.4, 2.6))
    assert [word for word, *_ in said] == ["Yes.", "Sure.", "My"]
    assert said[1] == ("Sure.", 11.2, 11.6)
