"""Why a turn is taken for angry: how the voice changed, what the mood model read, the words.

Knows neither rules nor a database. What is not known is left out; what speaks against anger is
stored and not put into the sentence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from speech.conversation import Acoustics, Turn
    from workers.hits import TimedHit

ABUSIVE = "abusive"
# A smaller change of the voice, or less evidence (in log odds), is not worth a word.
LOUDER_DB = 2.0
HIGHER_ST = 1.0
FASTER = 0.1
EVIDENCE = 0.5
MAX_TERMS = 3

_READ = {"encoder": "the voice itself (Whisper's encoder)", "colour": "the colour of the voice"}


def anger_parts(turn: Turn, hits: Sequence[TimedHit], *, lexicon: str = ABUSIVE) -> dict[str, Any]:
    """What a turn's anger is made of, as it is stored and answered. `hits` are those in this turn.

    `voice` holds the changes that are known against the speaker's other turns (`louder_db`,
    `higher_st` in semitones, `faster`: 0.2 is a fifth), `evidence` the mood model's log odds by
    part or None, `words` the hits of `lexicon`, `reason` all that in a sentence.
    """
    evidence = turn.mood.evidence if turn.mood else None
    said = [hit for hit in hits if hit.match.lexicon == lexicon]
    return {
        "voice": _voice(turn.acoustics) if turn.acoustics else {},
        "evidence": evidence and {part: round(odds, 2) for part, odds in evidence.items()},
        "words": [_word(hit) for hit in said],
        "start_s": turn.start_s,
        "end_s": turn.end_s,
        "reason": _reason(turn.acoustics, evidence or {}, [hit.match.term for hit in said]),
    }


def _voice(acoustics: Acoustics) -> dict[str, float]:
    known = {
        "louder_db": (acoustics.loudness_change_db, 1),
        "higher_st": (acoustics.pitch_change_st, 1),
        "faster": (acoustics.tempo_change, 2),
    }
    return {
        name: round(change, digits)
        for name, (change, digits) in known.items()
        if change is not None
    }


def _word(hit: TimedHit) -> dict[str, Any]:
    return {
        "term": hit.match.term,
        "lexicon": hit.match.lexicon,
        "grade": hit.match.grade,
        "start_s": hit.start_s,
        "end_s": hit.end_s,
    }


def _reason(
    acoustics: Acoustics | None, evidence: Mapping[str, float], terms: Sequence[str]
) -> str:
    notable = list(_changes(acoustics)) if acoustics else []
    read = [name for part, name in _READ.items() if evidence.get(part, 0.0) >= EVIDENCE]
    if read:
        notable.append(f"{' and '.join(read)} {'speak' if len(read) > 1 else 'speaks'} for anger")
    reason = ", ".join(notable) or "the tone of voice"
    said = list(dict.fromkeys(f"“{term}”" for term in terms))
    if not said:
        return reason
    more = f" and {len(said) - MAX_TERMS} more" if len(said) > MAX_TERMS else ""
    return f"{reason}; says {', '.join(said[:MAX_TERMS])}{more}"


def _changes(acoustics: Acoustics) -> Iterator[str]:
    """The changes towards anger that are large enough to be heard, in words."""
    louder_db = acoustics.loudness_change_db
    if louder_db is not None and louder_db >= LOUDER_DB:
        yield f"louder than their other turns by {louder_db:.0f} dB"
    higher_st = acoustics.pitch_change_st
    if higher_st is not None and higher_st >= HIGHER_ST:
        yield f"pitch up by {higher_st:.0f} semitone{'s' * (round(higher_st) > 1)}"
    faster = acoustics.tempo_change
    if faster is not None and faster >= FASTER:
        yield f"{100 * faster:.0f} % faster"
