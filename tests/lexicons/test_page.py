"""The page on lexicons: its examples are found, or not, as it says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lexicons.catalogue import load_catalogue
from lexicons.lexicon import Lexicon, Term, loads_toml
from lexicons.matcher import Matcher

PAGE = (Path(__file__).parents[2] / "docs" / "lexicons.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    """The code of the page in a language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


def modes() -> Iterator[tuple[str, str, str, str]]:
    """Mode, term, what it finds and what it does not, by the table of modes."""
    mode = ""
    for row in re.findall(r"^\| (.*) \|$", PAGE.split("## Modes")[1].split("\n## ")[0], re.M):
        cells = [cell.strip().strip("`") for cell in row.split("|")]
        mode = cells[0] or mode
        if len(cells) == 5 and mode in ("exact", "stem", "fuzzy", "near"):
            yield mode, cells[2], cells[3], cells[4]


def found_by(lexicon: Lexicon, text: str, *, speaker: str = "customer", at_s: float = 0) -> bool:
    """Whether there is a hit when somebody says this."""
    return any(
        match.definition is not None and match.definition.allows(speaker, at_s, call_s=300)
        for match in Matcher([lexicon]).find(text)
    )


@pytest.mark.parametrize(
    "text",
    [
        "close my account",
        "closing my accounts",
        "хочу сменить оператора",
        "money for a refund",
        "I want to cancel",
        "I am disappointed",
    ],
)
def test_the_example_finds_what_it_says(text: str) -> None:
    assert found_by(loads_toml(block("toml")), text)


@pytest.mark.parametrize("text", ["noise cancelling headphones", "I am not disappointed"])
def test_the_example_leaves_alone_what_it_says(text: str) -> None:
    assert not found_by(loads_toml(block("toml")), text)


def test_the_example_minds_who_speaks_and_where() -> None:
    lexicon, text = loads_toml(block("toml")), "This call is recorded."
    assert found_by(lexicon, text, speaker="agent", at_s=5)
    assert not found_by(lexicon, text, speaker="customer", at_s=5)
    assert not found_by(lexicon, text, speaker="agent", at_s=60)
    assert not found_by(lexicon, "close my account", speaker="agent")


@pytest.mark.parametrize(("mode", "term", "found", "not_found"), list(modes()))
def test_each_mode_finds_what_the_table_says(
    mode: str, term: str, found: str, not_found: str
) -> None:
    lexicon = Lexicon("page", "custom", 1, (Term(term, mode=mode),))  # type: ignore[arg-type]
    assert found_by(lexicon, found)
    assert not found_by(lexicon, not_found)


def test_the_table_has_every_mode() -> None:
    assert {mode for mode, *_ in modes()} == {"exact", "stem", "fuzzy", "near"}


def test_the_catalogue_of_the_page_is_sound() -> None:
    catalogue = load_catalogue(block("csv").encode(), name="product", source="products.csv")
    assert [term.text for term in catalogue.lexicon.terms] == [
        "Подшипник шариковый",
        "torque wrench",
    ]
    assert catalogue.problems == ()
