"""What the listening page shows of a call: its facts, its speakers, and its turns, with the words
that lexicons found and a place on the strip above the player.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import groupby
from typing import Any

from models.alert import Alert
from models.call import Call, Speaker, Status
from models.hit import Hit
from models.reading import WholeCall
from models.turn import Turn

STRIP = 1000.0
"""How wide the strip is, in its own units."""
NARROWEST = 3.0
LEVELS = 5
WAITING = {
    Status.QUEUED: "This call has not been analysed yet: it waits. Reload to look again.",
    Status.HEARING: "This call is being analysed right now. Reload to look again.",
}
AGAIN = {
    Status.QUEUED: "This call waits to be analysed again; this is what was heard before.",
    Status.HEARING: "This call is being analysed again; this is what was heard before.",
}


@dataclass(frozen=True, slots=True)
class Piece:
    """Some words of a turn, and what lexicons found in them, None for nothing."""

    text: str
    found: str | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """One turn. `level` is how angry, 0 to 4, None where not known; `x` and `width` are its place
    on the strip.
    """

    speaker: str
    start_s: float
    anger: float | None
    level: int | None
    is_angry: bool
    is_uncertain: bool
    pieces: tuple[Piece, ...]
    found: tuple[str, ...]
    x: float
    width: float

    @property
    def place(self) -> str:
        return as_place(self.start_s)


@dataclass(frozen=True, slots=True)
class Listening:
    """All of it. `length_s` is how much the strip shows, `start_s` where to play from;
    `missing_alert` is the number of an alert that was asked for and is not of this call; `status`
    says what keeps the transcript away, or its renewal; `rows` are the turns of each speaker.
    """

    call: Call
    began: str
    lasted: str | None
    length_s: float
    start_s: float
    alerts: tuple[Alert, ...]
    missing_alert: int | None
    status: str | None
    speakers: tuple[Speaker, ...]
    turns: tuple[Said, ...]
    rows: tuple[tuple[str, tuple[Said, ...]], ...]

    @classmethod
    def of(
        cls, whole: WholeCall, *, angry_from: float, at_s: float | None, alert_id: int | None
    ) -> Listening:
        """Of a call, where turns are angry from anger `angry_from`; with the alert asked for, or
        all.
        """
        call = whole.call
        asked = tuple(one for one in whole.alerts if one.id == alert_id)
        turns = tuple(_turns(whole, angry_from=angry_from))
        start_s = at_s if at_s is not None else asked[0].start_s if asked else 0.0
        rows = {
            name: tuple(turn for turn in turns if turn.speaker == name) for name in _names(turns)
        }
        return cls(
            call=call,
            began=as_moment(call.started_at, call.utc_offset_min),
            lasted=None if call.duration_s is None else as_place(call.duration_s),
            length_s=_length_s(whole),
            start_s=round(start_s, 2),
            alerts=asked or tuple(whole.alerts),
            missing_alert=alert_id if alert_id is not None and not asked else None,
            status=_status(whole),
            speakers=tuple(whole.speakers),
            turns=turns,
            rows=tuple(rows.items()),
        )

    @property
    def place(self) -> str:
        return as_place(self.start_s)


def as_place(second: float) -> str:
    """A second of a recording as people say it: 1:07, 1:02:07."""
    minutes, seconds = divmod(int(second), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def as_moment(moment: datetime, utc_offset_min: int) -> str:
    """A moment in the time zone that it was given in: 2 November 2026, 09:15 UTC."""
    local = moment.astimezone(timezone(timedelta(minutes=utc_offset_min)))
    return f"{local.day} {local:%B %Y, %H:%M} {local.tzname()}"


def _status(whole: WholeCall) -> str | None:
    call = whole.call
    if call.status in WAITING:
        return (AGAIN if whole.turns else WAITING)[Status(call.status)]
    if call.status == Status.FAILED:
        why = (call.error or "not known why").rstrip(".")
        again = " again" if whole.turns else ""
        return f"This call could not be analysed{again}: {why}."
    if call.recording and not whole.turns:
        return "Nothing was heard to be said in this call."
    return None


def _length_s(whole: WholeCall) -> float:
    return max([whole.call.duration_s or 0.0, 1.0, *(turn.end_s for turn in whole.turns)])


def _names(turns: Sequence[Said]) -> list[str]:
    return sorted({turn.speaker for turn in turns})


def _turns(whole: WholeCall, *, angry_from: float) -> Iterator[Said]:
    hits: dict[int, list[Hit]] = defaultdict(list)
    for hit in whole.hits:
        verdict = whole.hit_verdicts.get(hit.id or 0)
        if verdict is None or verdict.right:
            hits[hit.turn_id].append(hit)
    length_s = _length_s(whole)
    for turn in whole.turns:
        found = hits[turn.id or 0]
        yield Said(
            speaker=turn.speaker,
            start_s=round(turn.start_s, 2),
            anger=turn.anger,
            level=None if turn.anger is None else min(int(turn.anger * LEVELS), LEVELS - 1),
            is_angry=turn.anger is not None and turn.anger >= angry_from,
            is_uncertain=bool(turn.uncertain),
            pieces=tuple(_pieces(turn, found)),
            found=tuple(dict.fromkeys(map(_label, found))),
            x=round(STRIP * turn.start_s / length_s, 1),
            width=round(max(STRIP * (turn.end_s - turn.start_s) / length_s, NARROWEST), 1),
        )


def _pieces(turn: Turn, hits: Sequence[Hit]) -> Iterator[Piece]:
    """The turn's words, those of a hit together."""

    def hit_of(word: list[Any]) -> Hit | None:
        _text, start_s, end_s, _probability = word
        return next((hit for hit in hits if hit.start_s <= start_s and end_s <= hit.end_s), None)

    for hit, words in groupby(turn.words, hit_of):
        text = " ".join(str(word[0]) for word in words)
        yield Piece(text, None if hit is None else _label(hit))


def _label(hit: Hit) -> str:
    grade = f" ({hit.grade})" if hit.grade else ""
    return f"{hit.lexicon}: {hit.term}{grade}"
