"""Terms found in texts, and the fast matcher against one that compares everything."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from lexicons.families import family, lookups
from lexicons.known import is_known
from lexicons.lexicon import Lexicon, Term
from lexicons.matcher import MOST_EDITS_PERCENT, Match, Matcher
from lexicons.misspelling import (
    MISHEARD,
    MISSPELT,
    PARTED,
    edits_allowed,
    fuzzy_length,
    probe,
)
from lexicons.negation import is_denied
from lexicons.score import score_of, score_parts
from lexicons.sounds import base_sound, sound
from lexicons.terms import Mode, Purpose
from lexicons.text import analyze


def matcher(*terms: Term, purpose: Purpose = "custom") -> Matcher:
    return Matcher([Lexicon("tools", purpose, 7, terms)])


def found(text: str, *terms: Term, purpose: Purpose = "custom") -> list[str]:
    return [match.matched for match in matcher(*terms, purpose=purpose).find(text)]


def test_a_match_says_what_was_found_and_where() -> None:
    term = Term("bearing 204", grade="a")
    assert matcher(term).find("Any bearing number two oh four, please?") == [
        Match("tools", 7, "bearing 204", "a", "bearing number two oh four", 4, 30, 1.0)
    ]


def test_a_form_is_a_match_of_its_term() -> None:
    match = matcher(Term("angle grinder", ("болгарка",))).find("Почём болгарки?")[0]
    assert (match.term, match.matched) == ("angle grinder", "болгарки")


def test_a_term_said_twice_is_two_matches() -> None:
    assert found("Drill? A drill!", Term("drill")) == ["Drill", "drill"]


def test_the_longest_term_wins() -> None:
    terms = Term("drill"), Term("hammer drill"), Term("hammer")
    assert found("a hammer drill, a hammer", *terms) == ["hammer drill", "hammer"]


def test_the_better_of_two_terms_wins() -> None:
    terms = Term("torque trench"), Term("torque wrench")
    assert [match.term for match in matcher(*terms).find("torque wrench")] == ["torque wrench"]


def test_lexicons_do_not_hide_each_others_matches() -> None:
    both = Matcher(
        [
            Lexicon("a", "custom", 1, (Term("hammer drill"),)),
            Lexicon("b", "custom", 1, (Term("drill"),)),
        ]
    )
    matches = both.find("hammer drill")
    assert [(match.lexicon, match.matched) for match in matches] == [
        ("a", "hammer drill"),
        ("b", "drill"),
    ]


def test_inflected_forms_are_found_unless_exact() -> None:
    assert found("two drills", Term("drill", mode="stem")) == ["drills"]
    assert found("two drills", Term("drill", mode="exact")) == []
    assert found("A DRILL", Term("drill", mode="exact")) == ["DRILL"]
    assert found("no. 204", Term("two oh four", mode="exact")) == ["no. 204"]


def test_misspelt_forms_are_found_if_fuzzy() -> None:
    assert found("a torque wrensh", Term("torque wrench")) == ["torque wrensh"]
    assert found("a torque wrensh", Term("torque wrench", mode="stem")) == []
    assert found("перфаратор", Term("перфоратор")) == ["перфаратор"]


def test_a_misspelt_form_scores_by_its_letters() -> None:
    match = matcher(Term("torque wrench")).find("torque wrenhc")[0]
    assert match.score == pytest.approx(1 - 1 / 12, abs=1e-4)
    assert match.parts == {"spelling": match.score}


@pytest.mark.parametrize(
    ("text", "term"),
    [
        *(("a duck", "fuck"), ("shut", "shit"), ("class", "ass"), ("assistant", "ass")),
        *(("count", "cunt"), ("хлеб", "хлев"), ("grill", "drill"), ("bearing 205", "bearing 204")),
        *(("m8 bolt", "m9 bolt"), ("drill bit drill", "bit bit"), ("товар", "тварь")),
    ],
)
def test_near_misses_of_short_words_and_numbers_are_not_found(text: str, term: str) -> None:
    assert found(text, Term(term)) == []


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("You were very helpful", 1),
        ("You were not very helpful", 0),
        ("You weren't at all very helpful", 0),
        ("No, very helpful", 1),
        ("I did not expect that. Very helpful", 1),
        ("not only very helpful but quick", 1),
        ("not cheap but very helpful", 1),
        ("That would be very helpful", 0),
        ("Would you believe it, very helpful", 1),
        ("не very helpful", 0),
    ],
)
def test_praise_that_is_denied_is_no_praise(text: str, count: int) -> None:
    assert len(found(text, Term("very helpful", mode="exact"), purpose="praise")) == count


def test_denied_praise_hides_the_shorter_praise_in_it() -> None:
    terms = Term("very helpful indeed"), Term("indeed")
    assert found("not very helpful indeed", *terms, purpose="praise") == []


def test_only_praise_can_be_denied() -> None:
    assert found("not an idiot", Term("idiot")) == ["idiot"]


@pytest.mark.parametrize("text", ["", "...", "\x00", "\ud800", "שלום עולם"])
def test_texts_without_terms_have_no_matches(text: str) -> None:
    assert found(text, Term("drill")) == []


def test_an_empty_lexicon_finds_nothing() -> None:
    assert Matcher([]).find("drill") == []
    assert found("drill") == []


def test_tokens_may_be_given() -> None:
    assert len(matcher(Term("drill")).find("a drill", analyze("a drill"))) == 1


def test_two_lexicons_may_hold_one_term() -> None:
    both = Matcher([Lexicon(name, "custom", 1, (Term("drill"),)) for name in "ab"])
    assert [match.lexicon for match in both.find("drill")] == ["a", "b"]


def slow_find(lexicons: list[Lexicon], text: str) -> list[Match]:
    """Every form of every term is compared with every place."""
    tokens = analyze(text)
    families = {
        family(token.word)
        for lexicon in lexicons
        for term in lexicon.terms
        for phrase in term.phrases
        for token in analyze(phrase)
    }
    matches: list[Match] = []
    for lexicon in lexicons:
        rated: list[tuple[int, float, int, int, Match]] = []
        for position, term in enumerate(lexicon.terms):
            for phrase in term.phrases:
                wanted = [token.word for token in analyze(phrase)]
                letters = sum(map(len, wanted))
                for start in range(len(tokens)):
                    heard = [token.word for token in tokens[start:]]
                    for count, edits, how in slow_ways(wanted, heard, families, term.mode):
                        if edits * 100 > letters * MOST_EDITS_PERCENT:
                            continue
                        parts = score_parts(edits=edits, letters=letters, how=how, certain=None)
                        begin, end = tokens[start].start, tokens[start + count - 1].end
                        match = Match(
                            lexicon=lexicon.name,
                            version=lexicon.version,
                            term=term.text,
                            grade=term.grade,
                            matched=text[begin:end],
                            start=begin,
                            end=end,
                            score=score_of(parts),
                            parts=parts,
                        )
                        rated.append((-count, -match.score, start, position, match))
        taken: set[int] = set()
        for length, _, start, _, match in sorted(rated, key=lambda rate: rate[:4]):
            places = set(range(start, start - length))
            if not places & taken:
                taken |= places
                if lexicon.purpose != "praise" or not is_denied(text, tokens, start=start):
                    matches.append(match)
    return matches


def slow_ways(
    wanted: list[str], heard: list[str], families: set[str], mode: Mode
) -> Iterator[tuple[int, int, int]]:
    """In how many words of `heard`, with which edits and how, all of `wanted` begins it."""
    if not wanted:
        yield 0, 0, 0
        return
    if not heard:
        return
    steps: list[tuple[int, int, int, int]] = []  # words wanted, words heard, edits, how
    for edits, how in slow_alike(wanted[0], heard[0], families, mode):
        steps.append((1, 1, edits, how))
    if mode == "fuzzy" and len(heard) > 1 and begins(wanted[0], heard[0]):
        joined = heard[0] + heard[1]
        if goes_on(wanted[0], heard[0], heard[1]):
            for edits, how in slow_alike(wanted[0], joined, families, mode):
                if edits == 0 and not (how and is_known(heard[0]) and is_known(heard[1])):
                    steps.append((1, 2, edits, how | PARTED))
    for said, used, edits, how in steps:
        for count, more, ways in slow_ways(wanted[said:], heard[used:], families, mode):
            yield used + count, edits + more, how | ways


def begins(word: str, head: str) -> bool:
    return word.startswith(head) or sounds_begun(word, sound(head))


def goes_on(word: str, left: str, right: str) -> bool:
    said = sound(left)
    if word.startswith(left + probe(right)):
        return True
    return (
        len(left) > 2 and sounds_begun(word, said) and sounds_begun(word, said + sound(right)[:2])
    )


def sounds_begun(word: str, said: str) -> bool:
    sounds = sound(word)
    return sounds.startswith(said) and 3 <= len(said) < len(sounds) - 1


def slow_alike(want: str, hear: str, families: set[str], mode: Mode) -> Iterator[tuple[int, int]]:
    keys = set(lookups(hear))
    if family(want) in keys:
        if mode != "exact" or want == hear:
            yield 0, 0
        return
    if mode != "fuzzy" or not (want.isalpha() and hear.isalpha()):
        return
    unmistakable = is_known(hear) and not (hear.isascii() and len(hear) > 4)
    if len(want) > 3 and len(hear) > 2 and base_sound(want) in (base_sound(hear), sound(hear)):
        if not unmistakable:
            yield 0, MISHEARD
        return
    if keys & families or not fuzzy_length(hear) or is_known(hear):
        return
    garbled = not hear.isascii() and hear.startswith(family(want))
    if garbled and len(family(want)) > 5 and len(family(want)) > len(hear) - 5:
        yield 1, MISSPELT
        return
    allowed = min(edits_allowed(want), len(family(want)) // 3)
    for key in lookups(hear):
        edits = OSA.distance(key, family(want))
        if edits <= allowed:
            yield edits, MISSPELT
            return


VOCABULARY = (
    "grinder grinders gridner hammer hamner hammer wrench wrensh wrnech wrenches calibrator "
    "calibrater calbrater calbratr two oh four 204 not very перфораторы перфаратор перфарадор"
)
WORDS = st.sampled_from(VOCABULARY.split())
PHRASES = st.lists(WORDS, min_size=1, max_size=3).map(" ".join)
TERMS = st.builds(
    Term,
    text=PHRASES,
    forms=st.lists(PHRASES, max_size=2).map(tuple),
    mode=st.sampled_from(["fuzzy", "stem", "exact"]),
)
LEXICONS = st.lists(
    st.builds(
        Lexicon,
        name=st.just("tools"),
        purpose=st.sampled_from(["custom", "praise"]),
        version=st.just(1),
        terms=st.lists(TERMS, max_size=8).map(tuple),
    ),
    max_size=2,
)
TEXTS = st.lists(st.tuples(WORDS, st.sampled_from([" ", " ", ", ", ". "])), max_size=14).map(
    lambda parts: "".join(word + gap for word, gap in parts)
)


@settings(max_examples=400)
@given(LEXICONS, TEXTS)
def test_the_fast_matcher_agrees_with_the_slow_one(lexicons: list[Lexicon], text: str) -> None:
    def place(match: Match) -> tuple[int, int, str, float]:
        return match.start, match.end, match.term, match.score

    fast = Matcher(lexicons).find(text)
    assert sorted(fast, key=place) == sorted(slow_find(lexicons, text), key=place)
    assert [(m.start, m.end) for m in fast] == sorted((m.start, m.end) for m in fast)


@given(LEXICONS, TEXTS)
def test_a_matcher_gives_the_same_answer_again(lexicons: list[Lexicon], text: str) -> None:
    again = Matcher(lexicons)
    assert again.find(text) == again.find(text) == Matcher(lexicons).find(text)


@given(st.text(st.characters()), PHRASES)
def test_any_text_can_be_searched(text: str, phrase: str) -> None:
    searched = text + " " + phrase
    for match in matcher(Term(phrase)).find(searched):
        assert match.matched == searched[match.start : match.end]
        assert 0 < match.score <= 1


def test_a_term_of_hesitations_does_not_take_long() -> None:
    matcher = Matcher([Lexicon("talk", "custom", 1, (Term("uh um uh um uh"),))])
    assert len(matcher.find("uh um uh um uh and so on")) == 1
    assert matcher.find("uh um " * 2000 + "well")
