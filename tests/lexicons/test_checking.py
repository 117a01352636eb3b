"""Everything that keeps a lexicon from being saved, named at once."""

from __future__ import annotations

import pytest

from lexicons.checking import MOST_PROBLEMS, LexiconUnusableError, read_table
from lexicons.lexicon import as_table, shipped


def refusal(table: object, name: str | None = None) -> LexiconUnusableError:
    with pytest.raises(LexiconUnusableError) as caught:
        read_table(table, source="shop", name=name)
    return caught.value


@pytest.mark.parametrize("number", range(3))
def test_the_shipped_lexicons_have_no_problem(number: int) -> None:
    lexicon = shipped()[number]
    assert read_table(as_table(lexicon), source="shipped") == lexicon


def test_the_name_may_be_left_to_the_caller() -> None:
    table = {"purpose": "custom", "terms": ["refund"]}
    assert read_table(table, source="shop", name="shop").name == "shop"
    assert "give the lexicon a name" in str(refusal(table))
    assert "another name" in str(refusal(table | {"name": "x"}, "shop"))


def test_terms_written_wrongly_are_all_named() -> None:
    groups = [
        {"mode": "stem", "terms": ["refund", {"text": "money", "mode": "?"}]},
        {"terms": [{"text": "back", "unless": "no"}, 3]},
    ]
    error = refusal({"name": "shop", "purpose": "custom", "groups": groups})
    assert [one.term for one in error.problems] == ["money", "back", None]
    assert not error.more
    assert "3 problems, the first: shop: group 1, term 'money': mode must be" in str(error)


def test_what_a_group_has_wrong_is_named_once() -> None:
    groups = [{"moed": "stem", "terms": ["refund", "money", "back"]}]
    error = refusal({"name": "shop", "purpose": "custom", "groups": groups})
    assert len(error.problems) == 1
    assert "'moed'" in str(error)


def test_no_more_than_a_hundred_problems_are_named() -> None:
    for entry in ("?!", {"text": "refund", "within": "far"}):
        error = refusal({"name": "s", "purpose": "custom", "terms": [entry] * 150})
        if isinstance(entry, str):
            assert len(error.problems) == MOST_PROBLEMS
            assert error.more
    terms = [{"text": f"word {i}", "within": "far"} for i in range(150)]
    error = refusal({"name": "s", "purpose": "custom", "terms": terms})
    assert (len(error.problems), error.more) == (MOST_PROBLEMS, True)


def test_long_texts_are_cut_in_what_is_said() -> None:
    error = refusal(
        {"name": "s", "purpose": "custom", "terms": [{"text": "x" * 10_000, "mode": "?"}]}
    )
    assert len(str(error)) <= 300
    assert len(error.problems[0].term or "") <= 60
