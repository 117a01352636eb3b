"""Catalogues: what becomes of a customer's CSV, and what is said of rows that cannot work."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lexicons.catalogue import Catalogue, CatalogueError, RowProblem, load_catalogue
from lexicons.lexicon import Lexicon, LexiconError, Term, validate
from lexicons.matcher import Matcher
from lexicons.rows import MAX_BYTES, MAX_ROWS

CSV = "Артикул;Наименование;Синонимы\n"


def load(text: str, encoding: str = "utf-8") -> Catalogue:
    return load_catalogue(text.encode(encoding), name="shop", source="shop.csv")


def texts(catalogue: Catalogue) -> list[str]:
    return [term.text for term in catalogue.lexicon.terms]


def problem(catalogue: Catalogue) -> RowProblem:
    """The only problem there is."""
    (found,) = catalogue.problems
    return found


def test_a_row_becomes_one_term_by_name_number_and_synonyms() -> None:
    catalogue = load(CSV + "6204-2RS;Подшипник шариковый;закрытый подшипник | шарикоподшипник\n")
    term = Term(
        "Подшипник шариковый",
        (
            "6204-2RS",
            "Подшипник шариковый 6204-2RS",
            "шариковый Подшипник",
            "закрытый подшипник",
            "шарикоподшипник",
        ),
    )
    assert catalogue == Catalogue(Lexicon("shop", "product", 1, (term,)), ())


@pytest.mark.parametrize(
    "header",
    [
        "SKU,Title,Aliases",
        "Part No.,NAME,Synonyms",
        "article_number,Product,synonyms",
        "Артикул №,Наименование,Синонимы",
        "код,ТОВАР,синонимы",
    ],
)
def test_columns_are_found_by_their_names_in_english_and_russian(header: str) -> None:
    (term,) = load(f"{header}\nAB-1234,torque wrench,torque spanner\n").lexicon.terms
    assert term.text == "torque wrench"
    assert term.forms == ("AB-1234", "torque wrench AB-1234", "torque spanner")


def test_columns_may_stand_in_any_order_among_others() -> None:
    catalogue = load("price,synonyms,код,name,артикул\n9.99,spanner,77,wrench,AB-1234\n")
    assert catalogue.lexicon.terms == (Term("wrench", ("AB-1234", "wrench AB-1234", "spanner")),)


def test_an_article_number_alone_will_do() -> None:
    assert load("sku\n6204-2RS\n").lexicon.terms == (Term("6204-2RS"),)


def test_without_name_and_article_number_the_columns_are_named() -> None:
    with pytest.raises(CatalogueError, match=r"'price', 'synonyms'.*'name'.*'article'"):
        load("price,synonyms\n1,wrench\n")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encoding_delimiter_and_line_ends_are_told_apart(
    encoding: str, delimiter: str, end: str
) -> None:
    rows = ['Артикул;"Название"', 'КВ-4711;"Ёлка ""Ель"", 2 м"', "M8X40Z;Болт № 8"]
    text = "".join(row.replace(";", delimiter) + end for row in rows)
    assert texts(load(text, encoding)) == ['Ёлка "Ель", 2 м', "Болт № 8"]


@pytest.mark.parametrize(
    "data",
    [
        "name;sku\nSchlüssel für Müller;7\n".encode("latin-1"),
        "наименование;sku\nПодшипник;7\n".encode("koi8-r"),
        "наименование;sku\nПодшипник;7\n".encode("cp866"),
        b"\xff\xfen\x00a",
        b"name\n\x98\n",
    ],
)
def test_any_other_encoding_is_refused_with_what_to_do(data: bytes) -> None:
    with pytest.raises(CatalogueError, match="save it as CSV in UTF-8"):
        load_catalogue(data, name="shop", source="shop.csv")


def test_the_hint_that_spreadsheets_begin_with_is_no_header() -> None:
    assert texts(load("sep=;\nname;sku\nBolt, long;M8X40Z\n")) == ["Bolt, long"]


def test_commas_belong_to_the_names_where_there_is_one_column() -> None:
    assert texts(load("name\nbolt, long\nbolt, short\n")) == ["bolt, long", "bolt, short"]


def test_a_field_in_quotes_may_go_on_over_lines() -> None:
    catalogue = load('sku,name\nAB-1234,"torque\r\nwrench"\nAB-1235,hammer\n,\nhm,x,y\n')
    assert texts(catalogue) == ["torque wrench", "hammer"]
    assert [problem.line for problem in catalogue.problems] == [5, 6]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("AB-1", "has 1 fields where the header has 3"),
        ("AB-1;a;b;c", "has 4 fields where the header has 3"),
        ('AB-1;"hammer;', "quote that is not closed"),
        ('AB-1;"hammer"s;', "quote that is not closed, or one inside that is not doubled"),
        (";;", "is empty: give it a name or article number"),
        (";x;", "is a single letter, too common in speech"),
        (";204;", "is a number of fewer than 4 digits, too common in speech"),
        (";two hundred;", "is a number of fewer than 4 digits, too common in speech"),
        ("5000;;", "is a round number or a year, too common in speech"),
        (";the;", "is said in every call"),
        ("12;Для;", "is said in every call"),
        (";--;", "nobody can say it"),
        (";ham\x07mer;", r"has the control character U\+0007: remove it"),
        (f";{'a,' * 60_000};", "over 100,000 characters: shorten it"),
        (f";{'a' * 201};", "over 200 characters: shorten it"),
        ("W-1234;Wrenches;", "is read just as line 2 is"),
        (";gear;wrench", "is a synonym that is read just as line 2 is"),
        (";gear;the", "is a synonym that is said in every call"),
        ("w-1234;gear;", "is an article number that is read just as line 2 is"),
    ],
)
def test_what_cannot_be_used_is_said_by_line_and_the_rest_is_loaded(row: str, why: str) -> None:
    catalogue = load(f"{CSV}W-1234;wrench;\n{row}\nHM-4321;hammer;\n")
    assert problem(catalogue).line == 3
    with pytest.raises(AssertionError, match=why):
        raise AssertionError(problem(catalogue).reason)
    assert [text for text in texts(catalogue) if text != "gear"] == ["wrench", "hammer"]
    validate(catalogue.lexicon)


def test_blank_lines_at_the_end_are_no_problem() -> None:
    assert load(CSV + "W-1234;wrench;\n;;\n\n\n").problems == ()


def test_a_short_article_number_is_found_beside_the_name_alone() -> None:
    catalogue = load(CSV + "204;подшипник;\n")
    assert catalogue.lexicon.terms == (Term("подшипник", ("подшипник 204",)),)


def test_a_name_that_holds_its_article_number_is_not_said_with_it_twice() -> None:
    (term,) = load(CSV + "6204-2RS;Подшипник 6204 2rs SKF;\n").lexicon.terms
    assert term.forms == ("6204-2RS",)


def test_a_name_too_common_by_itself_goes_with_its_article_number() -> None:
    catalogue = load(CSV + "KX-4711;On;\n")
    assert catalogue == Catalogue(
        Lexicon("shop", "product", 1, (Term("On KX-4711", ("KX-4711",)),)), ()
    )


def test_rows_of_one_name_go_by_name_and_number_and_the_name_alone_by_itself() -> None:
    catalogue = load(CSV + "AB-1234;Болт М8;\nAB-1235;болт м8;длинный болт\n")
    assert catalogue.lexicon.terms == (
        Term("Болт М8"),
        Term("Болт М8 AB-1234", ("AB-1234",)),
        Term("болт м8 AB-1235", ("AB-1235", "длинный болт")),
    )
    found = Matcher([catalogue.lexicon]).find("нужен болт м8, артикул AB-1235")
    assert [match.term for match in found] == ["Болт М8", "болт м8 AB-1235"]


def test_names_go_before_the_synonyms_of_other_rows() -> None:
    catalogue = load("name;synonyms\nsander;grinder\ngrinder;\n")
    assert texts(catalogue) == ["sander", "grinder"]
    assert problem(catalogue).line == 2


def test_too_many_synonyms_are_said_and_the_first_are_kept() -> None:
    synonyms = "|".join(f"gadget {number}" for number in range(1001, 1061))
    catalogue = load(f"name;synonyms\nsander;{synonyms}\n")
    assert len(catalogue.lexicon.terms[0].forms) == 50
    assert "more than 50 synonyms" in problem(catalogue).reason


def test_a_file_too_large_or_too_long_is_refused() -> None:
    with pytest.raises(CatalogueError, match="50 MB"):
        load_catalogue(b"a" * (MAX_BYTES + 1), name="shop", source="shop.csv")
    with pytest.raises(CatalogueError, match="200,000 rows"):
        load("name\n" + "a\n" * (MAX_ROWS + 1))


def test_a_header_of_endless_columns_is_refused() -> None:
    with pytest.raises(CatalogueError, match="too long: it may be no CSV file"):
        load("name" + ";" * 200_000)


def test_a_file_with_nothing_in_it_is_refused() -> None:
    with pytest.raises(CatalogueError, match="begin it with a row of column names"):
        load("\n \n")


def test_what_was_loaded_is_found_in_speech() -> None:
    catalogue = load(CSV + "6204-2RS;Подшипник шариковый;\nTW-40-200;torque wrench;\n")
    matcher = Matcher([catalogue.lexicon])
    for said in ("sixty two oh four two RS", "шариковые подшипники", "a torque wrench"):
        assert matcher.find(said), said


ROWS = st.lists(
    st.lists(
        st.sampled_from(
            ["", "bolt", "Болт", "bolts", "6204", "M8", "the", '"', "a|b", "\x07", "7"]
        ),
        min_size=2,
        max_size=4,
    ),
    max_size=8,
)


@settings(deadline=None)
@given(ROWS, st.sampled_from([",", ";", "\t"]))
def test_whatever_the_rows_the_lexicon_is_valid(rows: list[list[str]], delimiter: str) -> None:
    lines = [["sku", "name", "synonyms"], *rows]
    catalogue = load("\n".join(delimiter.join(line) for line in lines))
    validate(catalogue.lexicon)
    assert all(2 <= problem.line <= len(lines) for problem in catalogue.problems)


@settings(deadline=None)
@given(st.binary(), st.sampled_from([b"", b"name\n", b"sku;name\n", b"\xff\xfe", b"\xfe\xff"]))
def test_any_bytes_are_a_catalogue_or_a_lexicon_error(data: bytes, start: bytes) -> None:
    try:
        catalogue = load_catalogue(start + data, name="shop", source="shop.csv")
    except LexiconError as error:
        assert "shop.csv" in str(error)  # noqa: PT017 - either outcome is right
    else:
        validate(catalogue.lexicon)
