"""Lexicons out of TOML, and what is said of those that cannot work."""

from __future__ import annotations

from pathlib import Path

import pytest

from lexicons.lexicon import (
    ControlCharacterError,
    DuplicateTermError,
    EmptyTermError,
    GradeError,
    Lexicon,
    LexiconError,
    LexiconFileError,
    LongTermError,
    Term,
    TermError,
    WordlessTermError,
    load_toml,
    loads_toml,
    problems,
    validate,
)

HEAD = 'name = "tools"\npurpose = "custom"\nversion = 3\n'


def lexicon(*terms: Term) -> Lexicon:
    return Lexicon("tools", "custom", 1, terms)


def test_a_file_becomes_a_lexicon(tmp_path: Path) -> None:
    path = tmp_path / "tools.toml"
    path.write_text(
        HEAD
        + """
        [[groups]]
        mode = "stem"
        note = "hand tools"
        grade = "a"
        terms = ["torque wrench", { text = "drill", forms = ["дрель"], grade = "b" }]
        """,
        encoding="utf-8",
    )
    assert load_toml(path) == Lexicon(
        "tools",
        "custom",
        3,
        (
            Term("torque wrench", mode="stem", note="hand tools", grade="a"),
            Term("drill", ("дрель",), mode="stem", note="hand tools", grade="b"),
        ),
    )


def test_a_lexicon_may_be_empty() -> None:
    assert loads_toml(HEAD).terms == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = ", "is not TOML"),
        ('purpose = "custom"\nversion = 1', "give the lexicon a name"),
        (HEAD.replace("custom", "other"), "purpose must be one of product, abusive"),
        (HEAD.replace("3", "0"), "version must be a whole number from 1"),
        (HEAD.replace("3", "true"), "version must be a whole number from 1"),
        (HEAD + "words = []", "does not know 'words'; use groups"),
        (HEAD + "groups = 1", "each begun by [[groups]]"),
        (HEAD + "[[groups]]", "group 1: give it a list of terms"),
        (HEAD + "[[groups]]\nterms = [1]", "group 1: a term is a text or a table, not 1"),
        (HEAD + "[[groups]]\nterms = [{ forms = [] }]", "give it a text"),
        (HEAD + '[[groups]]\nterms = [{ text = "a", form = 1 }]', "does not know 'form'"),
        (HEAD + '[[groups]]\nterms = [{ text = "a", forms = "b" }]', "forms must be a list"),
        (
            HEAD + '[[groups]]\nmode = "sound"\nterms = ["a"]',
            "mode must be one of fuzzy, stem, exact, near",
        ),
        (HEAD + '[[groups]]\ngrade = " "\nterms = ["a"]', "grade must be a text"),
    ],
)
def test_a_badly_written_file_says_what_to_write(text: str, said: str) -> None:
    with pytest.raises(LexiconFileError) as caught:
        loads_toml(text, source="tools.toml")
    assert str(caught.value).startswith("tools.toml: ")
    assert said in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(LexiconFileError, match=r"^none\.toml: there is no such file"):
        load_toml(tmp_path / "none.toml")


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tools.toml"
    path.write_bytes("name = 'дрель'".encode("cp1251"))
    with pytest.raises(LexiconFileError, match="cannot be read as UTF-8"):
        load_toml(path)


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("", EmptyTermError, "term '' is empty: give it a text or remove it"),
        (" \u00a0", EmptyTermError, "is empty"),
        ("x" * 201, LongTermError, "has 201 characters: shorten it to 200"),
        ("x" * 10_000, LongTermError, "has 10000 characters"),
        ("drill\x07", ControlCharacterError, "has the control character U+0007: remove it"),
        ("drill\nbit", ControlCharacterError, "U+000A"),
        ("drill\ud800", ControlCharacterError, "U+D800"),
        ("-- ! №", WordlessTermError, "has no word or number in it: remove it"),
    ],
)
def test_a_term_that_cannot_work_is_named(text: str, error: type[TermError], said: str) -> None:
    for term in (Term(text), Term("fine", forms=(text,))):
        with pytest.raises(error) as caught:
            validate(lexicon(term), "tools.toml")
        assert str(caught.value).startswith("tools.toml: term '")
        assert said in str(caught.value)
        assert caught.value.term == text
        assert len(str(caught.value)) < 200


def test_a_term_in_another_script_is_fine() -> None:
    validate(lexicon(Term("מקדחה"), Term("مثقاب"), Term("電動ドリル")))


@pytest.mark.parametrize(
    ("terms", "second"),
    [
        ((Term("bearing 204"), Term("bearings no. two oh four")), "bearings no. two oh four"),
        ((Term("drill", ("drills",)),), "drills"),
        ((Term("ёлка"), Term("хвоя", ("ЕЛКА",))), "ЕЛКА"),
        ((Term("drill"), Term("drilling", mode="exact"), Term("drill", mode="exact")), "drill"),
    ],
)
def test_terms_that_read_alike_are_refused(terms: tuple[Term, ...], second: str) -> None:
    with pytest.raises(DuplicateTermError) as caught:
        validate(lexicon(*terms))
    assert caught.value.term == second
    assert "keep one of the two" in str(caught.value)


def test_exact_terms_may_share_their_stems() -> None:
    validate(lexicon(Term("so helpful", mode="exact"), Term("so helped", mode="exact")))


def test_an_abusive_term_needs_a_known_grade() -> None:
    for grade in (None, "rude"):
        with pytest.raises(GradeError, match="needs a grade: mild, strong, threat"):
            validate(Lexicon("abusive", "abusive", 1, (Term("idiot", grade=grade),)))
    validate(Lexicon("abusive", "abusive", 1, (Term("idiot", grade="mild"),)))


def test_every_problem_is_listed() -> None:
    found = list(problems(lexicon(Term(""), Term("drill"), Term("!"), Term("Drill"))))
    assert [type(problem) for problem in found] == [
        EmptyTermError,
        WordlessTermError,
        DuplicateTermError,
    ]
    assert all(isinstance(problem, LexiconError) for problem in found)
