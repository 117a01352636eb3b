"""Which language each channel speaks, from what Whisper makes of speech all over the call.

Knows no audio. A channel with little speech is believed less than the call as a whole: both sides
mostly speak one language, but they may differ.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from speech.activity import Window

# Windows of each channel that are asked for its language, spread over the call.
WINDOWS_ASKED = 12
# The call as a whole weighs as much as so many seconds of a channel's own speech.
PRIOR_S = 5.0
# A language less probable than this is not claimed.
THRESHOLD = 0.5


@dataclass(frozen=True, slots=True)
class Language:
    """A code of Whisper's, such as `en`, and how probable it is, 0 to 1 (None: it was pinned)."""

    code: str
    probability: float | None


@dataclass(frozen=True, slots=True)
class Languages:
    """The language of the call, None where it is not probable enough to claim, and the one that
    each channel is written down in.
    """

    call: Language | None
    channels: Mapping[int, str]
    guess: Language | None = None
    """The most probable language of the call, claimed or not."""


def pinned(code: str, channels: Iterable[int]) -> Languages:
    """Everybody speaks `code`, because somebody says so."""
    return Languages(Language(code, None), dict.fromkeys(channels, code))


def spread(windows: Sequence[Window]) -> list[int]:
    """Places of the windows to ask: WINDOWS_ASKED of each channel at most, evenly over the call."""
    places: dict[int, list[int]] = defaultdict(list)
    for place, window in enumerate(windows):
        places[window.channel].append(place)
    chosen: list[int] = []
    for own in places.values():
        step = max(1.0, len(own) / WINDOWS_ASKED)
        chosen += [own[int(i * step)] for i in range(min(len(own), WINDOWS_ASKED))]
    return sorted(chosen)


def decide(
    heard: Iterable[tuple[Window, Mapping[str, float]]], *, threshold: float = THRESHOLD
) -> Languages:
    """Languages from windows, each with the probability of every language in it.

    Windows count by their seconds of speech.
    """
    seconds: dict[int, float] = defaultdict(float)
    shares: dict[int, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for window, found in heard:
        seconds[window.channel] += window.duration_s
        for code, probability in found.items():
            shares[window.channel][code] += probability * window.duration_s
    total_s = sum(seconds.values())
    if not total_s:
        return Languages(None, {})
    whole: dict[str, float] = defaultdict(float)
    for own in shares.values():
        for code, share in own.items():
            whole[code] += share / total_s
    likeliest = max(whole, key=whole.__getitem__)
    guess = Language(likeliest, min(1.0, whole[likeliest]))
    channels: dict[int, str] = {}
    for channel, own in shares.items():
        mixed = {
            code: (own[code] + PRIOR_S * share) / (seconds[channel] + PRIOR_S)
            for code, share in whole.items()
        }
        best = max(mixed, key=mixed.__getitem__)
        channels[channel] = best if mixed[best] >= threshold else guess.code
    return Languages(guess if whole[guess.code] >= threshold else None, channels, guess)
