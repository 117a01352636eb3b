"""Numbers as people say and Whisper writes them, in English and Russian."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexicons.text import analyze


def keys(text: str) -> list[str]:
    return [token.key for token in analyze(text)]


@pytest.mark.parametrize(
    "text",
    [
        *("bearing 204", "bearing no 204", "bearing no. 204", "Bearing No. 204,", "bearing No.204"),
        *("bearing number 204", "bearing № 204", "bearing №204", "bearing #204", "bearing nr 204"),
        *("bearing num. 204", "bearing number: 204", "bearing number 2-0-4", "bearing 204th"),
        *("bearing two oh four", "bearing two o four", "bearing two zero four"),
        *("bearing number two oh four", "bearing no. two-oh-four", "bearing no two oh four"),
        *("bearing two hundred and four", "bearing two hundred four", "bearing 2 0 4"),
        *("bearing 2-0-4", "bearing 2, 0, 4", "bearing 2.04", "bearing two oh 4", "bearings 204s"),
        *("bearing two-hundred-and-four", "bearing two hundred and fourth"),
    ],
)
def test_every_way_to_name_bearing_204_reads_alike(text: str) -> None:
    assert keys(text) == ["bear", "204"]


@pytest.mark.parametrize(
    "text",
    [
        *("подшипник 204", "подшипник номер 204", "подшипник № 204", "подшипник н. 204"),
        *("подшипник ном. 204", "подшипник двести четыре", "подшипник номер двести четыре"),
        *("подшипник два ноль четыре", "подшипник двести четвёртый", "подшипник 204-й"),
        *("подшипника двести четвертого", "подшипником номер двести четыре", "подшипник №204"),
        *("подшипников двухсот четырёх", "подшипникам двумстам четырём", "подшипник 2-0-4"),
        *(
            "подшипник два ноль четвёртый",
            "подшипник два нуль четыре",
            "подшипники двести четвёртые",
        ),
    ],
)
def test_every_russian_way_to_name_bearing_204_reads_alike(text: str) -> None:
    assert keys(text) == ["подшипник", "204"]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("twenty four", "24"),
        ("twenty-four", "24"),
        ("double seven", "77"),
        ("triple two", "222"),
        ("double oh seven", "007"),
        ("oh seven seven", "077"),
        ("six two oh", "620"),
        ("sixty two oh four", "6204"),
        ("sixty-two-oh-four", "6204"),
        ("six two zero four", "6204"),
        ("sixty two hundred and four", "6204"),
        ("six thousand two hundred and four", "6204"),
        ("62 04", "6204"),
        ("62-04", "6204"),
        ("62, 04", "6204"),
        ("2,004", "2004"),
        ("two thousand and four", "2004"),
        ("20,000", "20000"),
        ("20 000", "20000"),
        ("twenty thousand", "20000"),
        ("20 thousand", "20000"),
        ("one million two hundred thousand and five", "1200005"),
        ("a hundred", "100"),
        ("a thousand and one", "1001"),
        ("nineteen eighty four", "1984"),
        ("nineteen oh five", "1905"),
        ("twenty twenty five", "2025"),
        ("seven thirty", "730"),
        ("7:30", "730"),
        ("two point oh four", "204"),
        ("two point five", "25"),
        ("2.5", "25"),
        ("$20", "20"),
        ("10%", "10"),
        ("twenty first", "21"),
        ("21st", "21"),
        ("fifth", "5"),
        ("three hundredth", "300"),
        ("24/7", "247"),
        ("twenty four seven", "247"),
        ("123-45-67", "1234567"),
        ("one, two, oh four", "1204"),
        ("тысяча двести", "1200"),
        ("две тысячи двадцать четвёртый", "2024"),
        ("2 тысячи 400", "2400"),
        ("двадцать тысяч", "20000"),
        ("шестьдесят два ноль четыре", "6204"),
        ("шесть тысяч двести четыре", "6204"),
        ("сорок первый", "41"),
        ("девяноста девяти", "99"),
        ("два нуля семь", "007"),
        ("пятьюстами", "500"),
        ("трёхсотый", "300"),
        ("миллион", "1000000"),
        ("5-ти", "5"),
    ],
)
def test_a_number_is_its_digits(text: str, number: str) -> None:
    assert keys(text) == [number]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("four, five", ["4", "5"]),
        ("four, five, six", ["4", "5", "6"]),
        ("4, 5 or 6", ["4", "5", "or", "6"]),
        ("four. Five", ["4", "5"]),
        ("twenty, thirty", ["20", "30"]),
        ("twenty thirty minutes", ["20", "30", "minut"]),
        ("20-30 minutes", ["20", "30", "minut"]),
        ("2-3 days", ["2", "3", "day"]),
        ("two three days", ["2", "3", "day"]),
        ("два-три дня", ["2", "3", "дня"]),
        ("минут пять десять", ["минут", "5", "10"]),
        ("two 204 bearings", ["2", "204", "bear"]),
        ("2 204 bearings", ["2", "204", "bear"]),
        ("three 16 amp fuses", ["3", "16", "amp", "fuse"]),
        ("2 10 mm bolts", ["2", "10", "mm", "bolt"]),
        ("three hundred two hundred", ["300", "200"]),
        ("two hundred three hundred", ["200", "300"]),
        ("two thousand four thousand", ["2000", "4000"]),
        ("204th 5", ["204", "5"]),
        ("this one two oh four", ["this", "1", "204"]),
        ("6204 2rs", ["6204", "2rs"]),
        ("двести четыре и пять", ["204", "и", "5"]),
    ],
)
def test_separate_numbers_stay_separate(text: str, expected: list[str]) -> None:
    assert keys(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no, thanks", ["no", "thank"]),
        ("no", ["no"]),
        ("no one helped", ["no", "1", "help"]),
        ("no two ways", ["no", "2", "way"]),
        ("No. Two of them", ["no", "2", "of", "them"]),
        ("no, 204", ["no", "204"]),
        ("a number of people", ["a", "number", "of", "peopl"]),
        ("my number. Two", ["my", "number", "2"]),
        ("number one", ["1"]),
        ("phone number", ["phone", "number"]),
        ("номер телефона", ["номер", "телефон"]),
        ("c#", ["c"]),
    ],
)
def test_a_marker_without_a_number_is_a_word(text: str, expected: list[str]) -> None:
    assert keys(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("oh, I see", ["oh", "i", "see"]),
        ("oh four of them", ["oh", "4", "of", "them"]),
        ("Oh, four", ["oh", "4"]),
        ("two, oh, four please", ["2", "oh", "4", "pleas"]),
        ("sixty two oh my god", ["62", "oh", "my", "god"]),
        ("oh oh oh oh oh", ["oh"] * 5),
    ],
)
def test_an_exclamation_is_not_a_zero(text: str, expected: list[str]) -> None:
    assert keys(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("just a second", ["just", "a", "second"]),
        ("first of all", ["first", "of", "all"]),
        ("at this point five people", ["at", "this", "point", "5", "peopl"]),
        ("one of them", ["1", "of", "them"]),
        ("ещё раз", ["ещ", "раз"]),
        ("с моей семьёй и семью", ["с", "мо", "сем", "и", "сем"]),
        ("hundreds of thousands", ["hundr", "of", "thousand"]),
        ("double glazing", ["doubl", "glaze"]),
    ],
)
def test_words_that_only_look_like_numbers_stay_words(text: str, expected: list[str]) -> None:
    assert keys(text) == expected


UNITS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
UNITS += "fifteen sixteen seventeen eighteen nineteen"
TENS = "- - twenty thirty forty fifty sixty seventy eighty ninety"
RUSSIAN_UNITS = (
    "ноль один два три четыре пять шесть семь восемь девять десять одиннадцать двенадцать "
)
RUSSIAN_UNITS += (
    "тринадцать четырнадцать пятнадцать шестнадцать семнадцать восемнадцать девятнадцать"
)
RUSSIAN_TENS = "- - двадцать тридцать сорок пятьдесят шестьдесят семьдесят восемьдесят девяносто"
RUSSIAN_HUNDREDS = "- сто двести триста четыреста пятьсот шестьсот семьсот восемьсот девятьсот"


def say_in_english(number: int, *, joint: str) -> str:
    """A number as an English textbook spells it; `joint` is what follows a hundred."""
    for value, word in ((1_000_000, "million"), (1_000, "thousand"), (100, "hundred")):
        if number >= value:
            count, rest = divmod(number, value)
            said = f"{say_in_english(count, joint=joint)} {word}"
            if not rest:
                return said
            between = joint if value == 100 or rest < 100 else " "
            return said + between + say_in_english(rest, joint=joint)
    if number < 20:
        return UNITS.split()[number]
    tens, unit = divmod(number, 10)
    return TENS.split()[tens] + (f"-{UNITS.split()[unit]}" if unit else "")


def say_in_russian(number: int) -> str:
    """A number in the nominative."""
    for value, word in ((1_000_000, "миллионов"), (1_000, "тысяч")):
        if number >= value:
            count, rest = divmod(number, value)
            said = f"{say_in_russian(count)} {word}"
            return f"{said} {say_in_russian(rest)}" if rest else said
    if number < 20:
        return RUSSIAN_UNITS.split()[number]
    if number < 100:
        tens, unit = divmod(number, 10)
        return RUSSIAN_TENS.split()[tens] + (f" {RUSSIAN_UNITS.split()[unit]}" if unit else "")
    hundreds, rest = divmod(number, 100)
    return RUSSIAN_HUNDREDS.split()[hundreds] + (f" {say_in_russian(rest)}" if rest else "")


@given(st.integers(0, 999_999_999), st.sampled_from([" ", " and "]))
def test_english_numbers_said_in_full(number: int, joint: str) -> None:
    assert keys(say_in_english(number, joint=joint)) == [str(number)]


@given(st.integers(0, 999_999_999))
def test_russian_numbers_said_in_full(number: int) -> None:
    assert keys(say_in_russian(number)) == [str(number)]


@given(
    st.text("0123456789", min_size=3, max_size=9).filter(lambda digits: digits[0] != "0"),
    st.sampled_from([(UNITS, "zero"), (UNITS, "oh"), (UNITS, "o"), (RUSSIAN_UNITS, "ноль")]),
    st.sampled_from([" ", "-"]),
)
def test_digits_read_out_one_by_one(digits: str, language: tuple[str, str], gap: str) -> None:
    names, zero = language
    words = [zero if digit == "0" else names.split()[int(digit)] for digit in digits]
    assert keys(gap.join(words)) == [digits]
    assert keys(gap.join(digits)) == [digits]
