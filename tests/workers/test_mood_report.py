"""What the report says of a mood model, as figures and in words."""

from __future__ import annotations

import pytest

from models.verdict import Judged
from workers.mood_report import MoodReport, as_dict, in_words, make_report


def rows(*known: tuple[float | None, int], model: str | None = "now") -> list[Judged]:
    return [Judged(anger, model, bool(angry)) for anger, angry in known]


def made(*judged: Judged, precision: float = 0.9) -> MoodReport:
    return make_report(judged, "now", alert_anger=0.6, precision=precision)


def test_only_the_moods_of_one_model_are_judged() -> None:
    found = made(
        *rows((0.9, 1), (0.2, 0), (None, 1)),
        *rows((0.8, 0), (0.7, 1), model="before"),
        *rows((None, 0), model=None),
    )
    assert (found.verdicts, found.angry) == (2, 1)
    assert (found.without_mood, found.other_model) == (2, 2)
    assert (found.at_alert.precision, found.at_alert.recall) == (1.0, 1.0)
    assert found.calibration_error == pytest.approx(0.15)
    lines = list(in_words(found))
    assert lines[0] == "mood model now: 2 verdicts, 1 of them angry"
    assert lines[1] == "left out: 2 verdicts on speakers without a mood"
    assert lines[2].startswith("left out: 2 verdicts on speakers judged under another model")


def test_the_report_tells_the_threshold_to_set() -> None:
    found = made(*rows(*[(0.95, 1)] * 18, *[(0.72, 0)] * 2, *[(0.65, 0)] * 5, *[(0.1, 0)] * 15))
    lines = list(in_words(found))
    assert (
        "at anger 0.6, where alerts begin: precision 0.72 (18 of 25), recall 1.00 (18 of 18)"
        in lines
    )
    assert lines[-2:] == [
        "lowest threshold of precision 0.9 or more on these verdicts: 0.72, precision 0.90 "
        "(18 of 20), recall 1.00 (18 of 18)",
        "to set it: OVERTONE_ALERT_ANGER=0.72",
    ]
    assert not [line for line in lines if "fewer than" in line]


def test_bins_are_drawn_as_bars() -> None:
    lines = list(in_words(made(*rows((0.95, 1), (0.95, 1), (0.05, 0), (0.55, 1), (0.55, 0)))))
    drawn = [line for line in lines if " to " in line and line.startswith("  ")]
    assert len(drawn) == 10
    assert drawn[0] == "  0.0 to 0.1      1   0.05   0.00    |"
    assert drawn[1] == "  0.1 to 0.2      0      -      -"
    assert drawn[5] == "  0.5 to 0.6      2   0.55   0.50   ########## |"
    assert drawn[9] == "  0.9 to 1.0      2   0.95   1.00   ###################|"


def test_few_verdicts_and_no_threshold_are_said_honestly() -> None:
    lines = list(in_words(made(*rows((0.9, 0), (0.5, 1)))))
    assert "fewer than 30 verdicts: these figures may be chance, give more" in lines
    assert lines[-1].startswith("no threshold gives a precision of 0.9 on these verdicts")
    calm = list(in_words(made(*rows((0.5, 0)))))
    assert (
        "at anger 0.6, where alerts begin: precision unknown (nobody reaches it), recall unknown "
        "(nobody is angry)" in calm
    )
    assert calm[-1].startswith("nobody was found angry yet")


def test_without_verdicts_the_report_says_how_to_give_one() -> None:
    lines = "\n".join(in_words(made(*rows((0.9, 1), model="before"))))
    assert "mood model now: 0 verdicts" in lines
    assert "1 verdict on speakers judged under another model" in lines
    assert "PUT /calls/NUMBER/verdict" in lines
    assert "calibration" not in lines


def test_json_has_all_that_the_words_tell() -> None:
    figures = as_dict(made(*rows((0.9, 1), (0.2, 0))))
    assert figures["few_verdicts"] is True
    assert figures["suggested"] == {
        "threshold": 0.9,
        "flagged": 1,
        "right": 1,
        "angry": 1,
        "precision": 1.0,
        "recall": 1.0,
    }
    assert as_dict(made())["suggested"] is None
