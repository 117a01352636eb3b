"""`make bench NAME=words`: how fast terms are found, compiled and found again in stored calls.

An hour of speech is HOUR words in turns of about TURN, against terms of one to three words. All is
made from seeds: speech of the most common English words, as common as they are in subtitles (the
counts of pyspellchecker); three words in ten of the terms are said in calls too, the others are
words of products, made of syllables, of which a larger base has more. The
peer is the obvious way, rapidfuzz's partial ratio of every turn with every term. The last line is
the result.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
import statistics
import sys
from collections.abc import Sequence
from importlib import resources
from itertools import accumulate
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter

from rapidfuzz import fuzz, process

from lexicons.lexicon import Lexicon, Term
from lexicons.matcher import Matcher

HOUR, TURN = 9_000, 12
TERMS, MANY_TERMS = 10_000, 100_000
HOURS = 7  # measured, each of other turns
DAY = 8  # hours that a worker has heard before: it learns each word once
COMPILED = 5
PEER_TURNS = 60  # of an hour's turns, evenly spaced: all of them would take the peer a minute
SPOKEN_WORDS, ALSO_PRODUCTS = 20_000, 3_000  # words of calls; of these, words that terms have too
PRODUCT_WORDS, GROWTH = 8_000, 0.7  # for TERMS terms, and the power of their number (Heaps' law)
COMMON = 300  # the most common words of the speech are in no term
PLANTED_SHARE, MISSPELT_SHARE = 0.15, 0.3  # of turns with a term in them, of these misspelt
ONSETS = str.split(
    "b bl br c ch cl cr d dr f fl fr g gl gr h j k l m n p pl pr qu r s sc sh sl sp st str t th "
    "tr v w"
)
NUCLEI = str.split("a e i o u ai ea ee oa ou")
CODAS = ["", "", "", *str.split("b ck d ft g l lt m n nd ng nt p r rd rk s sk st t x")]


def say(line: str) -> None:
    """Progress and details; only the last line is the result."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _english() -> dict[str, int]:
    """The SPOKEN_WORDS most common English words with their counts."""
    packed = (resources.files("spellchecker") / "resources" / "en.json.gz").read_bytes()
    counts: dict[str, int] = json.loads(gzip.decompress(packed))
    ranked = sorted(counts.items(), key=lambda one: -one[1])
    return dict(ranked[:SPOKEN_WORDS])


class Speech:
    """A vocabulary, and hours of turns and lexicons out of it."""

    def __init__(self, seed: int) -> None:
        chance = Random(seed)
        common = _english()
        self.spoken = list(common)
        words = dict.fromkeys(self.spoken)
        while len(words) < SPOKEN_WORDS + _product_words(MANY_TERMS):
            words[_word(chance)] = None
        self.also_products = chance.sample(self.spoken[COMMON:], ALSO_PRODUCTS)
        self.products = list(words)[SPOKEN_WORDS:]
        self.weights = list(accumulate(common.values()))

    def terms(self, count: int, seed: int) -> list[str]:
        """Different terms of one to three words; one in twelve ends with a number."""
        chance = Random(f"terms {seed}")
        products = self.products[: _product_words(count)]
        names = (len(products) + ALSO_PRODUCTS) // 4  # the words that are a whole term, at most
        made: dict[str, None] = {}
        while len(made) < count:
            size = chance.choices((1, 2, 3), (30, 45, 25))[0]
            if size == 1:
                size, names = (1, names - 1) if names else (2, 0)
            pools = (self.also_products if chance.random() < 0.3 else products for _ in range(size))
            words = [chance.choice(pool) for pool in pools]
            if size > 1 and chance.random() < 1 / 8:
                words[-1] = str(chance.randrange(100, 10_000))
            made[" ".join(words)] = None
        return list(made)

    def turns(self, terms: Sequence[str], seed: int) -> list[str]:
        """An hour of turns; some name a term, some of these misspelt."""
        chance = Random(f"turns {seed}")
        made: list[str] = []
        left = HOUR
        while left > 0:
            size = min(left, max(1, round(chance.gauss(TURN, 5))))
            words = chance.choices(self.spoken, cum_weights=self.weights, k=size)
            left -= size
            if size > 4 and chance.random() < PLANTED_SHARE:
                term = chance.choice(terms).split()
                if chance.random() < MISSPELT_SHARE:
                    at = chance.randrange(len(term))
                    term[at] = _misspelt(term[at], chance)
                place = chance.randrange(size - len(term) + 1)
                words[place : place + len(term)] = term
            text = " ".join(words)
            made.append(text[0].upper() + text[1:] + chance.choice(".?,"))
        return made


def measure_compile(speech: Speech) -> float:
    """The median time, in ms, to compile TERMS terms that were never compiled before."""
    taken_ms = []
    for seed in range(COMPILED):
        lexicon = _lexicon(speech.terms(TERMS, 100 + seed))
        since = perf_counter()
        Matcher((lexicon,))
        taken_ms.append(1000 * (perf_counter() - since))
    say(f"compile {TERMS} terms: {_range(taken_ms)} ms")
    return statistics.median(taken_ms)


def measure_match(speech: Speech) -> dict[str, float]:
    """Ours and the peer's time for an hour, and ours with ten times the terms, in turn."""
    few, many = speech.terms(TERMS, 1), speech.terms(MANY_TERMS, 2)
    matcher = Matcher((_lexicon(few),))
    many_matcher = Matcher((_lexicon(many),))
    ours_ms, peer_ms, many_ms = [], [], []
    for hour in range(DAY):
        _match(matcher, speech.turns(few, -2 * hour - 1))
        _match(many_matcher, speech.turns(many, -2 * hour - 2))
    for hour in range(1, HOURS + 1):
        # Each hour is new to the matcher that gets it; of its words, those of the day are known.
        turns, other = speech.turns(few, 2 * hour), speech.turns(many, 2 * hour + 1)
        mine_ms, found = _match(matcher, turns)
        tenfold_ms, many_found = _match(many_matcher, other)
        sample = turns[:: len(turns) // PEER_TURNS]
        since = perf_counter()
        for turn in sample:
            process.extract(turn, few, scorer=fuzz.partial_ratio, score_cutoff=90)
        sample_s = perf_counter() - since
        ours_ms.append(mine_ms)
        many_ms.append(tenfold_ms)
        peer_ms.append(1000 * sample_s * len(turns) / len(sample))
        say(
            f"hour {hour}, {len(turns)} turns: {mine_ms:.1f} ms ({found} hits), peer "
            f"{peer_ms[-1]:.0f} ms, with {MANY_TERMS} terms {tenfold_ms:.1f} ms ({many_found} hits)"
        )
    say(f"match: {_range(ours_ms)} ms; with {MANY_TERMS} terms: {_range(many_ms)} ms")
    ratios = [peer / ours for peer, ours in zip(peer_ms, ours_ms, strict=True)]
    growths = [more / ours for more, ours in zip(many_ms, ours_ms, strict=True)]
    say(f"speedup: {_range(ratios)}; growth: {_range(growths)}")
    return {
        "match_ms": round(statistics.median(ours_ms), 1),
        "speedup": round(statistics.median(ratios), 1),
        "growth": round(statistics.median(growths), 2),
    }


def measure_retag_s() -> float | None:
    """Seconds to match all stored calls again; None where this version cannot."""
    if importlib.util.find_spec("tests.bench.retag") is None:
        say("retag: not measured, there is no tests.bench.retag")
        return None
    from tests.bench.retag import measure_retag

    with TemporaryDirectory(prefix="ovt-") as folder:
        taken_s: float = measure_retag(Path(folder))
    say(f"retag: {taken_s:.1f} s")
    return round(taken_s, 1)


def _match(matcher: Matcher, turns: Sequence[str]) -> tuple[float, int]:
    """Milliseconds that all turns take, and how many hits they have."""
    since = perf_counter()
    found = sum(len(matcher.find(turn)) for turn in turns)
    return 1000 * (perf_counter() - since), found


def _lexicon(terms: Sequence[str]) -> Lexicon:
    return Lexicon("product", "product", 1, tuple(Term(term) for term in terms))


def _product_words(terms: int) -> int:
    """How many words products have that are not heard in calls."""
    return int(PRODUCT_WORDS * float(terms / TERMS) ** GROWTH)


def _word(chance: Random) -> str:
    """A word of one to four syllables that could be English."""
    count = chance.choices((1, 2, 3, 4), (15, 45, 30, 10))[0]
    syllables = [chance.choice(ONSETS) + chance.choice(NUCLEI) for _ in range(count)]
    return "".join(syllables) + chance.choice(CODAS)


def _misspelt(word: str, chance: Random) -> str:
    at = chance.randrange(len(word))
    kept = word[:at] + word[at + 1 :]
    if len(word) < 5 or word.isdigit():
        return word
    return (
        kept if chance.random() < 0.5 else word[:at] + chance.choice("aeiourstn") + word[at + 1 :]
    )


def _range(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.1f} (from {min(values):.1f} to {max(values):.1f})"


def main() -> None:
    """Print one JSON object on the last line."""
    speech = Speech(5)
    compile_ms = measure_compile(speech)
    result: dict[str, float | None] = measure_match(speech)  # type: ignore[assignment]
    result |= {"compile_ms": round(compile_ms, 1), "retag_s": measure_retag_s()}
    say(json.dumps(result))


if __name__ == "__main__":
    main()
