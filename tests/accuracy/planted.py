"""Set A: sentences of telephone talk, some with a term planted in one of the forms in which people
say it and recognisers write it, others that only come close to one.

Made from seeds, by rules and lists (`planted_english.toml`, `planted_russian.toml`) that the
matcher under test does not share. It knows the lexicon's classes, because it builds the lexicons to
be tested, and nothing of how terms are found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from lexicons.lexicon import Lexicon, Term
from tests.accuracy.letter_errors import misspell, sound_alike
from tests.accuracy.planted_sheets import CASES, bend, read_sheet, words_of
from tests.accuracy.read_aloud import Language, ordinal, pieces, read_code
from tests.accuracy.small_talk import fill

# How many of 300 planted sentences show a term in which form.
PLANTED = {
    "written": 24, "inflected": 60, "number": 60, "split": 36,
    "hyphen": 18, "misspelt": 42, "sound-alike": 36, "letters": 24,
}  # fmt: skip
# How many of 300 others are which; `neutral` takes what the lists leave.
DECOYS = {"other number": 84, "near miss": 90, "negated": 18, "excluded": 2, "other": 66}
SENTENCES = 600
ORDINAL_ENDINGS = ("ый", "ого", "ому", "ый", "ым", "ом")


@dataclass(frozen=True, slots=True)
class Gold:
    """The term that a sentence has, at characters `start` to `end`."""

    term: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Sentence:
    """`kind` is the form of its term, or, without one (`gold` None), why it is there."""

    text: str
    kind: str
    gold: Gold | None


@dataclass(frozen=True, slots=True)
class Said:
    """A form of a term, with the carriers it fits: their role and, in Russian, their case."""

    text: str
    role: str
    case: str = "nominative"


def lexicons(language: Language) -> tuple[Lexicon, ...]:
    """The lexicons under test: product, abusive and praise, every term in its default mode."""
    terms: dict[str, list[Term]] = {"product": [], "abusive": [], "praise": []}
    for entry in read_sheet(language)["terms"]:
        base = entry.get("base", "product")
        grade = entry.get("grade", "mild") if base == "abusive" else None
        terms[base].append(Term(entry["text"], grade=grade, unless=tuple(entry.get("unless", ()))))
    return tuple(Lexicon(f"{base}-{language}", base, 1, tuple(terms[base])) for base in terms)  # type: ignore[arg-type]


def sentences(language: Language, seed: int) -> list[Sentence]:
    """SENTENCES different sentences, half of them with a term, in a random order."""
    maker = Maker(language, Random(f"{language} {seed}"))
    made = [*maker.planted(), *maker.decoys()]
    maker.chance.shuffle(made)
    return made


class Maker:
    """Makes the sentences of one language out of one chance."""

    def __init__(self, language: Language, chance: Random) -> None:
        self.language, self.chance, self.sheet = language, chance, read_sheet(language)
        self.terms: Sequence[Mapping[str, Any]] = self.sheet["terms"]
        self.seen: set[str] = set()
        self.real = words_of(self.sheet)

    def planted(self) -> Iterator[Sentence]:
        for kind, count in PLANTED.items():
            made = 0
            while made < count:
                for entry in self.chance.sample(self.terms, len(self.terms)):
                    said = self._say(entry, kind) if made < count else None
                    if said and (one := self._sentence(said, kind, entry["text"])):
                        yield one
                        made += 1

    def decoys(self) -> Iterator[Sentence]:
        listed = self.sheet["decoys"]
        left = SENTENCES - sum(PLANTED.values())
        for kind, count in DECOYS.items():
            if kind in listed:
                texts = self.chance.sample(listed[kind], min(count, len(listed[kind])))
                made = [one for text in texts if (one := self._finish(text, kind=kind))]
            else:
                made = list(self._near(kind, count))
            left -= len(made)
            yield from made
        while left:
            text = self._filled(self.chance.choice(listed["neutral"]))
            if one := self._finish(text, kind="neutral"):
                left -= 1
                yield one

    def _near(self, kind: str, count: int) -> Iterator[Sentence]:
        role = "thing"
        things: list[Said] = []
        if kind == "near miss":
            things = [Said(near, role) for entry in self.terms for near in entry.get("near", ())]
        else:
            codes = [entry for entry in self.terms if entry.get("code")]
            for number in range(3 * count):
                things.append(Said(self._other_code(codes[number % len(codes)]), role))
        self.chance.shuffle(things)
        made = filter(None, (self._sentence(said, kind, None) for said in things))
        yield from (one for one, _ in zip(made, range(count), strict=False))

    def _say(self, entry: Mapping[str, Any], kind: str) -> Said | None:
        """The term in a form of this kind, None where it has none."""
        chance, text, code = self.chance, entry["text"], entry.get("code", False)
        if kind == "written":
            return self._fit(entry, text)
        if kind in ("split", "hyphen", "sound-alike", "inflected", "number"):
            key = {"sound-alike": "sound", "number": "spoken"}.get(kind, kind)
            listed = entry.get(key, ())
            if listed and not (kind == "sound-alike" and chance.random() < 0.3):
                return self._fit(entry, chance.choice(listed))
        if code and kind in ("number", "letters"):
            spelt = entry.get("spelt", any(piece.isupper() for piece in pieces(text)))
            if kind == "letters" and not spelt:
                return None
            return self._read(entry, spell=kind == "letters", bent=kind == "number")
        if code and kind in ("split", "hyphen"):
            joined = ("" if kind == "split" else "-").join(pieces(text))
            return self._fit(entry, joined) if joined != text else None
        if kind == "inflected":
            return self._inflected(entry)
        if kind in ("misspelt", "sound-alike"):
            return self._wrong(entry, kind)
        return None

    def _fit(self, entry: Mapping[str, Any], form: str, case: str = "nominative") -> Said:
        """A form with its carriers: those of the plural for an English plural."""
        role, text = entry.get("role", "thing"), entry["text"]
        if self.language == "en" and f"{role}s" in self.sheet["carriers"]:
            first, code = form.split()[0], entry.get("code")
            plural = first.endswith("s") if code else form.endswith("s") and not text.endswith("s")
            plural = form.endswith("s") if entry.get("plural_only") else plural
            role += "s" if plural and role != "thanks" else ""
        return Said(form, role, case)

    def _bent(self, entry: Mapping[str, Any], *, always: bool) -> tuple[str, str, int]:
        """A Russian term's words in some case (stress marked), the case, and 1 for the plural.

        `always`: in another case than the lexicon has it, where its carriers allow.
        """
        role, own = entry.get("role", "thing"), int(entry.get("plural", 0))
        cases = [n for n, case in enumerate(CASES) if case in self.sheet["carriers"][role]]
        plural = 0 if entry.get("singular") else own or int(self.chance.random() < 0.3)
        case = self.chance.choice(cases)
        if always and case == 0 and plural == own and cases[1:]:
            case = self.chance.choice(cases[1:])
        words = bend(entry["bend"], self.sheet["endings"], case=case, plural=plural)
        return words, CASES[case], plural

    def _inflected(self, entry: Mapping[str, Any]) -> Said | None:
        if self.language == "en":
            return Said(entry["plural"], "things") if "plural" in entry else None
        if "bend" not in entry:
            return None
        words, case, plural = self._bent(entry, always=True)
        rest = entry["text"].split()[len(words.split()) :]
        form = " ".join([words.replace("+", ""), *rest])
        role = entry.get("role", "thing")
        several = f"{role}s"
        if plural and case in self.sheet["carriers"].get(several, ()):
            role = several
        return Said(form, role, case) if form != entry["text"] else None

    def _read(self, entry: Mapping[str, Any], *, spell: bool, bent: bool) -> Said:
        text, words, case = entry["text"], [], "nominative"
        if self.language == "ru" and "bend" in entry and bent and self.chance.random() < 0.6:
            stressed, case, plural = self._bent(entry, always=False)
            words = [stressed.replace("+", "")]
            if entry.get("ordinal") and not plural and self.chance.random() < 0.5:
                ending = ORDINAL_ENDINGS[CASES.index(case)]
                return Said(f"{words[0]} {ordinal(int(pieces(text)[1]), ending)}", "thing", case)
        form = read_code(text, language=self.language, chance=self.chance, spell=spell, words=words)
        return Said(form, "thing", case)

    def _wrong(self, entry: Mapping[str, Any], kind: str) -> Said | None:
        """The term, in Russian in any case, with one of its longer words written wrong."""
        text, case = entry["text"], "nominative"
        said = text
        if self.language == "ru" and "bend" in entry:
            words, case, _ = self._bent(entry, always=False)
            said = " ".join([words, *said.split()[len(words.split()) :]])
        words_ = said.split()
        plain = [word.replace("+", "") for word in words_]
        # As long in the lexicon as when it is said: endings alone make no word a long one.
        long = [min(len(word), len(own)) for word, own in zip(plain, text.split(), strict=True)]
        able = [n for n, word in enumerate(plain) if long[n] >= 5 and word.isalpha()]
        able = [n for n in able if plain[n].lower() == plain[n]]
        if not able:
            return None
        at = self.chance.choice(able)
        language, chance = self.language, self.chance
        if kind == "misspelt":
            slips = 2 if long[at] >= 9 and chance.random() < 0.5 else 1
            wrong: str | None = misspell(plain[at], slips, language=language, chance=chance)
        else:
            wrong = sound_alike(words_[at], language=language, chance=chance)
        if wrong is None or wrong.lower() in self.real or wrong == plain[at]:
            return None
        form = " ".join([*plain[:at], wrong, *plain[at + 1 :]])
        return self._fit(entry, form, case)

    def _other_code(self, entry: Mapping[str, Any]) -> str:
        """The same product with another number."""
        parts, chance = pieces(entry["text"]), self.chance
        spots = [n for n, piece in enumerate(parts) if piece.isdigit()]
        at = max(spots, key=lambda n: len(parts[n]))
        digits = parts[at]
        where = chance.randrange(len(digits))
        other = chance.choice([d for d in "123456789" if d != digits[where]])
        changed = digits[:where] + other + digits[where + 1 :]
        way = chance.random()
        if way < 0.15:
            changed = digits + other
        elif way < 0.3 and len(digits) > 2:
            changed = digits[:where] + digits[where + 1 :]
        parts[at] = changed.lstrip("0") or other
        spell = entry.get("spelt", True) and chance.random() < 0.3
        return read_code(" ".join(parts), language=self.language, chance=chance, spell=spell)

    def _sentence(self, said: Said, kind: str, term: str | None) -> Sentence | None:
        carriers = self.sheet["carriers"][said.role]
        if self.language == "ru":
            carriers = carriers.get(said.case) or carriers["nominative"]
        before, after = self.chance.choice(carriers).split("{x}")
        form = said.text
        if term and self.chance.random() < 0.25 and form[0].islower() and form[0].isalpha():
            form = form[0].upper() + form[1:]
        return self._finish(before, form, after, kind=kind, term=term)

    def _finish(
        self, before: str, form: str = "", after: str = "", *, kind: str, term: str | None = None
    ) -> Sentence | None:
        """The sentence with what people put before and after it; None where it was made before."""
        chance = self.chance
        if chance.random() < 0.4:
            before = f"{chance.choice(self.sheet['filler_before'])} {before}"
        if chance.random() < 0.25:
            after = f"{after}, {chance.choice(self.sheet['filler_after'])}"
        text = before + form + after
        if chance.random() < 0.7:
            text = text[0].upper() + text[1:] + chance.choice("..?")
        else:
            text = text.lower()
        if text.lower() in self.seen:
            return None
        self.seen.add(text.lower())
        gold = Gold(term, len(before), len(before + form)) if term else None
        return Sentence(text, kind, gold)

    def _filled(self, text: str) -> str:
        """A neutral sentence with its numbers, days, times and prices."""
        return fill(text, language=self.language, chance=self.chance)
