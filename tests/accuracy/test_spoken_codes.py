"""Set B names what it says it names."""

from __future__ import annotations

from random import Random

from tests.accuracy.spoken_codes import CODES, PHRASES, codes, phrases, read


def test_a_seed_makes_200_phrases_of_which_40_name_codes_that_are_not_in_the_catalogue() -> None:
    catalogue, made = phrases(1)
    assert phrases(1) == (catalogue, made)
    assert len(catalogue) == len(set(catalogue)) == CODES
    assert len(made) == PHRASES
    assert {one.code for one in made if one.known} == set(catalogue)
    strangers = [one.code for one in made if not one.known]
    assert len(strangers) == 40
    assert not set(strangers) & set(catalogue)


def test_no_code_is_a_part_of_another() -> None:
    made = codes(100, Random(2))
    parts = [f" {code} " for code in made]
    assert not any(one in other for one in parts for other in parts if one != other)


def test_a_code_is_read_out_in_words() -> None:
    for seed in range(20):
        said = read("6204 2RS", Random(seed))
        assert not any(character.isdigit() for character in said)
        assert said.endswith("two R S")
