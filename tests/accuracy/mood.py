"""How well a mood head does on speech it never met: RAVDESS and nEMO, telephone band.

    python -m tests.accuracy.mood [--head FOLDER] [--calls-only]

Takes some fifteen minutes on two cores. The last line printed is one JSON object. These two corpora
are for evaluation only: nothing is trained on them or chosen by them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from models.agreement import Pair, binned, calibration_error
from settings import Settings
from speech.conversation import Turn
from speech.listen import Ears, listen
from speech.mood import EncoderMood
from speech.mood_calibration import figures
from speech.mood_clips import Clip, HeardClips, hear_clips, read_clips
from speech.mood_head import Head
from speech.mood_lines import ALONE, PLAIN
from speech.mood_training import speaker_independent
from speech.transcribe import Transcriber
from tests.accuracy.mood_calls import Kind, MoodCall, MoodTurn, mood_calls
from workers.pipeline import call_anger

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data" / "emotion"

TURN_CALLS: tuple[Kind, ...] = ("angry", "changing", "changing") * 8
RANKED_CALLS: tuple[Kind, ...] = ("angry", *("calm",) * 4, "outburst", *("calm",) * 4) * 6


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


def measure(head: Head, plain: HeardClips, alone: HeardClips) -> dict[str, float]:
    """Figures of one corpus: with the speaker's other clips, every clip by itself, and inside the
    corpus, each speaker scored by a head trained on the others.
    """
    logits = as_calls(head, plain)
    anger = np.array([mood.anger for mood in head.moods(logits)])
    pairs = [Pair(*pair) for pair in zip(anger.tolist(), (plain.moods == 0).tolist(), strict=True)]
    single = figures(as_single_turns(head, alone), alone.moods)
    inside = speaker_independent(plain, [])
    return {
        **figures(logits, plain.moods),
        **{f"single_{name}": value for name, value in single.items()},
        **{f"inside_{name}": value for name, value in inside.items()},
        "ece": round(calibration_error(binned(pairs)) or 0.0, 3),
    }


def of_calls(clips: Sequence[Clip], ears: Ears) -> dict[str, float]:
    """Simulated calls, heard as a worker hears them: anger by turn, the order of calls, time."""
    truths: list[bool] = []
    scores: list[float] = []
    mood_s = hearing_s = 0.0
    with TemporaryDirectory() as folder:
        path = Path(folder) / "call.wav"
        for number, call in enumerate(mood_calls(clips, TURN_CALLS, seed=1), 1):
            call.write(path)
            heard = listen(path, ears)
            for turn in call.turns:
                truths.append(turn.mood == "angry")
                scores.append(_anger_at(turn, heard.turns))
            effort = heard.effort
            mood_s += effort.mood_s
            hearing_s += (
                effort.decode_s + effort.activity_s + effort.transcribe_s + effort.speakers_s
            )
            _tell(f"calls with moods: {number} of {len(TURN_CALLS)}")
        ranked = _ranked(clips, ears, path)
    return {
        "turn_anger_auroc": round(float(roc_auc_score(truths, scores)), 3),
        "call_ap": round(
            float(average_precision_score([c.angry for c, _ in ranked], [a for _, a in ranked])), 3
        ),
        "time_share": round(mood_s / hearing_s, 4),
    }


def _ranked(clips: Sequence[Clip], ears: Ears, path: Path) -> list[tuple[MoodCall, float]]:
    ranked = []
    for number, call in enumerate(mood_calls(clips, RANKED_CALLS, seed=2), 1):
        call.write(path)
        ranked.append((call, call_anger(listen(path, ears)) or 0.0))
        _tell(f"calls to rank: {number} of {len(RANKED_CALLS)}")
    return ranked


def _anger_at(turn: MoodTurn, heard: Sequence[Turn]) -> float:
    """The anger heard while a turn was spoken; 0 where no mood was heard there."""
    total_s = weighed = 0.0
    for one in heard:
        both_s = min(turn.end_s, one.end_s) - max(turn.start_s, one.start_s)
        if one.speaker == turn.speaker and one.mood is not None and both_s > 0.0:
            total_s += both_s
            weighed += both_s * one.mood.anger
    return weighed / total_s if total_s else 0.0


def _tell(text: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{text}")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.accuracy.mood", description=__doc__)
    parser.add_argument("--head", type=Path, help="a head's folder; the one that is shipped")
    parser.add_argument("--calls-only", action="store_true", help="simulated calls alone")
    given = parser.parse_args(arguments)
    if not DATA.is_dir():
        sys.exit(f"skipped: no recordings in {DATA}")
    transcriber = Transcriber.load("base", Settings().models)
    mood = EncoderMood.load(given.head, "base") if given.head else EncoderMood.shipped("base")
    corpora = {name: read_clips(DATA / f"{name}.tsv") for name in ("ravdess", "nemo")}
    summary: dict[str, Any] = {}
    found: dict[str, dict[str, float]] = {}
    for corpus, clips in corpora.items() if not given.calls_only else ():
        plain, alone = (hear_clips(clips, transcriber.encode, line=line) for line in (PLAIN, ALONE))
        found[corpus] = measure(mood.head, plain, alone)
        sys.stdout.write(f"{corpus}: {found[corpus]}\n")
    if found:
        ravdess, nemo = found["ravdess"], found["nemo"]
        summary = {
            **{name: ravdess[name] for name in ("anger_auroc", "anger_neutral_auroc", "uar")},
            "nemo_anger_auroc": nemo["anger_auroc"],
            "single_mood_auroc": min(c["single_anger_auroc"] for c in (ravdess, nemo)),
            "ece": ravdess["ece"],
        }
    summary |= of_calls(corpora["ravdess"], Ears(transcriber, mood, None))
    sys.stdout.write(json.dumps({**summary, "corpora": found}) + "\n")


if __name__ == "__main__":
    main()
