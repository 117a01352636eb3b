"""What a telephone line carries besides speech: noise, tones, music, made from seeds at 8 kHz.

Every sound is float32 of shape (samples,), -1 to 1, and holds no words. Tones and cadences are
those of ITU-T E.180 supplement 2 (ringing and busy), E.180 (special information tone), Q.23 (DTMF)
and V.25 / V.21 (modem and fax).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter as butterworth
from scipy.signal import lfilter, sosfilt

Samples = NDArray[np.float32]
Noise = Callable[[float, np.random.Generator], Samples]

RATE_HZ = 8000
DTMF_LOW_HZ, DTMF_HIGH_HZ = (697, 770, 852, 941), (1209, 1336, 1477)


def level(sound: NDArray[np.floating], db: float) -> Samples:
    """The same sound at an RMS level, in dB of full scale."""
    rms = float(np.sqrt(np.mean(np.square(sound)))) or 1.0
    return np.clip(sound * (10 ** (db / 20) / rms), -1, 1).astype(np.float32)


def silence(seconds: float, _chance: np.random.Generator) -> Samples:
    """Digital silence."""
    return np.zeros(round(seconds * RATE_HZ), np.float32)


def coloured(slope: float) -> Noise:
    """Noise whose power falls with frequency to the power `slope`: 0 white, 1 pink, 2 brown.

    It rises in five steps from -60 to -20 dBFS.
    """

    def make(seconds: float, chance: np.random.Generator) -> Samples:
        size = round(seconds * RATE_HZ)
        spectrum = np.fft.rfft(chance.standard_normal(size))
        hz = np.maximum(np.fft.rfftfreq(size, 1 / RATE_HZ), 20.0)
        sound = np.fft.irfft(spectrum * hz ** (-slope / 2), size)
        steps = zip(np.array_split(sound, 5), (-60, -50, -40, -30, -20), strict=True)
        return np.concatenate([level(part, db) for part, db in steps])

    return make


def hum(mains_hz: float) -> Noise:
    """Mains hum with its harmonics, over a faint hiss."""

    def make(seconds: float, chance: np.random.Generator) -> Samples:
        time_s = _clock(seconds)
        parts = [
            np.sin(2 * np.pi * mains_hz * n * time_s + chance.uniform(0, 6)) / n
            for n in range(1, 12)
        ]
        return level(sum(parts) + 0.02 * chance.standard_normal(len(time_s)), -28.0)

    return make


def cadence(
    hz: Sequence[float], on_s: float, off_s: float, *, db: float = -20.0, hiss_db: float = -58.0
) -> Noise:
    """Tones together, on and off in turn."""

    def make(seconds: float, chance: np.random.Generator) -> Samples:
        time_s = _clock(seconds)
        tone = sum(np.sin(2 * np.pi * one * time_s) for one in hz) / len(hz)
        gate = (time_s % (on_s + off_s)) < on_s
        hiss = chance.standard_normal(len(time_s)) * 10 ** (hiss_db / 20)
        return (tone * gate * 10 ** (db / 20) * 1.4 + hiss).astype(np.float32)

    return make


def information_tone(seconds: float, chance: np.random.Generator) -> Samples:
    """The three rising tones before an announcement, again and again, with nothing announced."""
    time_s = _clock(seconds)
    phase = time_s % 2.0
    tones = [((0.0, 0.33), 950), ((0.33, 0.66), 1400), ((0.66, 1.0), 1800)]
    sound = sum(
        np.sin(2 * np.pi * hz * time_s) * ((phase >= since) & (phase < until))
        for (since, until), hz in tones
    )
    return level(sound + 0.003 * chance.standard_normal(len(time_s)), -20.0)


def dialling(seconds: float, chance: np.random.Generator) -> Samples:
    """Numbers dialled in DTMF, at a person's pace and at a machine's."""
    sound = np.zeros(round(seconds * RATE_HZ))
    at_s = 0.5
    while at_s < seconds - 1.0:
        fast = chance.random() < 0.5
        for _ in range(int(chance.integers(3, 12))):
            length_s = 0.07 if fast else float(chance.uniform(0.1, 0.3))
            pair = chance.choice(DTMF_LOW_HZ), chance.choice(DTMF_HIGH_HZ)
            time_s = _clock(length_s)
            _add(sound, at_s, sum(np.sin(2 * np.pi * hz * time_s) for hz in pair))
            at_s += length_s + (0.07 if fast else float(chance.uniform(0.1, 0.6)))
        at_s += float(chance.uniform(1.0, 4.0))
    return level(sound + 0.003 * chance.standard_normal(len(sound)), -22.0)


def modem(seconds: float, chance: np.random.Generator) -> Samples:
    """A fax calling (1100 Hz), the answer (2100 Hz), then data at 300 baud and a scrambled hiss."""
    time_s = _clock(seconds)
    bits = chance.integers(0, 2, int(seconds * 300) + 1)[(time_s * 300).astype(int)]
    data = np.sin(2 * np.pi * np.cumsum(np.where(bits, 1650, 1850)) / RATE_HZ)
    calling = np.sin(2 * np.pi * 1100 * time_s) * ((time_s % 3.5) < 0.5)
    band = butterworth(4, (600, 3000), "bandpass", fs=RATE_HZ, output="sos")
    scrambled = sosfilt(band, chance.standard_normal(len(time_s)))
    which = (time_s / seconds * 4).astype(int)
    answer = np.sin(2 * np.pi * 2100 * time_s)
    return level(np.choose(which, [calling, answer, data, scrambled]), -20.0)


def crackle(seconds: float, chance: np.random.Generator) -> Samples:
    """Clicks of a bad contact, single and in showers."""
    size = round(seconds * RATE_HZ)
    rate = 2.0 + 60.0 * (np.sin(2 * np.pi * _clock(seconds) / 7.0) > 0.7)
    hits = (chance.random(size) < rate / RATE_HZ) * chance.normal(0.0, 0.5, size)
    ringing = lfilter([1.0], [1.0, -1.2, 0.6], hits)
    return np.clip(ringing + 0.001 * chance.standard_normal(size), -1, 1).astype(np.float32)


def breaths(seconds: float, chance: np.random.Generator) -> Samples:
    """Somebody breathes into the telephone and says nothing."""
    sound = np.zeros(round(seconds * RATE_HZ))
    at_s = 0.5
    while at_s < seconds - 2.5:
        for low_hz, high_hz, length_s in ((500, 2500, 1.1), (300, 1500, 1.4)):
            band = butterworth(2, (low_hz, high_hz), "bandpass", fs=RATE_HZ, output="sos")
            air = sosfilt(band, chance.standard_normal(int(length_s * RATE_HZ)))
            _add(sound, at_s, air * np.sin(np.pi * np.linspace(0, 1, len(air))) ** 2)
            at_s += length_s + float(chance.uniform(0.1, 0.4))
        at_s += float(chance.uniform(0.5, 2.0))
    return level(sound + 0.01 * chance.standard_normal(len(sound)), -32.0)


def room(seconds: float, chance: np.random.Generator) -> Samples:
    """An office where nobody speaks: air, a slow rumble, keys, a door."""
    size = round(seconds * RATE_HZ)
    air = lfilter([1.0], [1.0, -0.95], chance.standard_normal(size))
    sound = air * (1 + 0.5 * np.sin(2 * np.pi * _clock(seconds) / 9.0)) * 0.3
    for at_s in np.cumsum(chance.exponential(0.35, int(seconds * 2))):
        if at_s < seconds - 0.2:
            _add(sound, at_s, _struck(0.05, chance) * chance.uniform(1, 6))
    for at_s in chance.uniform(1, seconds - 1, 3):
        thump = np.sin(2 * np.pi * 90 * _clock(0.4)) * np.exp(-_clock(0.4) * 12)
        _add(sound, float(at_s), 12 * thump)
    return level(sound, -38.0)


def music(timbre: str) -> Noise:
    """Hold music of four chords, with a melody and a beat where the timbre has one.

    Timbres: `piano` (struck, arpeggios), `strings` (slow chords), `flute` (a melody with vibrato),
    `band` (chords, bass, melody, drums), `hummed` (a wordless voice on one vowel).
    """
    chords, melody, beat = {
        "piano": ("arpeggio", None, False),
        "strings": ("held", None, False),
        "flute": ("held", "flute", False),
        "band": ("arpeggio", "flute", True),
        "hummed": ("held", "hummed", False),
    }[timbre]

    def make(seconds: float, chance: np.random.Generator) -> Samples:
        sound = np.zeros(round(seconds * RATE_HZ))
        key_hz, beat_s = 220 * 2 ** (chance.integers(-5, 6) / 12), float(chance.uniform(0.4, 0.65))
        bar_s = 4 * beat_s
        for bar in range(int(seconds / bar_s)):
            root = (0, 9, 5, 7)[bar % 4]
            third = 3 if root == 9 else 4
            notes = [key_hz * 2 ** ((root + step) / 12) for step in (0, third, 7, 12)]
            start_s = bar * bar_s
            if chords == "held":
                for hz in notes:
                    _add(sound, start_s, 0.5 * _note(hz, bar_s, rise_s=0.3, fall_s=0.3))
            else:
                for n in range(8):
                    struck = _note(notes[(0, 1, 2, 3, 2, 1, 2, 1)[n]], beat_s, decay=4.0)
                    _add(sound, start_s + n * beat_s / 2, struck)
            if melody:
                _sing(sound, start_s, beat_s, notes, chance, vowel=melody == "hummed")
            if beat:
                _drum(sound, start_s, beat_s, chance)
                _add(sound, start_s, 1.5 * _note(notes[0] / 2, bar_s, decay=1.0))
        return level(sound, -22.0)

    return make


def hold(seconds: float, chance: np.random.Generator) -> Samples:
    """Ringing for a while, then hold music: how many calls begin."""
    ringing_s = min(12.0, seconds / 3)
    ringing = cadence((425,), 1.0, 4.0)(ringing_s, chance)
    rest = music("band")(seconds - len(ringing) / RATE_HZ, chance)
    return np.concatenate([ringing, rest])


NOISES: dict[str, Noise] = {
    "silence": silence,
    "white noise": coloured(0),
    "pink noise": coloured(1),
    "brown noise": coloured(2),
    "hum 50 Hz": hum(50),
    "hum 60 Hz": hum(60),
    "ringing, Russia": cadence((425,), 1.0, 4.0),
    "ringing, USA": cadence((440, 480), 2.0, 4.0),
    "busy": cadence((425,), 0.35, 0.35),
    "information tone": information_tone,
    "dialling": dialling,
    "modem": modem,
    "crackle": crackle,
    "breaths": breaths,
    "room": room,
    "piano": music("piano"),
    "strings": music("strings"),
    "flute": music("flute"),
    "band": music("band"),
    "hummed": music("hummed"),
}


def _clock(seconds: float) -> NDArray[np.float64]:
    return np.arange(round(seconds * RATE_HZ)) / RATE_HZ


def _add(sound: NDArray[np.floating], at_s: float, part: NDArray[np.floating]) -> None:
    begin = round(at_s * RATE_HZ)
    room_left = max(0, len(sound) - begin)
    sound[begin : begin + len(part)] += part[:room_left]


def _struck(seconds: float, chance: np.random.Generator) -> NDArray[np.float64]:
    """A short burst of noise that dies away."""
    time_s = _clock(seconds)
    return chance.standard_normal(len(time_s)) * np.exp(-time_s * 5 / seconds)


def _note(
    hz: float,
    seconds: float,
    *,
    decay: float = 0.0,
    rise_s: float = 0.01,
    fall_s: float = 0.05,
    vibrato: float = 0.0,
) -> NDArray[np.float64]:
    """A note of up to ten harmonics below the band's edge; `decay` per second, `vibrato` a share
    of its pitch, at 5.5 Hz.
    """
    time_s = _clock(seconds)
    bend = vibrato * hz / 5.5 * np.sin(2 * np.pi * 5.5 * time_s) * np.minimum(1, time_s * 3)
    wave = np.zeros(len(time_s))
    for n in range(1, 11):
        if n * hz < 3600:
            wave += np.sin(n * (2 * np.pi * hz * time_s + bend)) / n**1.5
    shape = np.minimum(1, time_s / rise_s) * np.minimum(1, (seconds - time_s) / fall_s)
    return wave * shape * np.exp(-decay * time_s)


def _sing(
    sound: NDArray[np.floating],
    start_s: float,
    beat_s: float,
    notes: Sequence[float],
    chance: np.random.Generator,
    *,
    vowel: bool,
) -> None:
    """A bar of melody over its chord, through the formants of an "a" where it is a voice."""
    at_s, left = start_s, 4.0
    while left > 0:
        beats = min(left, float(chance.choice([0.5, 1.0, 1.0, 2.0])))
        hz = chance.choice(notes) * (1 if vowel else 2)
        tone = _note(hz, beats * beat_s, rise_s=0.06, fall_s=0.08, vibrato=0.02)
        if vowel:
            for formant_hz in (700, 1200, 2600):
                radius = np.exp(-np.pi * 90 / RATE_HZ)
                turn = 2 * np.cos(2 * np.pi * formant_hz / RATE_HZ)
                tone = lfilter([1 - radius], [1, -radius * turn, radius**2], tone)
            tone = 4 * tone / (np.abs(tone).max() + 1e-9)
        _add(sound, at_s, tone)
        at_s += beats * beat_s
        left -= beats


def _drum(
    sound: NDArray[np.floating], start_s: float, beat_s: float, chance: np.random.Generator
) -> None:
    """A bar of bass drum, snare and hi-hat."""
    for n in range(8):
        _add(sound, start_s + n * beat_s / 2, 0.4 * _struck(0.04, chance))
    for n in range(4):
        time_s = _clock(0.25)
        kick = np.sin(2 * np.pi * (110 - 200 * time_s) * time_s) * np.exp(-time_s * 18)
        _add(sound, start_s + n * beat_s, 2 * kick if n % 2 == 0 else _struck(0.15, chance))
