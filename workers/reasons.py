"""Why a turn is taken for angry: how the voice changed, what the mood model read, the words.

Knows neither rules nor a database. What is not known is left out; what speaks against anger is
stored and not put into the sentence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workers.call_facts import SaidTerm, SpokenTurn, VoiceChange

ABUSIVE = "abusive"
# A smaller change of the voice, or less evidence (in log odds), is not worth a word.
LOUDER_DB = 2.0
HIGHER_ST = 1.0
FASTER = 0.1
EVIDENCE = 0.5
MAX_TERMS = 3

_READ = {"encoder": "the voice itself (Whisper's encoder)", "colour": "the colour of the voice"}


def anger_parts(turn: SpokenTurn, said: Iterable[SaidTerm]) -> dict[str, Any]:
    """What a turn's anger is made of, as it is stored and answered. `said` are the hits in it.

    `voice` holds the changes that are known against the speaker's other turns (`louder_db`,
    `higher_st` in semitones, `faster`: 0.2 is a fifth), `evidence` the mood model's log odds by
    part or None, `words` the abusive hits, `reason` all that in a sentence.
    """
    abusive = [hit for hit in said if hit.lexicon == ABUSIVE]
    return {
        "voice": _voice(turn.voice) if turn.voice else {},
        "evidence": turn.evidence,
        "words": [_word(hit) for hit in abusive],
        "start_s": turn.start_s,
        "end_s": turn.end_s,
        "reason": _reason(turn.voice, turn.evidence or {}, [hit.term for hit in abusive]),
    }


def _voice(change: VoiceChange) -> dict[str, float]:
    known = {
        "louder_db": (change.loudness_change_db, 1),
        "higher_st": (change.pitch_change_st, 1),
        "faster": (change.tempo_change, 2),
    }
    return {
        name: round(figure, digits)
        for name, (figure, digits) in known.items()
        if figure is not None
    }


def _word(hit: SaidTerm) -> dict[str, Any]:
    return {
        "term": hit.term,
        "lexicon": hit.lexicon,
        "grade": hit.grade,
        "start_s": hit.start_s,
        "end_s": hit.end_s,
    }


def _reason(change: VoiceChange | None, evidence: Mapping[str, float], terms: Sequence[str]) -> str:
    notable = list(_changes(change)) if change else []
    read = [name for part, name in _READ.items() if evidence.get(part, 0.0) >= EVIDENCE]
    if read:
        notable.append(f"{' and '.join(read)} {'speak' if len(read) > 1 else 'speaks'} for anger")
    reason = ", ".join(notable) or "the tone of voice"
    said = list(dict.fromkeys(f"“{term}”" for term in terms))
    if not said:
        return reason
    more = f" and {len(said) - MAX_TERMS} more" if len(said) > MAX_TERMS else ""
    return f"{reason}; says {', '.join(said[:MAX_TERMS])}{more}"


def _changes(change: VoiceChange) -> Iterator[str]:
    """The changes towards anger that are large enough to be heard, in words."""
    louder_db = change.loudness_change_db
    if louder_db is not None and louder_db >= LOUDER_DB:
        yield f"louder than their other turns by {louder_db:.0f} dB"
    higher_st = change.pitch_change_st
    if higher_st is not None and higher_st >= HIGHER_ST:
        yield f"pitch up by {higher_st:.0f} semitone{'s' * (round(higher_st) > 1)}"
    faster = change.tempo_change
    if faster is not None and faster >= FASTER:
        yield f"{100 * faster:.0f} % faster"
