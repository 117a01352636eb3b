"""Set B: phrases with product codes, spoken by two synthetic voices on a telephone line, heard by
Whisper as a worker hears them, and searched for the codes of a catalogue.

Four phrases of five name a code of the catalogue, the fifth one that is not in it and must not be
found. Which hit belongs to which phrase is known by time: each voice has a channel of its own, and
pauses part the phrases.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import numpy as np
import soundfile
from hibari import Hibari
from numpy.typing import NDArray

from lexicons.lexicon import Lexicon, Term
from lexicons.matcher import Matcher
from samples.make_samples import NOISE_DBFS, SYNTH_RATE_HZ, Line, Voice, band, level, speak
from settings import Settings
from speech.conversation import Conversation
from speech.listen import listen
from tests.accuracy.read_aloud import EN_LETTERS, number_styles, pieces, read_number
from tests.simulated import RATE_HZ, SIDES, mu_law
from workers.hits import find_hits
from workers.station import load_ears

PHRASES, KNOWN_SHARE, CODES = 200, 0.8, 60
IN_A_CALL = 20
LEAD_S = 0.8
# The voices of the sample calls.
VOICES = (
    Voice(pitch=0.9, formants=1.0, melody=0.85, tilt_db=-4.0),
    Voice(pitch=0.62, formants=0.86, melody=0.85, tilt_db=-4.0),
)
WORDS = str.split("bearing pump valve filter belt motor sensor seal gasket switch")
SERIES = str.split("NU NJ ABC SKF HP TR DX VL GT BMK KX FAG NSK RDF")
SEALS = ("2RS", "ZZ", "C3")
SIZES = (3, 4, 5, 6, 8, 10, 12, 14, 16, 18, 20, 24)
CARRIERS = (
    "Good morning, do you have {x} in stock?",
    "I'm calling about {x}, which I ordered last week.",
    "How much would it be for {x}, please?",
    "My colleague told me that {x} is sold out.",
    "Could you send {x} to our workshop by Friday?",
    "We need {x}, and we need it today.",
    "The part that is broken is {x}, I think.",
    "Yes, I can see {x} on my screen here.",
    "Is there a warranty on {x}, or not?",
    "You sent us the wrong part, we asked for {x}.",
    "Let me check whether {x} has arrived.",
    "I would like to return {x}, it does not fit.",
    "Sorry, did you say {x}?",
    "What is the delivery time for {x} at the moment?",
)
# Written as the synthesizer says them right.
LETTER_NAMES = {**{letter: letter for letter in EN_LETTERS}, "A": "eh"}


@dataclass(frozen=True, slots=True)
class Phrase:
    """What is said, and the code of the catalogue in it, if there is one."""

    text: str
    code: str
    known: bool


@dataclass(frozen=True, slots=True)
class Placed:
    """A phrase at its place in a recording, on one of the two SIDES."""

    phrase: Phrase
    side: str
    start_s: float
    end_s: float


def codes(count: int, chance: Random) -> list[str]:
    """Different product codes of five families; none is a part of another."""
    made: list[str] = []
    while len(made) < count:
        three, four = chance.randrange(201, 999), chance.randrange(1001, 9900)
        family = len(made) % 5
        code = (
            f"6{chance.choice('0234')}0{chance.randrange(1, 10)} {chance.choice(SEALS)}",
            f"{chance.choice(WORDS)} {three}",
            f"{chance.choice(SERIES)} {four if chance.random() < 0.6 else three}",
            f"M{chance.choice(SIZES)}{chance.choice(['', ' bolt', ' nut', ' screw'])}",
            f"{chance.choice(WORDS)} {four}",
        )[family]  # fmt: skip
        if not any(f" {code} " in f" {other} " or f" {other} " in f" {code} " for other in made):
            made.append(code)
    return made


def phrases(seed: int) -> tuple[list[str], list[Phrase]]:
    """The catalogue, and PHRASES about its codes and others, in a random order."""
    chance = Random(f"spoken {seed}")
    known_count = round(PHRASES * KNOWN_SHARE)
    all_codes = codes(CODES + PHRASES - known_count, chance)
    catalogue, strangers = all_codes[:CODES], all_codes[CODES:]
    named = [(catalogue[n % CODES], True) for n in range(known_count)]
    named += [(code, False) for code in strangers]
    chance.shuffle(named)
    made = []
    for number, (code, known) in enumerate(named):
        text = CARRIERS[number % len(CARRIERS)].format(x=article(code) + read(code, chance))
        made.append(Phrase(text[0].upper() + text[1:], code, known))
    return catalogue, made


def article(code: str) -> str:
    """Things and sizes have an article, bare codes have none."""
    return "the " if re.search(r"[a-z]{3}|^M\d", code) else ""


def read(code: str, chance: Random) -> str:
    """A code as it is read out to a synthesizer: all in words, letters one by one."""
    said: list[str] = []
    for piece in pieces(code):
        if piece.isdigit():
            styles = [
                style
                for style in number_styles(piece, "en")
                if style in ("cardinal", "digits", "zero", "pairs", "double")
            ]
            if len(piece) == 4:
                styles.remove("cardinal")  # nobody reads a code as six thousand two hundred
            style = chance.choice(styles)
            said.append(read_number(piece, style, language="en", chance=chance))
        elif piece.isupper():
            said.append(" ".join(LETTER_NAMES[letter] for letter in piece))
        else:
            said.append(piece)
    return " ".join(said)


def record(tts: Hibari, spoken: Sequence[Phrase], path: Path, *, seed: int) -> list[Placed]:
    """Write a call in which the two voices take turns, a phrase each, and tell where each is."""
    chance = np.random.default_rng(seed)
    placed: list[Placed] = []
    sounds: list[NDArray[np.float32]] = []
    now_s = LEAD_S
    for number, phrase in enumerate(spoken):
        line = Line(who=SIDES[number % 2], text=phrase.text, speed=float(chance.uniform(0.95, 1.1)))
        sound = speak(tts, line, voice=VOICES[number % 2], seed=seed + number).audio
        end_s = now_s + len(sound) / SYNTH_RATE_HZ
        placed.append(Placed(phrase, line.who, now_s, end_s))
        sounds.append(sound)
        now_s = end_s + float(chance.uniform(0.5, 1.5))
    size = int(now_s * SYNTH_RATE_HZ)
    hiss = chance.standard_normal((2, size)).astype(np.float32)
    both = np.stack([level(band(side), NOISE_DBFS) for side in hiss])
    for one, sound in zip(placed, sounds, strict=True):
        start = int(one.start_s * SYNTH_RATE_HZ)
        both[SIDES.index(one.side), start : start + len(sound)] += sound[: size - start]
    # The band ends below 4 kHz, so every third sample is the whole signal.
    line_sound = mu_law(both[:, :: SYNTH_RATE_HZ // RATE_HZ])
    soundfile.write(path, line_sound.T, RATE_HZ, subtype="ULAW")
    return placed


@dataclass(slots=True)
class Score:
    """Counts over phrases: known ones, those found, and hits that are right and wrong."""

    known: int = 0
    found: int = 0
    right: int = 0
    wrong: int = 0

    def add(self, call: Conversation, placed: Sequence[Placed], matcher: Matcher) -> list[str]:
        """Judge a call's hits; returns what was missed or wrong, in words."""
        told: list[str] = []
        hits = find_hits(call, matcher)
        owners = [_owner(placed, hit.speaker, (hit.start_s + hit.end_s) / 2) for hit in hits]
        for one in placed:
            own = [hit for hit, owner in zip(hits, owners, strict=True) if owner is one]
            right = [hit for hit in own if one.phrase.known and hit.match.term == one.phrase.code]
            self.known += one.phrase.known
            self.found += bool(right)
            self.right += len(right)
            self.wrong += len(own) - len(right)
            heard = " ".join(
                word.text
                for turn in call.of(one.side)
                for word in turn.words
                if _owner(placed, one.side, (word.start_s + word.end_s) / 2) is one
            )
            if one.phrase.known and not right:
                told.append(f"missed {one.phrase.code!r}: {one.phrase.text!r} heard as {heard!r}")
            told += [
                f"false {hit.match.term!r} in {hit.match.matched!r} ({hit.match.score:.2f}): "
                f"{one.phrase.text!r} heard as {heard!r}"
                for hit in own
                if hit not in right
            ]
        return told

    @property
    def recall(self) -> float:
        return self.found / max(self.known, 1)

    @property
    def precision(self) -> float:
        return self.right / max(self.right + self.wrong, 1)


def heard(seed: int, say: Callable[[str], None]) -> dict[str, float]:
    """Set B with the product's settings, and, in words only, without hotwords."""
    catalogue, spoken = phrases(seed)
    product = Lexicon("product", "product", 1, tuple(Term(code) for code in catalogue))
    matcher = Matcher((product,))
    settings = Settings()
    # Moods and voices are another measure's.
    ears = load_ears(settings.model_copy(update={"mood_model": "none", "diarization": "off"}))
    tts = Hibari()
    plain, told = Score(), Score()
    with TemporaryDirectory(prefix="ovt-") as folder:
        for first in range(0, len(spoken), IN_A_CALL):
            path = Path(folder) / "call.wav"
            placed = record(tts, spoken[first : first + IN_A_CALL], path, seed=seed + first)
            hotwords = catalogue[: settings.hotwords]
            call = listen(path, ears, language=settings.language, hotwords=hotwords)
            for line in told.add(call, placed, matcher):
                say(f"  {line}")
            plain.add(listen(path, ears, language=settings.language), placed, matcher)
            if sys.stderr.isatty():
                sys.stderr.write(f"\r\033[Kheard {first + len(placed)} of {len(spoken)} phrases")
    for name, score in (("heard, not told of the codes", plain), ("heard", told)):
        say(
            f"{name}: recall {score.recall:.3f} ({score.found} of {score.known}), precision "
            f"{score.precision:.3f} ({score.right} of {score.right + score.wrong})"
        )
    return {
        "heard_recall": round(told.recall, 4),
        "heard_precision": round(told.precision, 4),
    }


def _owner(placed: Sequence[Placed], side: str, at_s: float) -> Placed | None:
    """The phrase of a side that is spoken at a time, or nearest to it."""
    own = [one for one in placed if one.side == side]
    return min(own, key=lambda one: max(one.start_s - at_s, at_s - one.end_s), default=None)
