"""Vectors of two people part, those of one stay together, and two of one chunk are two people's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from speech.clustering import MOST_S, ONE_SPEAKER, SURE_S, two_voices

WIDTH = 192
Vectors = NDArray[np.float32]


def unit(vectors: NDArray[np.floating]) -> Vectors:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), np.float32)


def direction(seed: int) -> Vectors:
    return unit(np.random.default_rng(seed).normal(size=WIDTH))


def near(centre: Vectors, count: int, *, spread: float = 0.8, seed: int = 0) -> Vectors:
    """Vectors about a centre; the noise is `spread` times as long as it."""
    noise = np.random.default_rng(1000 + seed).normal(size=(count, WIDTH))
    return unit(centre + spread * unit(noise))


def speakers(
    *vectors: Vectors, seconds: float | list[float] = 2.0, chunks: list[int] | None = None
) -> list[int]:
    """The speaker of each vector: of `seconds` each, and of chunks of their own, unless told."""
    together = np.concatenate(vectors)
    n = len(together)
    return [
        int(label)
        for label in two_voices(
            together,
            np.broadcast_to(np.array(seconds, dtype=float), n),
            np.arange(n) if chunks is None else np.array(chunks),
        )
    ]


A, B = direction(1), direction(2)


@pytest.mark.parametrize("spread", [0.0, 0.4, 0.8, 1.2])
@pytest.mark.parametrize(("many", "few"), [(1, 1), (20, 20), (60, 2)])
def test_two_people_are_two_speakers(spread: float, many: int, few: int) -> None:
    found = speakers(near(A, many, spread=spread), near(B, few, spread=spread, seed=1))

    assert found == [0] * many + [1] * few


@pytest.mark.parametrize("spread", [0.0, 0.4, 0.8])
@pytest.mark.parametrize("count", [2, 3, 20, 60])
def test_one_person_is_one_speaker(spread: float, count: int) -> None:
    centre = unit(near(A, 1))[0]
    # Halves of one reader's sentences are this alike at least, two readers less (ONE_SPEAKER).
    if count == 2 and spread == 0.8:
        spread = 0.6

    assert speakers(near(centre, count, spread=spread)) == [0] * count


@pytest.mark.parametrize(("likeness", "count"), [(ONE_SPEAKER - 0.02, 2), (ONE_SPEAKER + 0.02, 1)])
def test_how_alike_two_voices_may_be(likeness: float, count: int) -> None:
    across = unit(B - (B @ A) * A)
    other = likeness * A + np.sqrt(1 - likeness**2) * across

    found = speakers(np.stack([A] * 5), np.stack([other] * 5).astype(np.float32))

    assert len(set(found)) == count


def test_speakers_are_numbered_by_who_speaks_first() -> None:
    one, other = near(A, 3), near(B, 3, seed=1)

    assert speakers(one, other, one) == [0] * 3 + [1] * 3 + [0] * 3
    assert speakers(other, one, other) == [0] * 3 + [1] * 3 + [0] * 3


def test_a_single_vector_is_one_speaker_and_none_are_none() -> None:
    assert speakers(A[None]) == [0]
    assert speakers(np.zeros((0, WIDTH), np.float32)) == []


# Two of one chunk


def test_two_voices_of_one_chunk_are_two_people() -> None:
    # Nearly between both, a little nearer to the first; beside the first it must be the second.
    between = unit(1.05 * A + B)[None]

    alone = speakers(near(A, 10), near(B, 10, seed=1), near(A, 1, seed=2), between)
    beside = speakers(
        near(A, 10),
        near(B, 10, seed=1),
        near(A, 1, seed=2),
        between,
        chunks=[*range(20), 20, 20],
    )

    assert alone[-2:] == [0, 0]
    assert beside[-2:] == [0, 1]


def test_three_voices_of_one_chunk_may_be_anybodys() -> None:
    found = speakers(near(A, 12), near(B, 2, seed=1), chunks=[*range(9), 9, 9, 9, 10, 10])

    assert found[:12] == [0] * 12


def test_one_voice_that_was_split_within_its_chunks_is_still_one() -> None:
    assert speakers(near(A, 40, spread=0.5), chunks=[n // 2 for n in range(40)]) == [0] * 40


# How long each speaks


def test_a_scrap_starts_no_speaker() -> None:
    long, scrap = near(A, 20), near(B, 1, seed=1)

    assert speakers(long, scrap, seconds=[2.0] * 20 + [SURE_S / 2]) == [0] * 21
    assert speakers(long, scrap, seconds=[2.0] * 20 + [SURE_S * 2]) == [0] * 20 + [1]


def test_scraps_part_only_where_they_are_very_different() -> None:
    scraps = SURE_S * 0.9

    assert speakers(near(A, 4), near(B, 4, seed=1), seconds=scraps) == [0] * 4 + [1] * 4
    assert speakers(near(A, 4), near(A + 0.9 * B, 4, seed=1), seconds=scraps) == [0] * 8


def test_beyond_some_seconds_longer_says_no_more() -> None:
    vectors = [near(A, 6, spread=1.2), near(B, 6, spread=1.2, seed=1)]

    assert speakers(*vectors, seconds=MOST_S) == speakers(*vectors, seconds=100 * MOST_S)


# Whatever comes in


@given(
    st.lists(st.tuples(st.integers(0, 3), st.floats(0.4, 10), st.integers(0, 6)), max_size=30),
    st.integers(0, 1000),
)
@settings(deadline=None)
def test_every_vector_has_a_speaker_and_the_first_is_the_first(
    drawn: list[tuple[int, float, int]], seed: int
) -> None:
    drawn = sorted(drawn, key=lambda each: each[2])
    centres = [direction(n) for n, *_ in drawn]
    chosen = near(np.array(centres, np.float32).reshape(-1, WIDTH), len(drawn), seed=seed)
    before = chosen.copy()

    found = speakers(
        chosen, seconds=[s for _, s, _ in drawn], chunks=[chunk for *_, chunk in drawn]
    )

    assert len(found) == len(drawn)
    assert set(found) <= {0, 1}
    assert found[:1] in ([], [0])
    np.testing.assert_array_equal(chosen, before)
    if len(set(found)) == 2:
        for chunk in {chunk for *_, chunk in drawn}:
            own = [label for label, each in zip(found, drawn, strict=True) if each[2] == chunk]
            assert len(own) != 2 or own[0] != own[1]


def test_a_call_of_hours_is_told_apart() -> None:
    one, other = near(A, 3000), near(B, 3000, seed=1)

    found = speakers(one, other, chunks=[n // 2 for n in range(3000)] * 2)

    # Chunks of both halves hold four vectors each, so nothing ties them.
    assert found == [0] * 3000 + [1] * 3000
