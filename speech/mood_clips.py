"""Labelled clips as calls would carry them: telephone band, other lines and voices, packed.

For training and measuring mood heads only. Knows nothing of heads or of calls as they are heard.
"""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import av
import librosa
import numpy as np
from av.audio.stream import AudioStream
from numpy.typing import NDArray

from speech.audio import decode
from speech.frames import FRAMES_PER_S, FrameStats
from speech.mood_head import MOODS, features
from speech.prosody import STATISTICS, prosody
from speech.voice import HOP_S, SAMPLE_RATE_HZ

logger = logging.getLogger(__name__)

Floats = NDArray[np.float32]
Encode = Callable[[Sequence[Floats]], Floats]
"""Sounds up to 30 s each to Whisper's encoder frames (sounds, 1500, width)."""

WINDOW_S = 30.0
GAP_S = 0.3
_BATCH = 4
_LEVEL = 0.03

CODECS = {
    "libopencore_amrnb": ("amr", 7400),
    "libmp3lame": ("mp3", 16000),
    "libopus": ("ogg", 12000),
}
"""What telephone systems send or store besides G.711: FFmpeg's container and bits per second."""

EFFORT_DB_PER_DB = 1 / 0.55
"""How many dB louder a voice is for each dB that its treble gains over its bass.

Over 28 dB of level the ratio of the spectrum above 1 kHz to that below moves by 19.0 dB in women
and 11.7 dB in men, 0.55 dB per dB on average: Sundberg and Nordenberg, "Effects of vocal loudness
variation on spectrum balance as reflected by the alpha measure", JASA 120 (2006).
"""


class ClipsUnreadable(Exception):
    """A table of clips that cannot be used; the text names what is wrong."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One labelled recording of one speaker in one mood, at most 29 s long."""

    path: Path
    speaker: str
    mood: str


@dataclass(frozen=True, slots=True)
class Line:
    """How clips reach us. Each speaker of a line draws their own value within its bounds.

    `speed` moves pitch, formants and tempo together, as another voice would; `tempo` leaves pitch
    alone. `slope_db` is per octave, as handsets differ. `snr_db` is of noise between white and
    1/f2. `narrow` is the share of speakers on an analogue line, `codecs` what others may be sent
    through. `restore_effort` gives every clip the level that its vocal effort had (the colour of
    the voice tells it), for corpora whose clips were all made equally loud. `backwards` plays
    clips from their end: voices keep their mood and speak no language that anybody learned from.
    """

    name: str
    gain_db: tuple[float, float] = (0.0, 0.0)
    speed: tuple[float, float] = (1.0, 1.0)
    tempo: tuple[float, float] = (1.0, 1.0)
    slope_db: tuple[float, float] = (0.0, 0.0)
    snr_db: tuple[float, float] | None = None
    narrow: float = 0.0
    codecs: tuple[str, ...] = ()
    restore_effort: bool = False
    backwards: bool = False
    alone: bool = False


PLAIN = Line("plain")
"""Nothing but the telephone band."""

ALONE = Line("alone", alone=True)
"""Each clip in a window of its own."""


@dataclass(frozen=True, slots=True, eq=False)
class HeardClips:
    """What was measured on `n` clips over one line: `turns` (n, F) as a head reads them.

    `moods` are indices into :data:`speech.mood_head.MOODS`, `seconds` is speech.
    """

    turns: NDArray[np.float64]
    seconds: NDArray[np.float64]
    speakers: NDArray[np.str_]
    moods: NDArray[np.int64]


def read_clips(table: Path) -> list[Clip]:
    """Read a .tsv or .csv with the columns path (relative to the table), speaker and mood.

    Raises ClipsUnreadable.
    """
    clips: list[Clip] = []
    try:
        with table.open(newline="", encoding="utf-8") as lines:
            rows = csv.DictReader(lines, delimiter="," if table.suffix == ".csv" else "\t")
            for number, row in enumerate(rows, start=2):
                clip = Clip(table.parent / row["path"], row["speaker"], row["mood"])
                if clip.mood not in MOODS:
                    raise ClipsUnreadable(f"{table}, row {number}: no such mood: {clip.mood!r}")
                if not clip.path.is_file():
                    raise ClipsUnreadable(f"{table}, row {number}: no such file: {clip.path}")
                clips.append(clip)
    except KeyError as error:
        raise ClipsUnreadable(f"{table} has no column {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ClipsUnreadable(f"{table} cannot be read: {error}") from error
    if not clips:
        raise ClipsUnreadable(f"{table} holds no clips")
    return clips


def hear_clips(clips: Sequence[Clip], encode: Encode, *, line: Line, seed: int = 0) -> HeardClips:
    """Send every clip over `line`, pack them by speaker into windows, encode and measure."""
    random = np.random.default_rng(seed)
    sounds = _over_the_line(clips, line, random=random)
    turns: list[NDArray[np.float64] | None] = [None] * len(clips)
    seconds = np.zeros(len(clips))
    windows = list(_pack(clips, sounds, alone=line.alone, random=random))
    for start in range(0, len(windows), _BATCH):
        batch = windows[start : start + _BATCH]
        encoded = encode([_lay_out(window, sounds) for window in batch])
        for window, frames in zip(batch, encoded, strict=True):
            for i, at in window:
                first, last = _spoken_span(sounds[i])
                spoken = frames[int(at * FRAMES_PER_S) + first : int(at * FRAMES_PER_S) + last]
                measured = prosody(sounds[i])
                turns[i] = features(FrameStats.of(spoken), measured)
                seconds[i] = measured.speech_s
        logger.info("%s: %d of %d windows heard", line.name, start + len(batch), len(windows))
    return HeardClips(
        np.stack([turn for turn in turns if turn is not None]),
        seconds,
        np.array([clip.speaker for clip in clips]),
        np.array([MOODS.index(clip.mood) for clip in clips]),
    )


def telephone(samples: Floats, *, narrow: bool = False, codec: str | None = None) -> Floats:
    """16 kHz samples as a telephone line returns them: 8 kHz, mu-law (G.711), then 16 kHz again.

    `narrow` also cuts below 300 Hz and above 3400 Hz, as analogue lines do. `codec` is one of
    :data:`CODECS`, through which the sound is sent afterwards.
    """
    low = librosa.resample(samples, orig_sr=SAMPLE_RATE_HZ, target_sr=8000)
    if narrow:
        hz = np.maximum(np.fft.rfftfreq(len(low), 1 / 8000), 1.0)
        keep = 1.0 / np.sqrt((1.0 + (300.0 / hz) ** 8) * (1.0 + (hz / 3400.0) ** 16))
        low = np.fft.irfft(np.fft.rfft(low) * keep, len(low))
    low = np.clip(low, -1.0, 1.0)
    code = np.round(127.0 * np.sign(low) * np.log1p(255.0 * np.abs(low)) / np.log(256.0)) / 127.0
    decoded = np.sign(code) * (256.0 ** np.abs(code) - 1.0) / 255.0
    if codec is not None:
        decoded = _through(decoded, codec)
    high = librosa.resample(decoded, orig_sr=8000, target_sr=SAMPLE_RATE_HZ)
    return np.asarray(high, dtype=np.float32)


def _over_the_line(
    clips: Sequence[Clip], line: Line, *, random: np.random.Generator
) -> list[Floats]:
    originals = [_mono(clip.path) for clip in clips]
    speakers = np.array([clip.speaker for clip in clips])
    efforts_db = np.zeros(len(clips))
    if line.restore_effort:
        efforts_db = _effort_db(originals, speakers) + random.normal(0.0, 2.0, len(clips))
    drawn = {speaker: _Drawn.of(line, random) for speaker in np.unique(speakers)}
    return [
        drawn[clip.speaker].carry(
            original, effort_db if line.restore_effort else None, random=random
        )
        for clip, original, effort_db in zip(clips, originals, efforts_db, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Drawn:
    """One speaker's line."""

    gain_db: float
    speed: float
    tempo: float
    slope_db: float
    snr_db: float | None
    noise_colour: float
    narrow: bool
    codec: str | None
    backwards: bool

    @classmethod
    def of(cls, line: Line, random: np.random.Generator) -> _Drawn:
        return cls(
            gain_db=random.uniform(*line.gain_db),
            speed=random.uniform(*line.speed),
            tempo=random.uniform(*line.tempo),
            slope_db=random.uniform(*line.slope_db),
            snr_db=None if line.snr_db is None else random.uniform(*line.snr_db),
            noise_colour=random.uniform(0.0, 2.0),
            narrow=random.uniform() < line.narrow,
            codec=str(random.choice(line.codecs))
            if line.codecs and random.uniform() < 0.6
            else None,
            backwards=line.backwards,
        )

    def carry(
        self, sound: Floats, effort_db: float | None, *, random: np.random.Generator
    ) -> Floats:
        if self.speed != 1.0:
            rate = int(SAMPLE_RATE_HZ / self.speed)
            sound = librosa.resample(sound, orig_sr=SAMPLE_RATE_HZ, target_sr=rate)
        if self.tempo != 1.0:
            sound = librosa.effects.time_stretch(sound, rate=self.tempo, n_fft=1024)
        level = float(np.sqrt(np.square(sound).mean())) + 1e-9
        if effort_db is not None:
            sound = sound * (_LEVEL / level * 10.0 ** (effort_db / 20.0))
            level = _LEVEL
        if self.slope_db:
            octaves = np.log2(np.maximum(_hertz(len(sound)), 200.0) / 1000.0)
            sloped = np.fft.rfft(sound) * 10.0 ** (self.slope_db * octaves / 20.0)
            sound = np.fft.irfft(sloped, len(sound)).astype(np.float32)
        if self.snr_db is not None:  # the line's noise does not rise with the voice
            hiss = _noise(len(sound), self.noise_colour, random=random)
            sound = sound + (hiss * level * 10.0 ** (-self.snr_db / 20.0)).astype(np.float32)
        loud = np.asarray(sound * 10.0 ** (self.gain_db / 20.0), np.float32)
        heard = telephone(loud, narrow=self.narrow, codec=self.codec)
        return np.ascontiguousarray(heard[::-1]) if self.backwards else heard


def _noise(count: int, colour: float, *, random: np.random.Generator) -> NDArray[np.float64]:
    """Noise of level 1 whose power falls with the frequency to the power of `colour`."""
    shape = np.maximum(_hertz(count), 50.0) ** (-colour / 2.0)
    noise = np.fft.irfft(np.fft.rfft(random.standard_normal(count)) * shape, count)
    level = float(np.sqrt(np.square(noise).mean()))
    return np.asarray(noise / level, dtype=np.float64)


def _hertz(count: int) -> NDArray[np.float64]:
    return np.asarray(np.fft.rfftfreq(count, 1 / SAMPLE_RATE_HZ), dtype=np.float64)


def _through(samples: NDArray[np.float64], codec: str) -> NDArray[np.float64]:
    """8 kHz samples, encoded and decoded; as many as there were."""
    container, bits_per_s = CODECS[codec]
    file = io.BytesIO()
    pcm = (np.clip(samples, -1.0, 1.0) * 32767.0).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
    frame.sample_rate = 8000
    with av.open(file, "w", format=container) as writer:
        stream = cast(
            "AudioStream",
            writer.add_stream(codec, rate=8000, layout="mono", bit_rate=bits_per_s),
        )
        context = stream.codec_context
        fifo = av.AudioFifo()
        converter = av.AudioResampler(context.format, context.layout, context.sample_rate)
        for converted in converter.resample(frame):
            converted.pts = None
            fifo.write(converted)
        while (piece := fifo.read(context.frame_size or 160, partial=True)) is not None:
            writer.mux(stream.encode(piece))
        writer.mux(stream.encode(None))
    file.seek(0)
    with av.open(file, "r") as reader:
        converter = av.AudioResampler("flt", "mono", 8000)
        frames = [*reader.decode(audio=0), None]
        heard = [piece.to_ndarray()[0] for f in frames for piece in converter.resample(f)]
    decoded = np.concatenate(heard)[: len(samples)]
    return np.pad(decoded.astype(np.float64), (0, len(samples) - len(decoded)))


def _mono(path: Path) -> Floats:
    recording = decode(path)
    sides = [
        recording.samples(channel, 0.0, recording.duration_s)
        for channel in range(len(recording.channels))
    ]
    return np.asarray(np.mean(sides, axis=0), dtype=np.float32)


def _effort_db(sounds: Sequence[Floats], speakers: NDArray[np.str_]) -> NDArray[np.float64]:
    """How much louder each clip was spoken than its speaker's mean, told by its spectral tilt."""
    column = STATISTICS.index("tilt_mean")
    tilt = np.array([float(prosody(sound).statistics[column]) for sound in sounds])
    tilt = np.where(np.isnan(tilt), np.nanmean(tilt), tilt)
    for speaker in np.unique(speakers):
        tilt[speakers == speaker] -= tilt[speakers == speaker].mean()
    return np.clip(EFFORT_DB_PER_DB * tilt, -15.0, 12.0)


def _pack(
    clips: Sequence[Clip],
    sounds: Sequence[Floats],
    *,
    alone: bool,
    random: np.random.Generator,
) -> Iterator[list[tuple[int, float]]]:
    """Windows of at most 30 s: clips (by index) of one speaker in random order, and starts."""
    for speaker in sorted({clip.speaker for clip in clips}):
        window: list[tuple[int, float]] = []
        end_s = 0.0
        for i in random.permutation([i for i, c in enumerate(clips) if c.speaker == speaker]):
            length_s = len(sounds[i]) / SAMPLE_RATE_HZ
            if window and (alone or end_s + length_s > WINDOW_S):
                yield window
                window, end_s = [], 0.0
            window.append((int(i), end_s))
            end_s = np.ceil((end_s + length_s + GAP_S) * FRAMES_PER_S) / FRAMES_PER_S
        yield window


def _lay_out(window: Sequence[tuple[int, float]], sounds: Sequence[Floats]) -> Floats:
    starts = [round(at * SAMPLE_RATE_HZ) for _, at in window]
    last, _ = window[-1]
    laid = np.zeros(min(starts[-1] + len(sounds[last]), int(WINDOW_S * SAMPLE_RATE_HZ)), np.float32)
    for (i, _), start in zip(window, starts, strict=True):
        laid[start : start + len(sounds[i])] = sounds[i][: len(laid) - start]
    return laid


def _spoken_span(sound: Floats) -> tuple[int, int]:
    """First and last frame of speech, as a transcript's first and last word would have them."""
    hop = int(HOP_S * SAMPLE_RATE_HZ)
    rms = librosa.feature.rms(y=sound, frame_length=2 * hop, hop_length=hop)[0]
    heard = np.flatnonzero(rms > 0.025 * np.percentile(rms, 95))
    return (int(heard[0]), int(heard[-1]) + 1) if len(heard) else (0, max(len(rms), 1))
