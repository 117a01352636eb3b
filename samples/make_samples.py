"""Makes the sample calls of this folder from `scripts.toml`: two synthetic voices on a stereo line.

It writes a mu-law WAV and, beside it, a JSON file with what is pushed and what must be found. It
knows nothing of Overtone: expected times come from script and synthesizer, not from listening.
"""

import argparse
import json
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile
from hibari import Hibari, dsp

Samples = npt.NDArray[np.float32]

HERE = Path(__file__).resolve().parent
SYNTH_RATE_HZ, LINE_RATE_HZ = 24_000, 8_000
LINE_BAND_HZ = (300.0, 3_400.0)
SPEECH_DBFS = -27.0  # a calm turn on the line, RMS
NOISE_DBFS = -58.0  # the line itself, RMS
SHOUT_TILT_DB = 12.0  # an octave, at full shout, over the calm voice
EDGE = SYNTH_RATE_HZ // 33  # samples kept around a sentence when its silence is cut
LINE_ONLY_S = 0.6  # before the first turn and after the last
BREATH_S = 0.28  # between the sentences of a calm turn


@dataclass(frozen=True, slots=True)
class Voice:
    """A calm speaker, as changes to the synthesizer's own voice (see `scripts.toml`)."""

    pitch: float
    formants: float
    melody: float
    tilt_db: float


@dataclass(frozen=True, slots=True)
class Line:
    """One scripted turn, as a table of `scripts.toml` gives it."""

    who: str
    text: str
    pause_s: float = 0.7
    gain_db: float = 0.0
    speed: float = 1.0
    pitch_st: float = 0.0
    shout: float = 0.0
    find: Sequence[dict[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Spoken:
    """A turn as 24 kHz audio in the telephone band, with (text, start_s, length_s) per sentence."""

    audio: Samples
    sentences: tuple[tuple[str, float, float], ...]


def level(audio: Samples, dbfs: float) -> Samples:
    """The same sound at an RMS level."""
    return audio * np.float32(10 ** (dbfs / 20) / np.sqrt(np.mean(np.square(audio))))


def band(audio: Samples) -> Samples:
    """The telephone band: Butterworth slopes of order 3 (low side) and 40 (high side), no delay."""
    hz = np.fft.rfftfreq(len(audio), 1 / SYNTH_RATE_HZ)
    low, high = LINE_BAND_HZ
    gain = ((1 + (low / np.maximum(hz, 1.0)) ** 6) * (1 + (hz / high) ** 80)) ** -0.5
    return np.fft.irfft(np.fft.rfft(audio) * gain, len(audio)).astype(np.float32)


def warp(bins: Samples, ratio: float, *, fill: float) -> Samples:
    """Move what stands at frequency f to f * ratio in spectra of shape (bins, frames)."""
    source = np.arange(len(bins)) / ratio
    below = np.minimum(source.astype(int), len(bins) - 2)
    part = (source - below)[:, None].astype(np.float32)
    moved: Samples = bins[below] * (1 - part) + bins[below + 1] * part
    moved[source > len(bins) - 1] = fill
    return moved


def say(tts: Hibari, text: str, line: Line, *, voice: Voice, seed: int) -> Samples:
    """One sentence in a voice, its silence cut off at both ends, at no particular level.

    The synthesizer gives a pitch and log spectra per frame before the waveform is made; changing
    those makes a cleaner second voice, and a cleaner shout, than shifting finished audio would.
    """
    ids = np.asarray([tts.ids(" ".join(tts.phonemize(text)))], np.int64)
    parts = tts.sess.run(None, {"ids": ids, "speed": np.asarray([line.speed], np.float32)})
    harmonic, theta, noise, free, phase, f0 = (part[0] for part in parts)
    voiced = f0 > 40.0
    middle = np.median(f0[voiced])
    melody = middle * (f0 / middle).clip(0.5, 2.0) ** (voice.melody + 0.3 * line.shout)
    f0 = np.where(voiced, melody * voice.pitch * 2 ** (line.pitch_st / 12), 0.0)
    octaves = np.log2(np.linspace(0, SYNTH_RATE_HZ / 2, len(harmonic)).clip(500, 4_000) / 500)
    tilt_db = (voice.tilt_db + SHOUT_TILT_DB * line.shout) * octaves
    tilt = (tilt_db / 20 * np.log(10)).astype(np.float32)[:, None]
    harmonic = warp(harmonic, voice.formants, fill=-12.0) + tilt
    noise = warp(noise, voice.formants, fill=-12.0) + tilt
    # The free part still has the old pitch in it, so it is turned down where there is a new one.
    free = warp(free, voice.formants, fill=-12.0) - np.float32(1.5) * voiced
    theta = warp(theta, voice.formants, fill=0.0)
    rng = np.random.default_rng(seed)
    audio: Samples = dsp.synth(harmonic, theta, noise, free, phase, f0.astype(np.float32), rng)
    cycles = np.cumsum(np.repeat(f0, dsp.HOP)) / SYNTH_RATE_HZ  # roughness: every other one weaker
    audio = audio * (1 + 0.25 * line.shout * np.sin(np.pi * cycles)).astype(np.float32)
    loud = np.flatnonzero(np.abs(audio) > 0.02 * np.abs(audio).max())
    return audio[max(0, loud[0] - EDGE) : loud[-1] + EDGE]


def speak(tts: Hibari, line: Line, *, voice: Voice, seed: int) -> Spoken:
    """A whole turn at its level on the line, with a short breath between its sentences."""
    breath = np.zeros(int(BREATH_S * (1 - line.shout / 2) * SYNTH_RATE_HZ), np.float32)
    pieces: list[Samples] = []
    sentences: list[tuple[str, float, float]] = []
    at = 0
    for text in tts.split_sentences(line.text):
        piece = say(tts, text, line, voice=voice, seed=seed)
        sentences.append((text, at / SYNTH_RATE_HZ, len(piece) / SYNTH_RATE_HZ))
        pieces += [level(piece, 0.0), breath]
        at += len(piece) + len(breath)
    audio = np.concatenate(pieces[:-1])
    if line.shout:
        audio = np.tanh(0.8 * line.shout * audio)
    return Spoken(level(band(audio), SPEECH_DBFS + line.gain_db), tuple(sentences))


def find_s(tts: Hibari, spoken: Spoken, phrase: str) -> float:
    """Seconds from the turn's start to a phrase, by its share of sounds; or ValueError."""
    for text, start_s, length_s in spoken.sentences:
        before, found, _ = text.lower().partition(phrase.lower())
        if found:
            sounds = [len("".join(tts.phonemize(part))) for part in (before, text)]
            return start_s + length_s * sounds[0] / sounds[1]
    raise ValueError(f"not in a sentence of its turn: {phrase!r}")


def make_call(tts: Hibari, script: dict[str, Any], *, cast: dict[str, Voice], to: Path) -> float:
    """Write one call's WAV and JSON into a folder; returns the call's length in seconds."""
    stem: str = script["stem"]
    placed: list[tuple[Line, Spoken, float]] = []
    turns, words, hits = [], [], []
    end_s = 0.0
    for seed, table in enumerate(script["turns"]):
        line = Line(**table)
        spoken = speak(tts, line, voice=cast[script["voices"][line.who]], seed=seed)
        start_s = end_s + (line.pause_s if placed else LINE_ONLY_S)
        end_s = start_s + len(spoken.audio) / SYNTH_RATE_HZ
        placed.append((line, spoken, start_s))
        span = {"start_s": round(start_s, 2), "end_s": round(end_s, 2)}
        turns.append({"speaker": line.who, **span, "text": line.text})
        for wanted in line.find:
            at_s = round(start_s + find_s(tts, spoken, wanted["said"]), 2)
            written = wanted.get("text", wanted["said"])
            words.append({"speaker": line.who, "text": written, "at_s": at_s})
            if lexicon := wanted.get("lexicon"):
                hit = {"speaker": line.who, "lexicon": lexicon, "term": wanted.get("term")}
                hits.append({**hit, "at_s": at_s})
    rng = np.random.default_rng(len(stem))
    size = int((end_s + LINE_ONLY_S) * LINE_RATE_HZ) * (SYNTH_RATE_HZ // LINE_RATE_HZ)
    hiss = rng.standard_normal((2, size)).astype(np.float32)
    left, right = (level(band(side), NOISE_DBFS) for side in hiss)
    sides = {"agent": left, "customer": right}
    for line, spoken, start_s in placed:
        start = int(start_s * SYNTH_RATE_HZ)
        sides[line.who][start : start + len(spoken.audio)] += spoken.audio
    # The band ends below 4 kHz, so every third sample is the whole signal.
    stereo = np.stack([left, right], axis=1)[:: SYNTH_RATE_HZ // LINE_RATE_HZ]
    soundfile.write(to / f"{stem}.wav", stereo.clip(-1, 1), LINE_RATE_HZ, subtype="ULAW")
    expect = {"speakers": list(sides), "words": words, "hits": hits, **script["expect"]}
    pushed = {"external_id": f"sample-{stem}", **script["call"], "metadata": script["metadata"]}
    text = json.dumps({**pushed, "expect": expect, "turns": turns}, indent=2)
    (to / f"{stem}.json").write_text(text + "\n", encoding="utf-8")
    return len(stereo) / LINE_RATE_HZ


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Make the sample calls from scripts.toml.")
    parser.add_argument("--out", type=Path, default=HERE, help="folder to write to (default: here)")
    folder: Path = parser.parse_args(arguments).out
    folder.mkdir(parents=True, exist_ok=True)
    scripts = tomllib.loads((HERE / "scripts.toml").read_text(encoding="utf-8"))
    cast = {name: Voice(**table) for name, table in scripts["voices"].items()}
    tts = Hibari()
    for script in scripts["calls"]:
        length_s = make_call(tts, script, cast=cast, to=folder)
        sys.stdout.write(f"{script['stem']}.wav: {length_s:.1f} s\n")


if __name__ == "__main__":
    main()
