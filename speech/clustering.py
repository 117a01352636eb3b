"""Vectors of voices as one speaker or two.

Knows no sound. Spherical 2-means (Dhillon and Modha 2001, "Concept decompositions for large sparse
text data using clustering") in which two voices of one chunk are never one speaker.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

# Where the two centres are more alike than this, it is one speaker. Over a telephone line, pairs of
# readers reach 0.59 at most, halves of one reader's sentences 0.76 at least (docs/performance.md).
ONE_SPEAKER = 0.62
# The same where the network of voices often heard two within ten seconds: two synthetic voices of
# one make reach 0.67.
ONE_SPEAKER_HEARD_AS_TWO, OFTEN = 0.72, 0.25
# Longer stretches say no more about whose they are.
MOST_S = 3.0
# Of a speaker with no stretch as long as this, one has to be surer.
SURE_S, ONE_SPEAKER_OF_SCRAPS = 1.0, 0.3
ROUNDS = 30
COMPONENTS, FARTHEST = 3, 4


def two_voices(
    vectors: Floats, seconds: NDArray[np.float64], chunks: NDArray[np.int_]
) -> NDArray[np.int_]:
    """The speaker of each vector, 0 or 1, numbered by who speaks first; all 0 where it is one.

    `vectors` (n, width) have length 1; `seconds` of sound went into each; two of one chunk that
    has no third are two people's.
    """
    if len(vectors) < 2:
        return np.zeros(len(vectors), dtype=int)
    weights = np.minimum(seconds, MOST_S)
    pairs = _pairs(chunks)
    best_labels, best_fit, best_centres = np.zeros(len(vectors), dtype=int), -np.inf, None
    for centres in _starting_centres(vectors, seconds):
        labels, centres = _settle(vectors, weights, pairs, centres)
        fit = float((weights * (vectors * centres[labels]).sum(axis=1)).sum())
        if fit > best_fit:
            best_labels, best_fit, best_centres = labels, fit, centres
    if best_centres is None:
        return best_labels
    limit = ONE_SPEAKER
    if len(pairs) >= OFTEN * len(set(chunks.tolist())):
        limit = ONE_SPEAKER_HEARD_AS_TWO
    if min(seconds[best_labels == n].max(initial=0.0) for n in (0, 1)) < SURE_S:
        limit = ONE_SPEAKER_OF_SCRAPS
    if float(best_centres[0] @ best_centres[1]) > limit:
        return np.zeros(len(vectors), dtype=int)
    return best_labels if best_labels[0] == 0 else 1 - best_labels


def _starting_centres(vectors: Floats, seconds: NDArray[np.float64]) -> list[Floats]:
    """Pairs of centres to begin with: along the directions in which the vectors differ most, and
    the vectors farthest from the mean against their own farthest.
    """
    sure = vectors[seconds >= SURE_S] if (seconds >= SURE_S).sum() > 1 else vectors
    spread = sure - sure.mean(axis=0)
    directions = np.linalg.svd(spread, full_matrices=False)[2][:COMPONENTS]
    starts: list[Floats] = []
    for direction in directions:
        side = spread @ direction
        starts.append(np.stack([sure[side.argmax()], sure[side.argmin()]]))
    for odd in (sure @ sure.mean(axis=0)).argsort()[:FARTHEST]:
        starts.append(np.stack([sure[odd], sure[(sure @ sure[odd]).argmin()]]))
    return starts


def _settle(
    vectors: Floats,
    weights: NDArray[np.float64],
    pairs: NDArray[np.int_],
    centres: Floats,
) -> tuple[NDArray[np.int_], Floats]:
    """Labels and centres after labelling and averaging in turn until nothing changes."""
    labels, centres = np.full(len(vectors), -1), centres.copy()
    for _ in range(ROUNDS):
        likeness = vectors @ centres.T
        found = likeness.argmax(axis=1)
        if len(pairs):
            one, other = pairs.T
            lean = weights * (likeness[:, 0] - likeness[:, 1])
            first = lean[one] > lean[other]
            found[one], found[other] = np.where(first, 0, 1), np.where(first, 1, 0)
        if (found == labels).all():
            break
        labels = found
        for n in (0, 1):
            if (labels == n).any():
                centre = (vectors * (weights * (labels == n))[:, None]).sum(axis=0)
                centres[n] = centre / (np.linalg.norm(centre) + 1e-9)
    return labels, centres


def _pairs(chunks: NDArray[np.int_]) -> NDArray[np.int_]:
    """Places of vectors that come two from a chunk, shape (pairs, 2)."""
    places: dict[int, list[int]] = defaultdict(list)
    for place, chunk in enumerate(chunks):
        places[int(chunk)].append(place)
    twos = [two for two in places.values() if len(two) == 2]
    return np.array(twos, dtype=int).reshape(-1, 2)
