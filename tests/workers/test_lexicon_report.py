"""Lexicons in words: precision, differences, previews."""

from __future__ import annotations

import json

from lexicons.changes import compare
from lexicons.precision import measure
from lexicons.terms import Lexicon, Place, Term
from models.hit_verdict import JudgedHit
from workers.lexicon_report import (
    as_dict,
    changes_in_words,
    precision_in_words,
    preview_in_words,
    term_in_words,
)


def judged(right: bool, before: str = "", *, found: bool = True) -> JudgedHit:
    return JudgedHit(
        call_id=1,
        lexicon="shop",
        term="bearing 204",
        speaker="customer",
        start_s=1.0,
        right=right,
        before=before,
        matched="bearing 204",
        after="",
        found=found,
        score=1.0 if found else None,
        parts={} if found else None,
    )


SHOP = Lexicon("shop", "product", 3, (Term("bearing 204"), Term("drill")))
HITS = [judged(True, "a")] * 4 + [judged(False, "in mind the")] * 4 + [judged(False, found=False)]


def test_the_report_says_what_to_do_and_how() -> None:
    lines = list(precision_in_words(measure(SHOP, HITS)))
    assert lines[0] == "shop 3: 8 hits judged, precision 0.50, at least 0.22"
    assert lines[1] == "without a verdict: 1 term"
    assert lines[3].split() == ["4", "4", "0.50", "(0.22)", "bearing", "204"]
    assert lines[4].strip() == "tighten: add “mind” to its unless: 4 of 4 wrong hits go"
    assert lines[5].strip() == "wrong: in mind the [bearing 204]"
    assert lines[8].strip() == "overtone lexicon exclude shop 'bearing 204' mind"


def test_a_term_whose_wrong_hits_are_gone_says_so() -> None:
    lines = list(precision_in_words(measure(SHOP, [judged(False, found=False)] * 2)))
    assert lines[0] == "shop 3: 0 hits judged, none of them is found any more"
    assert "- (2 wrong gone)" in lines[3]


def test_right_hits_that_are_lost_are_told() -> None:
    lines = list(precision_in_words(measure(SHOP, [judged(True, found=False)])))
    assert lines[-1].strip() == "found no more: 1 right hit"


def test_without_verdicts_the_report_says_so() -> None:
    assert list(precision_in_words(measure(SHOP, []))) == ["shop 3: no verdicts yet"]


def test_json_has_all_that_the_words_tell() -> None:
    told = json.loads(json.dumps(as_dict(measure(SHOP, HITS))))
    assert (told["confirmed"], told["rejected"], told["precision"]) == (4, 4, 0.5)
    (term,) = told["terms"]
    assert (term["precision"], term["gone"], term["way"]["unless"]) == (0.5, 1, "mind")
    assert [hit["before"] for hit in term["wrong"]] == ["in mind the"] * 4


def test_a_difference_is_told_line_by_line() -> None:
    after = Lexicon("shop", "custom", 4, (Term("bearing 204", mode="stem"), Term("saw")))
    assert list(changes_in_words(compare(SHOP, after))) == [
        "~ purpose: product -> custom",
        "+ saw",
        "- drill",
        "~ bearing 204",
        "    mode: as usual -> stem",
    ]
    assert list(changes_in_words(compare(SHOP, SHOP))) == ["nothing differs"]


def test_a_term_is_one_line() -> None:
    term = Term("saw", forms=("saws",), place=Place.read("first 20 %"), negatable=True)
    assert term_in_words(term) == "saw  (forms saws, place first 20 %, negatable True)"


def test_a_preview_shows_where() -> None:
    excerpt = {
        "call_id": 7,
        "external_id": "a",
        "start_s": 3.0,
        "speaker": "customer",
        "text": "a saw",
    }
    entry = {
        "term": "saw",
        "gained": 9,
        "lost": 1,
        "gained_in": [excerpt] * 5,
        "lost_in": [excerpt],
    }
    counts = {"calls": 20, "gained": 8, "lost": 0, "added": 12, "removed": 1}
    result = {"lexicon": "shop", "terms": [entry], **counts}
    lines = list(preview_in_words(result))
    assert lines[0] == "20 calls matched: 8 would get the tag shop, 0 would lose it"
    assert lines[1] == "12 hits more, 1 hit less"
    assert lines[2] == "saw: gained in 9 calls, lost in 1"
    assert lines[3] == "  + call 7 3.00 s  customer: a saw"
    assert (len(lines), lines[-1][:3]) == (7, "  -")
