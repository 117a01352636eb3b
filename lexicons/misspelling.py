"""A vocabulary that finds its words again when they are inflected, misspelt or misheard.

It knows words one at a time, and neither terms nor texts. Lookups do not slow down as the
vocabulary grows: words within k edits of each other share what is left after deleting k characters
from each, so candidates come out of a dictionary, and only those are compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from rapidfuzz.distance import OSA

from lexicons.families import NAME, family, lookups, verb_families
from lexicons.known import is_known
from lexicons.sounds import base_sound, sound

SHORTEST_FUZZY_CHARS = 5
LONGEST_FUZZY_CHARS = 32
SHORTEST_SOUND_CHARS = 4
"""Of a term's word that can be misheard."""
_TWO_EDITS_FROM_CHARS = 9
_FIRST_CHARS = 7
_PROBE_CHARS = 4
_ENDING_LETTERS = 3  # that the forms of one word differ by
_SHORTEST_SOUND_HEAD = 3

# In which ways a word of a text stands for a word of a term, added up; 0: as it is, or inflected.
MISSPELT = 1
MISHEARD = 2
PARTED = 4  # joined in one and split in the other
SPELLED = 8  # a code, read out in other pieces

Option = tuple[int, int, int]
"""Id of a word, how many letters are wrong, and in which ways it stands for it."""


def edits_allowed(word: str) -> int:
    """How many edits a word of a vocabulary may be away: 0 for numbers, codes, short words.

    An edit adds, drops or replaces a letter or swaps two neighbours.
    """
    if not SHORTEST_FUZZY_CHARS <= len(word) <= LONGEST_FUZZY_CHARS or not word.isalpha():
        return 0
    return 1 if len(word) < _TWO_EDITS_FROM_CHARS else 2


def fuzzy_length(word: str) -> bool:
    """Whether a word of a text is long enough to be a misspelling, by one letter dropped."""
    return SHORTEST_FUZZY_CHARS - 1 <= len(word) <= LONGEST_FUZZY_CHARS + 2


def probe(right: str) -> str:
    """As much of the second half of a word as tells whether it may be one, its ending left out."""
    return right[:_PROBE_CHARS] if len(right) > _PROBE_CHARS else right[:-1] or right


class Vocabulary:
    """Words by id, in the order they were added; each stands for its whole :func:`family`."""

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}
        self._keys: list[str] = []
        self._names = False
        self._allowed: dict[int, int] = {}
        self._letters: dict[int, int] = {}
        self._shortened: dict[str, tuple[int, ...]] = {}
        self._sounds: dict[str, list[int]] = {}
        self._verbs: dict[str, list[int]] = {}
        self._heads: set[str] = set()
        self._sound_heads: set[str] = set()

    def add(self, word: str, *, fuzzy: bool, name: bool = False) -> int:
        """The id of a word; where `fuzzy`, its misspellings are found as well from now on. Of a
        `name` only the plural is another form.
        """
        key = family(word, name=name)
        self._names = self._names or key[0] == NAME
        number = self._ids.setdefault(key, len(self._keys))
        if number == len(self._keys):
            self._keys.append(key.removeprefix(NAME))
            for infinitive in verb_families(word):
                self._verbs.setdefault(infinitive, []).append(number)
        if fuzzy and number not in self._allowed and word.isalpha():
            key = key.removeprefix(NAME)
            self._letters[number] = _letters(key)
            self._allowed[number] = allowed = min(edits_allowed(word), len(key) // 3)
            found = self._shortened
            for shortened in _shorten(key, allowed) if allowed else ():
                found[shortened] = (*found.get(shortened, ()), number)
            if len(word) >= SHORTEST_SOUND_CHARS:
                self._sounds.setdefault(base_sound(word), []).append(number)
            self._heads.update(word[:end] for end in range(1, len(word) + 1))
            said = sound(word)
            self._sound_heads.update(
                said[:end] for end in range(_SHORTEST_SOUND_HEAD, len(said) - 1)
            )
        return number

    def begins(self, start: str) -> bool:
        """Whether a fuzzy word begins like this, or sounds so."""
        return start in self._heads or sound(start) in self._sound_heads

    def goes_on(self, left: str, right: str) -> bool:
        """Whether what :meth:`begins` with `left` may go on with `right`."""
        if left + probe(right) in self._heads:
            return True
        if len(left) < _SHORTEST_SOUND_HEAD:
            return False
        said = sound(left)
        return said in self._sound_heads and said + sound(right)[:2] in self._sound_heads

    def exact(self, word: str) -> tuple[int, ...]:
        """Ids of the word, as it is or inflected."""
        ids = self._ids
        found = [ids[key] for key in lookups(word) if key in ids]
        if self._names and word.isascii():
            key = family(word, name=True)
            if key in ids:
                found.append(ids[key])
        if not found and self._verbs:
            found = [
                number
                for infinitive in verb_families(word)
                for number in self._verbs.get(infinitive, ())
            ]
        return tuple(dict.fromkeys(found))

    def sounding(self, word: str, *, sure: bool = True) -> Iterator[Option]:
        """The words that `word` of a text is, and those that sound as it does.

        Russian words that everybody knows (and were heard for `sure`) are no others: their
        spelling does not tell which vowel has the stress. Nor are short English ones.
        """
        own = self.exact(word)
        for number in own:
            yield number, 0, 0
        if len(word) < SHORTEST_SOUND_CHARS - 1 or not word.isalpha():
            return
        alike = self._sounds.get(base_sound(word)) or self._sounds.get(sound(word)) or []
        mistakable = word.isascii() and len(word) > SHORTEST_SOUND_CHARS
        if alike and (mistakable or not sure or not is_known(word)):
            for number in alike:
                if number not in own:
                    yield number, 0, MISHEARD

    def alike(self, word: str, *, sure: bool = True) -> Iterator[Option]:
        """The words that `word` of a text may stand for.

        A word that is known, be it here or to everybody, is no misspelling, unless it was heard
        without certainty (not `sure`); but it may have been written for another of its sound.
        """
        taken: set[int] = set()
        known_here = False
        for option in self.sounding(word, sure=sure):
            known_here = known_here or not option[2]
            taken.add(option[0])
            yield option
        if known_here or not word.isalpha() or not fuzzy_length(word):
            return
        if self._shortened and not (sure and is_known(word)):
            for number in self._garbled(word):
                if number not in taken:
                    taken.add(number)
                    yield number, 1, MISSPELT
            for number, edits in self._near(lookups(word)):
                if number not in taken:
                    yield number, edits, MISSPELT

    def _garbled(self, word: str) -> Iterator[int]:
        """Russian words of which all but the ending is right."""
        if not word.isascii():
            for cut in range(len(word) - 1, max(SHORTEST_FUZZY_CHARS, len(word) - 5), -1):
                number = self._ids.get(word[:cut])
                if number in self._allowed:
                    yield number

    def _near(self, keys: Sequence[str]) -> Iterator[tuple[int, int]]:
        """Words a few edits away from one of `keys`, which are forms of one word."""
        candidates: set[int] = set()
        found = self._shortened.get
        reach = 2 if len(keys[0]) >= _TWO_EDITS_FROM_CHARS - 2 else 1
        for first in {key[:_FIRST_CHARS] for key in keys}:
            for shortened in _shorten(first, reach):
                numbers = found(shortened)
                if numbers:
                    candidates.update(numbers)
        letters = _letters(keys[0])
        for number in sorted(candidates):
            allowed, other = self._allowed[number], self._keys[number]
            if (letters ^ self._letters[number]).bit_count() > 2 * allowed + _ENDING_LETTERS:
                continue  # an edit takes one letter and brings one at most
            for key in keys:
                edits = OSA.distance(key, other, score_cutoff=allowed)
                if 0 < edits <= allowed:
                    yield number, edits
                    break


def _letters(word: str) -> int:
    """Which letters a word has, as bits; some share one."""
    bits = 0
    for letter in word:
        bits |= 1 << (ord(letter) & 31)
    return bits


def _shorten(key: str, most: int) -> set[str]:
    """The first letters of a word with up to `most` of them taken out, in every way.

    Words within `most` edits share one of these: what an edit beyond the first letters changes
    does not show here, and what moves letters over their border costs each side no more than it
    has edits.
    """
    first = key[:_FIRST_CHARS]
    shortened = {first}
    for left in range(max(len(first) - most, 0), len(first)):
        shortened.update(map("".join, combinations(first, left)))
    return shortened
