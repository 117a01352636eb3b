"""Trains a mood head for one Whisper model from any table of clips: `path, speaker, mood`.

`overtone mood train` is its command. Needs scikit-learn (it comes with librosa) and takes minutes
on two cores. Nothing that hears calls imports this module.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from speech.mood import write_head
from speech.mood_calibration import calibrate_anger, figures, temperature
from speech.mood_clips import ClipsUnreadable, HeardClips, hear_clips, read_clips
from speech.mood_head import MOODS, Floats, Head, change, standardize
from speech.mood_lines import CODECS, PLAIN, Line
from speech.prosody import STATISTICS
from speech.transcribe import Transcriber

logger = logging.getLogger(__name__)

# Chosen on EmoDB alone, by speakers left out and by simulated shifts (docs/mood.md).
PENALTY_C = 0.002  # inverse strength of the penalty on the weights
BASELINE_S = 20.0
SHARPNESS = 0.35  # of the change from which a baseline counts, in its standard deviations
TURNS = 8
"""Turns of one speaker in a simulated call."""

_QUIET = (-12.0, 3.0)
_VOICE = (0.85, 1.18)
LINES = (
    PLAIN,
    Line("loudness restored", gain_db=_QUIET, restore_effort=True),
    Line("other voices", gain_db=_QUIET, speed=_VOICE),
    Line(
        "other voices, narrow, noisy, codecs",
        gain_db=_QUIET,
        speed=_VOICE,
        snr_db=(15.0, 35.0),
        narrow=1.0,
        codecs=tuple(CODECS),
        restore_effort=True,
    ),
    Line(
        "other voices, noisy",
        gain_db=_QUIET,
        speed=_VOICE,
        snr_db=(10.0, 35.0),
        restore_effort=True,
    ),
)
"""What a head is trained on."""

CARD = """# A mood head for Whisper {whisper}

Trained by `overtone mood train` on: {data}.
Clips: {angry} angry, {happy} happy, {neutral} neutral, {sad} sad, all in telephone band.

Speakers it was not trained on, plain telephone band: AUROC of anger {anger_auroc}, against neutral
{anger_neutral_auroc}, unweighted average recall over four moods {uar}. Measure it on speech of
another source before you trust it; acted speech is not a call centre.
"""

FEWEST_SPEAKERS = 2

SITUATIONS = ("changing", "constant", "single")
"""A speaker whose mood changes from turn to turn; one with one mood throughout; one turn alone."""


def train(heard: Sequence[HeardClips], whisper: str) -> Head:
    """A calibrated head from clips heard over several lines.

    The encoder and the prosody each get their own regularised vote of equal strength, so that
    hundreds of encoder units do not drown what forty statistics know; together they are one head.
    Calibration uses only speakers and lines that the head it scores was not trained on.
    """
    head = _fit(heard, whisper)
    logits, moods = _unseen(heard, whisper)
    slope, offset = calibrate_anger(logits, moods)
    return replace(
        head, temperature=temperature(logits, moods), anger_slope=slope, anger_offset=offset
    )


def train_folder(
    table: Path, *, whisper: str, out: Path, data: str, models: Path
) -> dict[str, float]:
    """Train a head on a table of clips for a Whisper model and write it to `out`, with a card.

    `data` says for the card what the clips are and what their licence allows; `models` is
    Whisper's cache. Returns the figures on speakers that were not trained on.

    Raises:
        ClipsUnreadable: the table cannot be used, or has too few speakers or clips of a mood.
        ModelMissing: there is no such Whisper model.
    """
    clips = read_clips(table)
    for mood in MOODS:
        speakers = {clip.speaker for clip in clips if clip.mood == mood}
        if len(speakers) < FEWEST_SPEAKERS:
            raise ClipsUnreadable(
                f"{table}: speakers with {mood} clips: {len(speakers)}; at least {FEWEST_SPEAKERS} "
                "speakers of every mood are needed, else a voice is learned in place of a mood"
            )
    transcriber = Transcriber.load(whisper, models)
    heard = []
    for seed, line in enumerate(LINES):
        logger.info("line %d of %d: %s", seed + 1, len(LINES), line.name)
        heard.append(hear_clips(clips, transcriber.encode, line=line, seed=seed))
    head = train(heard, transcriber.name.removeprefix("whisper-"))
    found = speaker_independent(heard[0], heard[1:])
    counts = {mood: int((heard[0].moods == i).sum()) for i, mood in enumerate(MOODS)}
    write_head(head, out, figures={"clips": counts, "speaker_independent": found})
    card = out / "CARD.md"
    if not card.exists():  # once written it is its author's
        card.write_text(
            CARD.format(whisper=head.whisper, data=data, **counts, **found), encoding="utf-8"
        )
    logger.info("written to %s: %s", out, found)
    return found


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
        head = _fit(rest, "")
        logits[own] = head.logits(
            heard.turns[own], heard.speakers[own].tolist(), seconds=heard.seconds[own]
        )
    return figures(logits, heard.moods)


def _fit(heard: Sequence[HeardClips], whisper: str) -> Head:
    turns = np.concatenate([clips.turns for clips in heard])
    moods = np.concatenate([clips.moods for clips in heard])
    size = turns.shape[1]
    width = size - len(STATISTICS)
    center, spread = np.nanmean(turns, axis=0), np.nanstd(turns, axis=0) + 1e-6
    ordinary = standardize(turns, center, spread=spread)
    weights, bias = np.zeros((size, len(MOODS))), np.zeros(len(MOODS))
    for part in (slice(0, width), slice(width, size)):
        vote = LogisticRegression(C=PENALTY_C, class_weight="balanced", max_iter=300)
        vote.fit(ordinary[:, part], moods)
        found = ordinary[:, part] @ vote.coef_.T + vote.intercept_
        share = 1.0 / (found - found.mean(axis=1, keepdims=True)).std()
        weights[part] = share * vote.coef_.T
        bias += share * vote.intercept_
    weights -= weights.mean(axis=1, keepdims=True)
    head = Head(whisper, width, center, spread, weights, bias - bias.mean(), BASELINE_S)
    return _with_change(head, heard)


def _with_change(head: Head, heard: Sequence[HeardClips]) -> Head:
    """The head with the change between turns that lies between a constant and a changing mood."""
    logs: dict[str, list[float]] = {"changing": [], "constant": []}
    for clips in heard:
        absolute = head.absolute(clips.turns)
        for situation, found in logs.items():
            for call in simulate(clips.moods, clips.speakers, situation=situation):
                changed = change(absolute[call], clips.seconds[call])
                if changed is not None:
                    found.append(float(np.log(changed)))
    if not all(logs.values()):
        return head
    centers = [np.median(found) for found in logs.values()]
    widths = [np.std(found) for found in logs.values()]
    return replace(
        head,
        change_center=float(np.mean(centers)),
        change_width=float(SHARPNESS * np.mean(widths)) + 1e-3,
    )


def _unseen(heard: Sequence[HeardClips], whisper: str) -> tuple[Floats, NDArray[np.int64]]:
    """Logits of turns whose speaker and line the scoring head has not met, with their moods."""
    speakers = np.unique(np.concatenate([clips.speakers for clips in heard]))
    logits: list[Floats] = []
    moods: list[NDArray[np.int64]] = []
    for i, tested in enumerate(heard):
        lines = [clips for j, clips in enumerate(heard) if j != i] or [tested]
        for half in (speakers[::2], speakers[1::2]):
            rest = [_where(clips, ~np.isin(clips.speakers, half)) for clips in lines]
            head = _fit(rest, whisper)
            left = _where(tested, np.isin(tested.speakers, half))
            for situation in SITUATIONS:
                for call in simulate(left.moods, left.speakers, situation=situation):
                    names = left.speakers[call].tolist()
                    seconds = left.seconds[call]
                    logits.append(head.logits(left.turns[call], names, seconds=seconds))
                    moods.append(left.moods[call])
    return np.concatenate(logits), np.concatenate(moods)


def _where(clips: HeardClips, chosen: NDArray[np.bool_]) -> HeardClips:
    return HeardClips(
        clips.turns[chosen], clips.seconds[chosen], clips.speakers[chosen], clips.moods[chosen]
    )
