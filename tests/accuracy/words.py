"""How well terms are found in what was said (set A, planted) and in what was heard (set B, spoken).

    python -m tests.accuracy.words [--only planted|heard] [--seed N]

Set A is 600 sentences in each of two languages, `tests.accuracy.planted`; set B is 200 phrases of
two synthetic voices on a telephone line, `tests.accuracy.spoken_codes`, and takes some minutes. The
last line printed is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from lexicons.matcher import Match, Matcher
from tests.accuracy.planted import Sentence, lexicons, sentences
from tests.accuracy.read_aloud import Language

LANGUAGES: dict[Language, str] = {"en": "English", "ru": "Russian"}
EXAMPLES = 40


def say(line: str) -> None:
    """Details; only the last line is the result."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@dataclass(slots=True)
class Tally:
    """Counts by kind of sentence: terms to find, terms found, hits made and hits that are right."""

    wanted: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    hits: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def add(self, sentence: Sentence, matches: Sequence[Match]) -> None:
        """Judge the matches of one sentence."""
        kind, gold = sentence.kind, sentence.gold
        right = [
            match
            for match in matches
            if gold
            and match.term == gold.term
            and match.start < gold.end
            and match.end > gold.start
        ]
        self.hits[kind] += len(matches)
        self.right[kind] += len(right)
        if gold:
            self.wanted[kind] += 1
            self.found[kind] += bool(right)
            if not right:
                said = sentence.text[gold.start : gold.end]
                self.missed.append(f"[{kind}] {gold.term!r} as {said!r} in {sentence.text!r}")
        for match in matches:
            if match not in right:
                self.wrong.append(
                    f"[{kind}] {match.term!r} in {match.matched!r} ({match.score:.2f}) "
                    f"of {sentence.text!r}"
                )

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(getattr(self, name) + getattr(other, name) for name in Tally.__slots__))

    @property
    def recall(self) -> float:
        return self.found.total() / max(self.wanted.total(), 1)

    @property
    def precision(self) -> float:
        return self.right.total() / max(self.hits.total(), 1)

    def report(self, title: str) -> None:
        """Say the figures by kind, and examples of what went wrong."""
        say(
            f"{title}: recall {self.recall:.3f} ({self.found.total()} of {self.wanted.total()}), "
            f"precision {self.precision:.3f} ({self.right.total()} of {self.hits.total()})"
        )
        for kind, wanted in self.wanted.items():
            false = self.hits[kind] - self.right[kind]
            say(f"  {kind:14} found {self.found[kind]:3} of {wanted:3}, false hits {false}")
        for kind in sorted(set(self.hits) - set(self.wanted)):
            say(f"  {kind:14} false hits {self.hits[kind]}")
        for name, examples in (("missed", self.missed), ("false", self.wrong)):
            for example in _spread(examples):
                say(f"  {name} {example}")


def planted(seed: int) -> dict[str, float]:
    """Set A: recall and precision over both languages, all lexicons compiled together."""
    matcher = Matcher([lexicon for language in LANGUAGES for lexicon in lexicons(language)])
    total = Tally()
    for language, name in LANGUAGES.items():
        tally = Tally()
        for sentence in sentences(language, seed):
            tally.add(sentence, matcher.find(sentence.text))
        tally.report(name)
        total += tally
    say(f"both: recall {total.recall:.4f}, precision {total.precision:.4f}")
    return {"recall": round(total.recall, 4), "precision": round(total.precision, 4)}


def _spread(examples: Sequence[str]) -> list[str]:
    """EXAMPLES of them at most, a fair share of each kind."""
    by_kind: dict[str, list[str]] = defaultdict(list)
    for example in examples:
        by_kind[example.split("]")[0]].append(example)
    turns = [(place, one) for kind in by_kind.values() for place, one in enumerate(kind)]
    return [one for _, one in sorted(turns)[:EXAMPLES]]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.accuracy.words", description=__doc__)
    parser.add_argument("--only", choices=("planted", "heard"), help="one of the two sets")
    parser.add_argument("--seed", type=int, default=5)
    given = parser.parse_args(arguments)
    result: dict[str, float] = {}
    if given.only != "heard":
        result |= planted(given.seed)
    if given.only != "planted":
        from tests.accuracy.spoken_codes import heard  # loads the models of hearing

        result |= heard(given.seed, say)
    say(json.dumps(result))


if __name__ == "__main__":
    main()
