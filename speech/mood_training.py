"""Trains a mood head for one Whisper model from any table of clips: `path, speaker, mood`.

    python -m speech.mood_training clips.tsv --whisper base --out my-head

Needs scikit-learn (it comes with librosa) and takes minutes on two cores. Nothing else of Overtone
imports this module.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from speech.mood import write_head
from speech.mood_calibration import calibrate_anger, figures, temperature
from speech.mood_clips import PLAIN, HeardClips, Line, hear_clips, read_clips
from speech.mood_head import MOODS, Floats, Head, standardize, views
from speech.prosody import STATISTICS
from speech.transcribe import Transcriber

logger = logging.getLogger(__name__)

PENALTY_C = 0.001
"""Inverse strength of the penalty on the weights. It, BASELINE_S and the choice of features were
compared on EmoDB alone: trained on one sex and half of the sentences, tested on the other sex, the
other sentences and a line not trained on."""

BASELINE_S = 20.0
TURNS = 8
"""Turns of one speaker in a simulated call."""

QUIET = (-12.0, 3.0)
LINES = (
    PLAIN,
    Line("loudness restored", gain_db=QUIET, restore_effort=True),
    Line("other voices", gain_db=QUIET, speed=(0.85, 1.18)),
    Line(
        "other voices, narrow, noisy",
        gain_db=QUIET,
        speed=(0.85, 1.18),
        snr_db=(15.0, 35.0),
        narrow=True,
        restore_effort=True,
    ),
    Line(
        "other voices, noisy",
        gain_db=QUIET,
        speed=(0.85, 1.18),
        snr_db=(10.0, 35.0),
        restore_effort=True,
    ),
)
"""What a head is trained on: speed changes move pitch and formants, as another voice would."""

CARD = """# A mood head for Whisper {whisper}

Trained by `python -m speech.mood_training` on: {data}.
Clips: {angry} angry, {happy} happy, {neutral} neutral, {sad} sad, all in telephone band.

Speakers it was not trained on, plain telephone band: AUROC of anger {anger_auroc}, against neutral
{anger_neutral_auroc}, unweighted average recall over four moods {uar}. Measure it on speech of
another source before you trust it; acted speech is not a call centre.
"""

SITUATIONS = ("changing", "constant", "single")
"""A speaker whose mood changes from turn to turn; one with one mood throughout; one turn alone."""


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """Simulated calls as a head sees them: views (n, 2F), and the mood of each turn (n,)."""

    views: Floats
    moods: NDArray[np.int64]


def train(heard: Sequence[HeardClips], whisper: str, *, seed: int = 0) -> Head:
    """A calibrated head from clips heard over several lines.

    The encoder and the prosody each get their own regularised vote of equal strength, so that
    hundreds of encoder units do not drown what forty statistics know; together they are one head.
    Calibration uses only speakers and lines that the head it scores was not trained on.
    """
    head = _fit(heard, whisper, seed=seed)
    logits, moods = _unseen(heard, whisper, seed=seed)
    slope, offset = calibrate_anger(logits, moods)
    return replace(
        head, temperature=temperature(logits, moods), anger_slope=slope, anger_offset=offset
    )


def simulate(
    moods: NDArray[np.int64], speakers: NDArray[np.str_], *, situation: str, seed: int = 0
) -> Iterator[NDArray[np.int64]]:
    """Calls of one speaker in a situation, each as the indices of its clips."""
    random = np.random.default_rng(seed)
    for speaker in np.unique(speakers):
        own = random.permutation(np.flatnonzero(speakers == speaker))
        if situation == "single":
            yield from own[:, None]
            continue
        groups = (
            [own] if situation == "changing" else [own[moods[own] == mood] for mood in range(4)]
        )
        for group in groups:
            if len(group):
                yield from np.array_split(group, max(1, round(len(group) / TURNS)))


def speaker_independent(heard: HeardClips, others: Sequence[HeardClips]) -> dict[str, float]:
    """Figures on one line's clips, each speaker scored by a head trained without them."""
    logits = np.zeros((len(heard.moods), len(MOODS)))
    for speaker in np.unique(heard.speakers):
        rest = [_where(clips, clips.speakers != speaker) for clips in (heard, *others)]
        own = np.flatnonzero(heard.speakers == speaker)
        head = _fit(rest, "", seed=0)
        logits[own] = head.logits(
            heard.turns[own], heard.speakers[own].tolist(), seconds=heard.seconds[own]
        )
    return figures(logits, heard.moods)


def _fit(heard: Sequence[HeardClips], whisper: str, *, seed: int) -> Head:
    turns = np.concatenate([clips.turns for clips in heard])
    size = turns.shape[1]
    width = size - len(STATISTICS)
    center, spread = np.nanmean(turns, axis=0), np.nanstd(turns, axis=0) + 1e-6
    weights, bias = np.zeros((2 * size, len(MOODS))), np.zeros(len(MOODS))
    head = Head(whisper, width, center, spread, weights, bias, BASELINE_S)
    calls = [
        call
        for clips in heard
        for situation in SITUATIONS
        for call in _calls(head, clips, situation=situation, seed=seed)
    ]
    seen = np.concatenate([call.views for call in calls])
    moods = np.concatenate([call.moods for call in calls])
    columns = np.arange(2 * size) % size
    for part in (columns < width, columns >= width):
        vote = LogisticRegression(C=PENALTY_C, class_weight="balanced", max_iter=300)
        vote.fit(seen[:, part], moods)
        found = seen[:, part] @ vote.coef_.T + vote.intercept_
        share = 1.0 / (found - found.mean(axis=1, keepdims=True)).std()
        weights[part] = share * vote.coef_.T
        bias += share * vote.intercept_
    return replace(head, weights=weights, bias=bias)


def _calls(head: Head, clips: HeardClips, *, situation: str, seed: int) -> Iterator[Heard]:
    ordinary = standardize(clips.turns, head.center, spread=head.spread)
    for call in simulate(clips.moods, clips.speakers, situation=situation, seed=seed):
        seen = views(
            ordinary[call],
            clips.speakers[call].tolist(),
            seconds=clips.seconds[call],
            baseline_s=head.baseline_s,
        )
        yield Heard(seen, clips.moods[call])


def _unseen(
    heard: Sequence[HeardClips], whisper: str, *, seed: int
) -> tuple[Floats, NDArray[np.int64]]:
    """Logits of turns whose speaker and line the scoring head has not met, with their moods."""
    speakers = np.unique(np.concatenate([clips.speakers for clips in heard]))
    logits: list[Floats] = []
    moods: list[NDArray[np.int64]] = []
    for i, tested in enumerate(heard):
        lines = [clips for j, clips in enumerate(heard) if j != i] or [tested]
        for half in (speakers[::2], speakers[1::2]):
            rest = [_where(clips, ~np.isin(clips.speakers, half)) for clips in lines]
            head = _fit(rest, whisper, seed=seed)
            left = _where(tested, np.isin(tested.speakers, half))
            for situation in SITUATIONS:
                for call in _calls(head, left, situation=situation, seed=seed):
                    logits.append(call.views @ head.weights + head.bias)
                    moods.append(call.moods)
    return np.concatenate(logits), np.concatenate(moods)


def _where(clips: HeardClips, chosen: NDArray[np.bool_]) -> HeardClips:
    return HeardClips(
        clips.turns[chosen], clips.seconds[chosen], clips.speakers[chosen], clips.moods[chosen]
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m speech.mood_training", description=__doc__)
    parser.add_argument("table", type=Path, help=".tsv or .csv with path, speaker, mood")
    parser.add_argument("--whisper", required=True, help="a size, a hub id or a folder")
    parser.add_argument("--out", type=Path, required=True, help="the folder for the head")
    parser.add_argument("--data", default="not stated", help="for the card: the data, its licence")
    parser.add_argument("--models", type=Path, default=Path("data/models"), help="Whisper's cache")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    clips = read_clips(given.table)
    transcriber = Transcriber.load(given.whisper, given.models)
    heard = [
        hear_clips(clips, transcriber.encode, line=line, seed=seed)
        for seed, line in enumerate(LINES)
    ]
    head = train(heard, transcriber.name.removeprefix("whisper-"))
    found = speaker_independent(heard[0], heard[1:])
    counts = {mood: int((heard[0].moods == i).sum()) for i, mood in enumerate(MOODS)}
    write_head(head, given.out, figures={"clips": counts, "speaker_independent": found})
    card = given.out / "CARD.md"
    if not card.exists():  # once written it is its author's
        card.write_text(CARD.format(whisper=head.whisper, data=given.data, **counts, **found))
    logger.info("written to %s: %s", given.out, found)


if __name__ == "__main__":
    main()
