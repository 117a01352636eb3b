"""Diarization error rate: the share of speech that is missed, invented or given to the wrong
speaker.

As NIST's Rich Transcription evaluations define it (RT-09 plan, 2009), computed by pyannote.metrics
(Bredin 2017): overlapping speech counts, speakers are mapped to the truth as well as can be, and
COLLAR_S on either side of each true border is left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pyannote.core import Annotation, Segment
from pyannote.metrics.diarization import DiarizationErrorRate

COLLAR_S = 0.25

Spoken = tuple[str, float, float]
"""(speaker, start_s, end_s)."""


@dataclass(frozen=True, slots=True)
class SpeakerErrors:
    """Seconds of speech that were judged, and what was wrong in them; adding joins recordings."""

    speech_s: float
    missed_s: float = 0.0
    invented_s: float = 0.0
    confused_s: float = 0.0

    @property
    def rate(self) -> float:
        return (self.missed_s + self.invented_s + self.confused_s) / max(self.speech_s, 1e-9)

    def __add__(self, other: SpeakerErrors) -> SpeakerErrors:
        return SpeakerErrors(
            self.speech_s + other.speech_s,
            self.missed_s + other.missed_s,
            self.invented_s + other.invented_s,
            self.confused_s + other.confused_s,
        )

    def __str__(self) -> str:
        parts = f"missed {self.missed_s:.1f}, invented {self.invented_s:.1f}"
        return f"{self.rate:.3f} ({parts}, confused {self.confused_s:.1f} of {self.speech_s:.1f} s)"


def speaker_errors(
    truth: Iterable[Spoken], heard: Iterable[Spoken], duration_s: float
) -> SpeakerErrors:
    """Judge one recording of `duration_s`."""
    # pyannote.metrics takes the whole width of the collar, both sides of a border together.
    metric = DiarizationErrorRate(collar=2 * COLLAR_S, skip_overlap=False)
    found = metric(
        _annotation(truth), _annotation(heard), uem=Segment(0.0, duration_s), detailed=True
    )
    return SpeakerErrors(
        found["total"], found["missed detection"], found["false alarm"], found["confusion"]
    )


def read_rttm(path: Path) -> list[Spoken]:
    """The speakers of an RTTM file: lines SPEAKER file channel start length - - speaker ..."""
    rows = [line.split() for line in path.read_text(encoding="utf-8").splitlines()]
    return [
        (row[7], float(row[3]), float(row[3]) + float(row[4]))
        for row in rows
        if row and row[0] == "SPEAKER"
    ]


def _annotation(spoken: Iterable[Spoken]) -> Annotation:
    annotation = Annotation()
    for number, (speaker, start_s, end_s) in enumerate(spoken):
        annotation[Segment(start_s, end_s), number] = speaker
    # One speaker's segments that touch or overlap are one.
    return annotation.support()
