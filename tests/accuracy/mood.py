"""How well the shipped mood head does on speech it never met: RAVDESS and nEMO, telephone band.

    python -m tests.accuracy.mood

Takes some ten minutes on two cores. The last line printed is one JSON object. These two corpora are
for evaluation only: nothing is trained on them or chosen by them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from settings import Settings
from speech.mood import EncoderMood
from speech.mood_calibration import figures
from speech.mood_clips import ALONE, PLAIN, HeardClips, hear_clips, read_clips
from speech.mood_head import Head
from speech.transcribe import Transcriber

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data" / "emotion"
BINS = 10


def as_calls(head: Head, heard: HeardClips) -> NDArray[np.float64]:
    """Logits where all clips of an actor are the turns of one call."""
    logits = np.zeros((len(heard.moods), 4))
    for speaker in np.unique(heard.speakers):
        own = np.flatnonzero(heard.speakers == speaker)
        logits[own] = head.logits(heard.turns[own], ["one"] * len(own), seconds=heard.seconds[own])
    return logits


def as_single_turns(head: Head, heard: HeardClips) -> NDArray[np.float64]:
    """Logits where every clip is a whole call."""
    names = [str(i) for i in range(len(heard.moods))]
    return head.logits(heard.turns, names, seconds=heard.seconds)


def calibration_error(anger: NDArray[np.float64], angry: NDArray[np.bool_]) -> float:
    """Expected calibration error over ten bins of equal width."""
    bins = np.minimum((anger * BINS).astype(int), BINS - 1)
    gaps = [
        (bins == b).mean() * abs(anger[bins == b].mean() - angry[bins == b].mean())
        for b in np.unique(bins)
    ]
    return float(sum(gaps))


def measure(head: Head, plain: HeardClips, alone: HeardClips) -> dict[str, float]:
    """Figures of one corpus: with the speaker's other clips, and every clip by itself."""
    logits = as_calls(head, plain)
    anger = np.array([mood.anger for mood in head.moods(logits)])
    single = figures(as_single_turns(head, alone), alone.moods)
    return {
        **figures(logits, plain.moods),
        **{f"single_{name}": value for name, value in single.items()},
        "ece": round(calibration_error(anger, plain.moods == 0), 3),
    }


def main() -> None:
    if not DATA.is_dir():
        sys.exit(f"skipped: no recordings in {DATA}")
    transcriber = Transcriber.load("base", Settings().models)
    head = EncoderMood.shipped("base").head
    found: dict[str, dict[str, float]] = {}
    for corpus in ("ravdess", "nemo"):
        clips = read_clips(DATA / f"{corpus}.tsv")
        plain, alone = (hear_clips(clips, transcriber.encode, line=line) for line in (PLAIN, ALONE))
        found[corpus] = measure(head, plain, alone)
        sys.stdout.write(f"{corpus}: {found[corpus]}\n")
    ravdess, nemo = found["ravdess"], found["nemo"]
    summary = {
        **{name: ravdess[name] for name in ("anger_auroc", "anger_neutral_auroc", "uar", "ece")},
        "nemo_anger_auroc": nemo["anger_auroc"],
        "single_mood_auroc": min(c["single_anger_auroc"] for c in (ravdess, nemo)),
        "corpora": found,
    }
    sys.stdout.write(json.dumps(summary) + "\n")


if __name__ == "__main__":
    main()
