"""Whether product terms given to Whisper as hotwords help: terms found when they are said, and word
errors when they are not.

    python -m tests.accuracy.hotwords

Each term is said in a sentence by a synthetic voice over a telephone line; the calls in which none
is said are the simulated ones. The last line printed is one JSON object.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile
from hibari import Hibari
from scipy.signal import resample_poly

from lexicons.lexicon import shipped
from lexicons.matcher import Matcher
from settings import Settings
from speech.listen import Ears, listen
from speech.transcribe import Transcriber
from tests.accuracy.word_errors import WordErrors, word_errors
from tests.simulated import RATE_HZ, SIDES, simulate_call

VOICE_RATE_HZ = 24_000
SENTENCES = (
    "Good morning, do you have a {} in stock?",
    "I'm calling about the {} I ordered last week.",
    "How much would it be for the {}, please?",
)
CALLS = 6
FEW = 20


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def spoken(terms: Sequence[str], folder: Path) -> list[tuple[str, Path]]:
    """Each term said in a sentence, in files of eight sentences."""
    tts = Hibari()
    chance = np.random.default_rng(5)
    made: list[tuple[str, Path]] = []
    for number, term in enumerate(terms):
        text = SENTENCES[number % len(SENTENCES)].format(term)
        sound = np.concatenate([tts(part) for part in tts.split_sentences(text)])
        low = resample_poly(np.asarray(sound, np.float32), RATE_HZ, VOICE_RATE_HZ)
        low = 0.05 * low / np.sqrt(np.mean(low**2)) + chance.normal(0, 0.002, len(low))
        path = folder / f"term-{number}.wav"
        soundfile.write(path, low, RATE_HZ, subtype="ULAW")
        made.append((term, path))
    return made


def main() -> None:
    """Print one JSON object on the last line."""
    [product] = [lexicon for lexicon in shipped() if lexicon.name == "product"]
    terms = [term.text for term in product.terms if term.text.isascii()]
    matcher = Matcher((product,))
    transcriber = Transcriber.load("base", Settings().models)
    ears = Ears(transcriber, None, None)
    result: dict[str, float] = {}
    with TemporaryDirectory(prefix="ovt-") as name:
        files = spoken(terms, Path(name))
        calls = []
        for seed in range(3000, 3000 + CALLS):
            path = Path(name) / f"{seed}.wav"
            call = simulate_call(seed, sentences=6)
            call.write(path)
            calls.append((call, path))
        for label, given in (("none", ()), ("few", terms[:: len(terms) // FEW]), ("all", terms)):
            found = 0
            for term, path in files:
                told = [*given, term] if label == "few" else given
                heard = listen(path, ears, language="en", hotwords=told)
                hits = {hit.term for turn in heard.turns for hit in matcher.find(turn.text)}
                found += term in hits
            errors = WordErrors(0)
            for call, path in calls:
                heard = listen(path, ears, language="en", hotwords=given)
                for side in SIDES:
                    text = " ".join(turn.text for turn in heard.of(side))
                    errors += word_errors(call.text(side), text)
            result |= {f"recall_{label}": round(found / len(files), 3)}
            result |= {f"wer_{label}": round(errors.rate, 4)}
            say(f"hotwords {label}: {found} of {len(files)} terms found; without terms {errors}")
    say(json.dumps(result))


if __name__ == "__main__":
    main()
