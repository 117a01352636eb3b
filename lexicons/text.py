"""The analyzer: text in, tokens out. Matching, indexing and queries all use this one.

It knows words, stems and numbers of English and Russian; it does not know any lexicon.

- Letters are folded (case, ё as е, accents, typographic marks) and words are cut at everything that
  is neither letter, digit nor an apostrophe inside a word ("don't" is `dont`). "I'll", "we're",
  "I've" and "I'm" are two words, as if written in full.
- Words in Latin letters are stemmed as English, in Cyrillic as Russian; words with digits ("2rs")
  and words in other scripts stay as they are.
- Numbers, spoken or written, are plain digits: `lexicons.numbers` says how. "first" and "second"
  alone stay words ("just a second"), and so do "1st" and "2nd"; other ordinals are numbers.
- A number marker right before a number ("no", "no.", "number", "#", «номер») has no token of its
  own: the number's token covers it. "no, thanks" and "no one" keep their `no`.
- Currency and percent signs are dropped.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from Stemmer import Stemmer

from lexicons.folding import fold
from lexicons.numbers import TRIGGERS, read_numbers
from lexicons.pieces import Pieces

MAX_KEY_CHARS = 100
"""Longer keys are cut: nobody says such a word, and databases limit what they index."""

_LATIN = re.compile(r"[a-z]+")
_CYRILLIC = re.compile(r"[а-я]+")
_NOT_A_KEY = re.compile(r"[\W_]+")
_CLITICS = {"ll": "will", "re": "are", "ve": "have", "m": "am"}
_WITH_UNIT = re.compile(r"[0-9]+[.,][0-9]{1,2}[a-zа-я]+")  # "1.5kW"
_CLITIC = re.compile(rf"(.+)'({'|'.join(_CLITICS)})")
_SPELLED_ORDINALS = {"1st": "first", "2nd": "second"}
_ENGLISH, _RUSSIAN = Stemmer("english", 0), Stemmer("russian", 0)


_MOST_REMEMBERED = 1 << 17
_plain_words: dict[str, tuple[str, str]] = {}
_new = tuple.__new__


class Token(NamedTuple):
    """One word or number.

    `key` is what is compared and indexed: lower-case letters and digits alone. `start` and `end`
    are the characters of the analyzed text that it came from, "number two oh four" in full.
    `word` is the key before stemming; a decimal has its point there ("2.5", with the key 25).
    """

    key: str
    start: int
    end: int
    word: str


def analyze(text: str) -> list[Token]:
    """Tokens of `text`, in order. Never raises, whatever the text; takes linear time.

    Spans do not overlap, but for tokens out of one character, as from "㏂", which share its span.
    """
    folded = fold(text)
    pieces = Pieces(folded.text)
    moved = folded.starts is not None
    tokens: list[Token] = []
    resume = 0
    plain = _plain_words.get
    for at, (piece, start, end) in enumerate(pieces):
        if at < resume:
            continue
        known = plain(piece)
        if known is not None and not moved:
            tokens.append(_new(Token, (known[1], start, end, known[0])))
            continue
        if (piece in TRIGGERS or "0" <= piece[0] <= "9") and piece not in _SPELLED_ORDINALS:
            numbers = read_numbers(pieces, at)
            for number in numbers:
                digits = number.digits[:MAX_KEY_CHARS]
                span = folded.span(pieces[number.first][1], pieces[number.stop - 1][2])
                tokens.append(Token(digits, *span, number.written[:MAX_KEY_CHARS]))
            if numbers:
                resume = numbers[-1].stop
                continue
        words = _read_word(piece)
        if len(words) == 1 and piece not in TRIGGERS and not piece[0].isdecimal():
            _remember(piece, words[0])
        for word, key, begin, length in words:
            first, last = start + begin, start + begin + length
            if moved:
                first, last = folded.span(first, last)
            tokens.append(Token(key, first, last, word))
    return tokens


def _remember(piece: str, read: tuple[str, str, int, int]) -> None:
    """The next time, this piece is one word at once: it begins no number, and is one word."""
    if len(_plain_words) >= _MOST_REMEMBERED:
        _plain_words.clear()
    word, key, _, length = read
    if length == len(piece):
        _plain_words[piece] = (word, key)


def index_text(text: str) -> str:
    """The keys of `text` joined by single spaces: what a full-text index stores."""
    return " ".join(token.key for token in analyze(text))


@lru_cache(maxsize=1 << 16)
def _read_word(piece: str) -> tuple[tuple[str, str, int, int], ...]:
    """Word, key, place and length within the piece, of the one or two words in a piece."""
    clitic = _CLITIC.fullmatch(piece)
    begin = len(clitic[1]) if clitic is not None else len(piece)
    word = _SPELLED_ORDINALS.get(piece) or _NOT_A_KEY.sub("", piece[:begin])[:MAX_KEY_CHARS]
    said = piece.replace(",", ".") if _WITH_UNIT.fullmatch(piece) else word
    words = ((said, stem(word), 0, begin),) if word else ()
    if clitic is None:
        return words
    full = _CLITICS[clitic[2]]
    return (*words, (full, full, begin, len(piece) - begin))


@lru_cache(maxsize=1 << 17)
def stem(word: str) -> str:
    """The stem of a folded word: English for Latin letters, Russian for Cyrillic, else itself."""
    if _LATIN.fullmatch(word):
        return str(_ENGLISH.stemWord(word))
    if _CYRILLIC.fullmatch(word):
        return str(_RUSSIAN.stemWord(word))
    return word
