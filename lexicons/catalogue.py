"""A product lexicon out of a customer's CSV: article number, name, synonyms.

It decides which texts of a row can be found in speech, and says by line which cannot. How the file
is written is known to `lexicons.rows`, how terms are found to `lexicons.matcher`.

A row is one term. Reports call it by its name as written; where several rows have one name, by
name and article number, and the name alone is a term of its own, since it tells no row from
another. The term is found by its name («Ключ гаечный» by «гаечный ключ» as well), by name and
article number, by the number alone where that is unlikely to be said by chance, and by each
synonym.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lexicons.everyday import why_everyday
from lexicons.families import family
from lexicons.rows import CatalogueError, Row, RowProblem, read_rows, shown
from lexicons.terms import MAX_TERM_CHARS, Lexicon, Term
from lexicons.text import analyze

__all__ = ["Catalogue", "CatalogueError", "RowProblem", "load_catalogue"]

MAX_SYNONYMS = 50
SHORTEST_ARTICLE_CHARS = 4
"""Shorter article numbers are found beside the name alone."""

# Where a file has two columns of one kind, the one named first here counts.
_COLUMNS = {
    "article": (
        "article number", "article no", "article", "part number", "part no", "sku", "item number",
        "code", "артикул", "номер артикула", "артикул товара", "код товара", "код",
    ),
    "name": (
        "name", "product name", "product", "title", "наименование", "наименование товара",
        "название", "название товара", "товар",
    ),
    "synonyms": ("synonyms", "synonym", "aliases", "alias", "синонимы", "синоним"),
}  # fmt: skip

_NOT_IN_A_HEADER = re.compile(r"[\W_]+")
# Russian catalogues put the noun first, people do not.
_NOUN_FIRST = re.compile(r"([А-яЁё]{3,}) ([А-яЁё]+(?:[ыио]й|[ая]я|[оеыи]е))\b")
_BETWEEN_SYNONYMS = re.compile(r"[|;]")
_UNSEEN = ("Cc", "Cs", "Zl", "Zp")

Key = tuple[str, ...]
"""The keys of a text's tokens: texts of one key are found alike."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What a catalogue's rows became, and what is wrong with those that became nothing, or less
    than they say.
    """

    lexicon: Lexicon
    problems: tuple[RowProblem, ...]


@dataclass(frozen=True, slots=True)
class _Text:
    """A text of a row and what the analyzer reads in it. `common` says why it would be found
    everywhere if it stood alone, None if it would not.
    """

    text: str
    key: Key
    common: str | None


@dataclass(frozen=True, slots=True)
class _Product:
    """A row of which something can be used; one without a name goes by its article number."""

    line: int
    name: _Text
    article: _Text | None
    synonyms: tuple[_Text, ...]


def load_catalogue(data: bytes, *, name: str, source: str) -> Catalogue:
    """The catalogue in a CSV file's bytes, as version 1 of the product lexicon `name`.

    Raises CatalogueError, calling the file `source`, where it cannot be read as a whole. What
    cannot be used of a row is among the problems, by line, and the rest is loaded.
    """
    rows = read_rows(data, source=source)
    columns = _columns(rows.header, source)
    reader = _Reader(columns)
    products = [product for row in rows.rows for product in reader.read(row)]
    terms = _Terms(products)
    lexicon = Lexicon(name, "product", 1, tuple(terms.made()))
    problems = (*rows.problems, *reader.problems, *terms.problems)
    return Catalogue(lexicon, tuple(sorted(problems, key=lambda problem: problem.line)))


def _columns(header: Sequence[str], source: str) -> dict[str, int]:
    """Where article, name and synonyms stand in a row, as far as they are there."""
    names = [_NOT_IN_A_HEADER.sub(" ", name).strip().casefold() for name in header]
    found = {
        column: names.index(spelled[0])
        for column, known in _COLUMNS.items()
        if (spelled := [name for name in known if name in names])
    }
    if "name" not in found and "article" not in found:
        there = ", ".join(repr(shown(name)) for name in header[:20])
        raise CatalogueError(
            f"{source}: has the columns {there}: name one of them 'name' (or наименование) or "
            "'article' (or артикул), and one 'synonyms' (or синонимы) if there are any"
        )
    return found


class _Reader:
    """Reads the texts of rows, each of them once, and notes which cannot be used."""

    def __init__(self, columns: dict[str, int]) -> None:
        self._columns = columns
        self.problems: list[RowProblem] = []

    def read(self, row: Row) -> Iterator[_Product]:
        """The row as a product, if it has a name or article number that can be used."""
        name, article = self._cell(row, "name"), self._cell(row, "article")
        if not name and not article:
            text = " ".join(filter(None, row.cells))
            self._note(row, text, "is empty: give it a name or article number, or remove the row")
            return
        numbered = self._text(row, article, "article number") if article else None
        named = self._text(row, name, "name") if name else numbered
        if named is None:
            return
        cells = map(str.strip, _BETWEEN_SYNONYMS.split(self._cell(row, "synonyms")))
        synonyms = list(filter(None, cells))
        if len(synonyms) > MAX_SYNONYMS:
            self._note(row, named.text, f"has more than {MAX_SYNONYMS} synonyms: drop some")
        read = (self._text(row, text, "synonym") for text in synonyms[:MAX_SYNONYMS])
        different = numbered if numbered is not named else None
        yield _Product(row.line, named, different, tuple(filter(None, read)))

    def _cell(self, row: Row, column: str) -> str:
        at = self._columns.get(column)
        return "" if at is None else row.cells[at]

    def _text(self, row: Row, text: str, what: str) -> _Text | None:
        """A text that can be said, or None and a note."""
        if len(text) > MAX_TERM_CHARS:
            self._note(row, text, f"is a {what} of over {MAX_TERM_CHARS} characters: shorten it")
            return None
        if not text.isprintable():
            for character in text:
                if unicodedata.category(character) in _UNSEEN:
                    unseen = f"U+{ord(character):04X}"
                    self._note(row, text, f"has the control character {unseen}: remove it")
                    return None
        tokens = analyze(text)
        if not tokens:
            self._note(row, text, f"is a {what} with no word or number in it: nobody can say it")
            return None
        common = why_everyday(tokens)
        if common is not None and what == "synonym":
            self._note(row, text, f"is a synonym that {common}: make it longer")
            return None
        return _Text(text, tuple(family(token.word) for token in tokens), common)

    def _note(self, row: Row, text: str, reason: str) -> None:
        self.problems.append(RowProblem(row.line, shown(text), reason))


class _Terms:
    """Makes terms of products. No two of them are found by texts that are read alike."""

    def __init__(self, products: Sequence[_Product]) -> None:
        self.problems: list[RowProblem] = []
        self._products = self._different(products)
        self._named: dict[Key, list[_Product]] = {}
        for product in self._products:
            if product.name.common is None:
                self._named.setdefault(product.name.key, []).append(product)
        # Names go before the article numbers and synonyms of other rows.
        self._lines = {key: named[0].line for key, named in self._named.items()}

    def made(self) -> Iterator[Term]:
        """The terms, in the order of the rows."""
        for product in self._products:
            name = product.name
            named = self._named.get(name.key, [product])
            shared = len(named) > 1
            if shared and product is named[0] and all(other.article for other in named):
                yield Term(name.text)
            text = _text_of(product, shared=shared)
            if isinstance(text, str):
                self._note(product, name, text)
            elif text is name or self._takes(product, text):
                yield self._term(product, text)

    def _different(self, products: Sequence[_Product]) -> list[_Product]:
        """Products but for those whose name and number are read as those of one before."""
        first: dict[tuple[Key, Key], int] = {}
        kept: list[_Product] = []
        for product in products:
            key = (product.name.key, product.article.key if product.article else ())
            line = first.setdefault(key, product.line)
            if line == product.line:
                kept.append(product)
            else:
                self._note(product, product.name, _is_read_as(line))
        return kept

    def _term(self, product: _Product, text: _Text) -> Term:
        """The term that goes by a text, and whatever else it is found by."""
        name, article = product.name, product.article
        forms: list[_Text] = []
        if article is not None:
            if _is_specific(article) and self._takes(
                product, article, what="is an article number that "
            ):
                forms.append(article)
            if text is name and not _holds(name.key, article.key):
                both = _both(name, article)
                if both is not None and self._takes(product, both, what=None):
                    forms.append(both)
        as_said = _NOUN_FIRST.sub(r"\2 \1", name.text, count=1)
        if text is name and as_said != name.text:
            said = _read(as_said)
            if self._takes(product, said, what=None):
                forms.append(said)
        for synonym in product.synonyms:
            if self._takes(product, synonym, what="is a synonym that "):
                forms.append(synonym)
        return Term(text.text, tuple(form.text for form in forms))

    def _takes(self, product: _Product, text: _Text, *, what: str | None = "") -> bool:
        """Whether a text is free for a product, and taken by it now. That another row has it is
        noted, unless nobody wrote it (`what` is None); that its own row has it need not be.
        """
        line = self._lines.get(text.key)
        if line is None:
            self._lines[text.key] = product.line
        elif line != product.line and what is not None:
            self._note(product, text, what + _is_read_as(line))
        return line is None

    def _note(self, product: _Product, text: _Text, reason: str) -> None:
        self.problems.append(RowProblem(product.line, shown(text.text), reason))


def _text_of(product: _Product, *, shared: bool) -> _Text | str:
    """What a product is called, or why it cannot be told from other talk and from other rows."""
    name, article = product.name, product.article
    if name.common is None and (article is None or not shared):
        return name
    if name.common is not None and (article is None or not _is_specific(article)):
        return f"{name.common}: make the name longer, or give it a longer article number"
    both = None if article is None else _both(name, article)
    return both or "is too long together with its article number: shorten it"


def _both(name: _Text, article: _Text) -> _Text | None:
    """Name and article number; None where that is longer than a term may be."""
    text = f"{name.text} {article.text}"
    if len(text) > MAX_TERM_CHARS:
        return None
    return _read(text)


def _read(text: str) -> _Text:
    return _Text(text, tuple(family(token.word) for token in analyze(text)), None)


def _is_specific(article: _Text) -> bool:
    """Whether an article number alone is hardly said by chance."""
    characters = "".join(article.key)
    return (
        article.common is None
        and len(characters) >= SHORTEST_ARTICLE_CHARS
        and any(character.isdigit() for character in characters)
    )


def _holds(key: Key, part: Key) -> bool:
    """Whether the words of one text stand side by side in another."""
    return any(key[at : at + len(part)] == part for at in range(len(key) - len(part) + 1))


def _is_read_as(line: int) -> str:
    return f"is read just as line {line} is: keep it in one of the two lines"
