"""What people say of hits: whether the term was really meant there.

Hits are written anew whenever a call is heard or matched again, so a verdict does not name one: it
names the lexicon, the term, the speaker and the second, and is laid onto the hit that is there now.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Index, String, Text, func
from sqlmodel import Field, Session, SQLModel, and_, col, select

from models.call import Call, of_call
from models.columns import Moment, now
from models.hit import Hit
from models.turn import Turn

WITHIN_S = 0.5
"""What is heard again may begin earlier or later by this much, and is still the same hit."""
EXCERPT_WORDS = 12
_ROUNDING_S = 1e-6


class HitVerdict(SQLModel, table=True):
    """`matched`, and the words `before` and `after` it, are as they were when it was given;
    `given_by` is the name of the key that it came with.
    """

    __tablename__ = "hit_verdict"
    __table_args__ = (Index("hit_verdict_by_lexicon", "lexicon"),)

    call_id: int = Field(sa_column=of_call(primary_key=True))
    lexicon: str = Field(sa_column=Column(String(100), primary_key=True))
    term: str = Field(sa_column=Column(Text, primary_key=True))
    speaker: str = Field(sa_column=Column(String(20), primary_key=True))
    start_s: float = Field(primary_key=True)
    right: bool
    matched: str = Field(sa_column=Column(Text, nullable=False))
    before: str = Field(sa_column=Column(Text, nullable=False))
    after: str = Field(sa_column=Column(Text, nullable=False))
    given_by: str | None = Field(default=None, sa_column=Column(String(100)))
    given_at: datetime = Field(default_factory=now, sa_column=Column(Moment, nullable=False))

    @property
    def excerpt(self) -> str:
        """What was said, the match in brackets."""
        return " ".join(part for part in (self.before, f"[{self.matched}]", self.after) if part)


@dataclass(frozen=True, slots=True)
class JudgedHit:
    """A verdict beside the hit of now: `found` is whether there is one, `score` and `parts` are
    its, and None where there is none.
    """

    call_id: int
    lexicon: str
    term: str
    speaker: str
    start_s: float
    right: bool
    before: str
    matched: str
    after: str
    found: bool
    score: float | None
    parts: dict[str, float] | None


# A verdict, and where a hit near it begins, its score and parts; None where there is none.
_Row = tuple[HitVerdict, Hit | None]


def give_hit_verdict(
    session: Session, call_id: int, hit_id: int, *, right: bool, given_by: str | None
) -> HitVerdict | None:
    """Store a verdict, in the place of the one before, and commit; None where there is no such call
    or hit.
    """
    hit = _held_hit(session, call_id, hit_id)
    if hit is None:
        return None
    before, after = _surroundings(session, hit)
    verdict = _verdict_on(session, hit)
    if verdict is not None and verdict.start_s != hit.start_s:
        session.delete(verdict)
        session.flush()
        verdict = None
    if verdict is None:
        verdict = HitVerdict(
            call_id=call_id,
            lexicon=hit.lexicon,
            term=hit.term,
            speaker=hit.speaker,
            start_s=hit.start_s,
            right=right,
            matched=hit.matched,
            before=before,
            after=after,
        )
    verdict.right, verdict.matched = right, hit.matched
    verdict.before, verdict.after = before, after
    verdict.given_by, verdict.given_at = given_by, now()
    session.add(verdict)
    session.commit()
    return verdict


def take_back_hit_verdict(session: Session, call_id: int, hit_id: int) -> bool:
    """Remove a verdict and commit; False where there is none, or no such hit."""
    hit = _held_hit(session, call_id, hit_id)
    verdict = None if hit is None else _verdict_on(session, hit)
    if verdict is None:
        return False
    session.delete(verdict)
    session.commit()
    return True


def verdicts_by_hit(session: Session, call_id: int, hits: Sequence[Hit]) -> dict[int, HitVerdict]:
    """The verdicts on hits of a call, by the ids of these hits."""
    given: dict[tuple[str, str, str], list[HitVerdict]] = {}
    for verdict in session.exec(select(HitVerdict).where(HitVerdict.call_id == call_id)):
        given.setdefault(_what(verdict), []).append(verdict)
    found: dict[int, HitVerdict] = {}
    for what, verdicts in given.items():
        alike = [hit for hit in hits if _what(hit) == what]
        at = {verdict.start_s: verdict for verdict in verdicts}
        laid = _nearest((hit.start_s for hit in alike), at)
        found |= {hit.id or 0: at[laid[hit.start_s]] for hit in alike if hit.start_s in laid}
    return found


def judged_hits(session: Session, lexicon: str) -> list[JudgedHit]:
    """Every verdict on hits of a lexicon, beside the hit that is there now."""
    there = and_(
        col(Hit.call_id) == HitVerdict.call_id,
        col(Hit.lexicon) == HitVerdict.lexicon,
        col(Hit.speaker) == HitVerdict.speaker,
        func.abs(col(Hit.start_s) - col(HitVerdict.start_s)) <= WITHIN_S + _ROUNDING_S,
    )
    wanted = (
        select(HitVerdict, Hit)
        .join(Hit, there, isouter=True)
        .where(HitVerdict.lexicon == lexicon)
        .order_by(
            col(HitVerdict.call_id),
            col(HitVerdict.term),
            col(HitVerdict.speaker),
            col(HitVerdict.start_s),
        )
    )
    groups: dict[tuple[int, tuple[str, str, str]], list[_Row]] = {}
    for verdict, hit in session.exec(wanted):
        groups.setdefault((verdict.call_id, _what(verdict)), []).append((verdict, hit))
    return [judged for rows in groups.values() for judged in _beside_hits(rows)]


def _beside_hits(rows: Iterable[_Row]) -> list[JudgedHit]:
    """One for each verdict on a term, a speaker and a call, out of each with every hit near it."""
    verdicts: dict[float, HitVerdict] = {}
    hits: dict[float, Hit] = {}
    for verdict, hit in rows:
        verdicts[verdict.start_s] = verdict
        if hit is not None and _what(hit) == _what(verdict):
            hits[hit.start_s] = hit
    laid = {verdict_s: hit_s for hit_s, verdict_s in _nearest(hits, verdicts).items()}
    found: list[JudgedHit] = []
    for start_s, verdict in verdicts.items():
        there = hits[laid[start_s]] if start_s in laid else None
        found.append(
            JudgedHit(
                call_id=verdict.call_id,
                lexicon=verdict.lexicon,
                term=there.term if there else verdict.term,
                speaker=verdict.speaker,
                start_s=start_s,
                right=verdict.right,
                before=verdict.before,
                matched=verdict.matched,
                after=verdict.after,
                found=there is not None,
                score=there.score if there else None,
                parts=there.parts if there else None,
            )
        )
    return found


def _held_hit(session: Session, call_id: int, hit_id: int) -> Hit | None:
    """The hit, its call held until we commit: nobody writes its hits or judges them meanwhile."""
    call = select(Call.id).where(Call.id == call_id).with_for_update(key_share=True)
    if session.exec(call).first() is None:
        return None
    return session.exec(select(Hit).where(Hit.id == hit_id, Hit.call_id == call_id)).first()


def _verdict_on(session: Session, hit: Hit) -> HitVerdict | None:
    alike = select(Hit).where(
        Hit.call_id == hit.call_id,
        Hit.lexicon == hit.lexicon,
        Hit.speaker == hit.speaker,
    )
    by_hit = verdicts_by_hit(session, hit.call_id, session.exec(alike).all())
    return by_hit.get(hit.id or 0)


def _what(judged: Hit | HitVerdict) -> tuple[str, str, str]:
    """What a verdict and the hits it may stand on have in common; a term keeps its verdicts when
    only its capitals change.
    """
    return judged.lexicon, _folded(judged.term), judged.speaker


def _folded(term: str) -> str:
    return term.casefold().replace("ё", "е")


def _nearest(hits_s: Iterable[float], verdicts_s: Iterable[float]) -> dict[float, float]:
    """Which verdict each hit takes: none is taken twice, and the nearest go together first."""
    given = list(verdicts_s)
    near = sorted(
        (abs(hit_s - verdict_s), hit_s, verdict_s)
        for hit_s in set(hits_s)
        for verdict_s in given
        if abs(hit_s - verdict_s) <= WITHIN_S + _ROUNDING_S
    )
    laid: dict[float, float] = {}
    taken: set[float] = set()
    for _apart_s, hit_s, verdict_s in near:
        if hit_s not in laid and verdict_s not in taken:
            laid[hit_s] = verdict_s
            taken.add(verdict_s)
    return laid


def _surroundings(session: Session, hit: Hit) -> tuple[str, str]:
    """The words of the turn before and after a hit."""
    turn = session.get_one(Turn, hit.turn_id)
    first_s, last_s = hit.start_s - _ROUNDING_S, hit.end_s + _ROUNDING_S
    inside = [
        at
        for at, (_text, start_s, end_s, _probability) in enumerate(turn.words)
        if start_s >= first_s and end_s <= last_s
    ]
    if not inside:
        return "", ""
    texts = [str(word[0]) for word in turn.words]
    before = texts[max(inside[0] - EXCERPT_WORDS, 0) : inside[0]]
    return " ".join(before), " ".join(texts[inside[-1] + 1 :][:EXCERPT_WORDS])
