"""Telephone lines for clips: band, level, noise, codecs and other voices.

For training and measuring mood heads only. Knows neither tables of clips nor heads.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import av
import librosa
import numpy as np
from av.audio.stream import AudioStream
from numpy.typing import NDArray

from speech.prosody import STATISTICS, prosody
from speech.voice import SAMPLE_RATE_HZ

Floats = NDArray[np.float32]

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


@dataclass(frozen=True, slots=True)
class Line:
    """How clips reach us. Each speaker of a line draws their own value within its bounds.

    `speed` moves pitch, formants and tempo together, as another voice would. `snr_db` is of noise
    between white and 1/f2. `narrow` is the share of speakers on an analogue line, `codecs` what
    others may be sent through. `restore_effort` gives every clip the level that its vocal effort
    had (the colour of the voice tells it), for corpora whose clips were all made equally loud.
    `alone` gives each clip a window of its own.
    """

    name: str
    gain_db: tuple[float, float] = (0.0, 0.0)
    speed: tuple[float, float] = (1.0, 1.0)
    snr_db: tuple[float, float] | None = None
    narrow: float = 0.0
    codecs: tuple[str, ...] = ()
    restore_effort: bool = False
    alone: bool = False


PLAIN = Line("plain")
"""Nothing but the telephone band."""

ALONE = Line("alone", alone=True)
"""Each clip in a window of its own."""


def carry(
    originals: Sequence[Floats],
    speakers: Sequence[str],
    line: Line,
    *,
    random: np.random.Generator,
) -> list[Floats]:
    """Each of these 16 kHz sounds as it arrives, over a line that its speaker keeps."""
    efforts_db = np.zeros(len(originals))
    if line.restore_effort:
        efforts_db = _effort_db(originals, np.array(speakers)) + random.normal(
            0.0, 2.0, len(originals)
        )
    drawn = {speaker: _Drawn.of(line, random) for speaker in sorted(set(speakers))}
    return [
        drawn[speaker].carry(original, effort_db if line.restore_effort else None, random=random)
        for speaker, original, effort_db in zip(speakers, originals, efforts_db, strict=True)
    ]


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


@dataclass(frozen=True, slots=True)
class _Drawn:
    """One speaker's line."""

    gain_db: float
    speed: float
    snr_db: float | None
    noise_colour: float
    narrow: bool
    codec: str | None

    @classmethod
    def of(cls, line: Line, random: np.random.Generator) -> _Drawn:
        return cls(
            gain_db=random.uniform(*line.gain_db),
            speed=random.uniform(*line.speed),
            snr_db=None if line.snr_db is None else random.uniform(*line.snr_db),
            noise_colour=random.uniform(0.0, 2.0),
            narrow=random.uniform() < line.narrow,
            codec=str(random.choice(line.codecs))
            if line.codecs and random.uniform() < 0.6
            else None,
        )

    def carry(
        self, sound: Floats, effort_db: float | None, *, random: np.random.Generator
    ) -> Floats:
        if self.speed != 1.0:
            rate = int(SAMPLE_RATE_HZ / self.speed)
            sound = librosa.resample(sound, orig_sr=SAMPLE_RATE_HZ, target_sr=rate)
        level = float(np.sqrt(np.square(sound).mean())) + 1e-9
        if effort_db is not None:
            sound = sound * (_LEVEL / level * 10.0 ** (effort_db / 20.0))
            level = _LEVEL
        if self.snr_db is not None:  # the line's noise does not rise with the voice
            hiss = _noise(len(sound), self.noise_colour, random=random)
            sound = sound + (hiss * level * 10.0 ** (-self.snr_db / 20.0)).astype(np.float32)
        loud = np.asarray(sound * 10.0 ** (self.gain_db / 20.0), np.float32)
        return telephone(loud, narrow=self.narrow, codec=self.codec)


def _noise(count: int, colour: float, *, random: np.random.Generator) -> NDArray[np.float64]:
    """Noise of level 1 whose power falls with the frequency to the power of `colour`."""
    shape = np.maximum(np.fft.rfftfreq(count, 1 / SAMPLE_RATE_HZ), 50.0) ** (-colour / 2.0)
    noise = np.fft.irfft(np.fft.rfft(random.standard_normal(count)) * shape, count)
    level = float(np.sqrt(np.square(noise).mean()))
    return np.asarray(noise / level, dtype=np.float64)


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


def _effort_db(sounds: Sequence[Floats], speakers: NDArray[np.str_]) -> NDArray[np.float64]:
    """How much louder each clip was spoken than its speaker's mean, told by its spectral tilt."""
    column = STATISTICS.index("tilt_mean")
    tilt = np.array([float(prosody(sound).statistics[column]) for sound in sounds])
    tilt = np.where(np.isnan(tilt), np.nanmean(tilt), tilt)
    for speaker in np.unique(speakers):
        tilt[speakers == speaker] -= tilt[speakers == speaker].mean()
    return np.clip(EFFORT_DB_PER_DB * tilt, -15.0, 12.0)
