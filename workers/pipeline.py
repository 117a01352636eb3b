"""A conversation and its hits become rows: turns, speakers, hits, tags, alerts, in one transaction.

Writing the same call again replaces what was there, so running a job twice gives the same rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert
from sqlmodel import Session, SQLModel, col, select

from lexicons.matcher import Matcher
from models.alert_life import write_alerts
from models.call import Call, CallTag, Speaker, Status
from models.columns import now
from models.hit import Hit
from models.indexing import index_calls
from models.turn import Turn
from models.waiting import leave_as_heard
from settings import ALERT_ANGER
from speech.conversation import Conversation
from speech.speaker_mood import SpeakerMood, sustained_anger
from speech.talk import TalkMetrics
from workers.alert_draft import AlertDraft
from workers.call_facts import About, CallFacts, heard_facts
from workers.call_rows import rounded, speaker_rows, turn_rows
from workers.hits import TimedHit, find_hits, hit_row
from workers.reasons import anger_parts
from workers.rules import Rule, judge
from workers.rules.rule import lowest_anger

ANGRY_TAG = "angry"


@dataclass(frozen=True, slots=True)
class Analysis:
    """All that is known of a call once it was heard; a turn is angry from anger `threshold`, and
    says why from `explained_from`. Hits are of the lexicons of `revision`; `judged` are the names
    of the rules that were asked.
    """

    conversation: Conversation
    hits: tuple[TimedHit, ...]
    facts: CallFacts
    alerts: tuple[AlertDraft, ...]
    tags: tuple[str, ...]
    threshold: float
    explained_from: float
    judged: frozenset[str]
    revision: int | None = None


def analyse(
    conversation: Conversation,
    matcher: Matcher,
    rules: Sequence[Rule],
    *,
    about: About = About(),  # noqa: B008 - it cannot be changed
    threshold: float = ALERT_ANGER,
    revision: int | None = None,
) -> Analysis:
    """Find hits, judge rules, derive tags. `about` is what the telephone side told of the call."""
    hits = tuple(find_hits(conversation, matcher))
    # A turn that a rule may point at says why, also where it is not angry by the settings.
    explained_from = lowest_anger(rules, threshold)
    facts = heard_facts(conversation, hits, about, explained_from=explained_from)
    tags = {hit.match.lexicon for hit in hits}
    anger = call_anger(conversation)
    if anger is not None and anger >= threshold:
        tags.add(ANGRY_TAG)
    return Analysis(
        conversation=conversation,
        hits=hits,
        facts=facts,
        alerts=tuple(judge(rules, facts)),
        tags=tuple(sorted(tags)),
        threshold=threshold,
        explained_from=explained_from,
        judged=frozenset(rule.name for rule in rules),
        revision=revision,
    )


def call_anger(conversation: Conversation) -> float | None:
    """The number managers sort by: the customer's sustained anger; where nobody is known to be the
    customer, that of the angriest speaker."""
    speakers = [name for name in conversation.speakers if name != "agent"]
    angers = [sustained_anger(conversation.of(name)) for name in speakers]
    return max((anger for anger in angers if anger is not None), default=None)


def call_trend(moods: Mapping[str, SpeakerMood]) -> float | None:
    """How the anger moved of the speaker whose anger is that of the call."""
    others = [mood for name, mood in moods.items() if name != "agent"]
    angriest = max(others, key=lambda mood: mood.peak or 0.0, default=None)
    return None if angriest is None else rounded(angriest.trend)


def agent_talk_ratio(talk: TalkMetrics) -> float | None:
    """The agent's share of all talk, 0 to 1; None where nobody knows who the agent is."""
    ratios = {speaker.name: speaker.talk_ratio for speaker in talk.speakers}
    if not ratios.keys() & {"agent", "customer"}:
        return None
    return rounded(ratios.get("agent", 0.0))


def record(session: Session, call_id: int, analysis: Analysis) -> bool:
    """Write an analysis and commit; False where the call was deleted meanwhile, or put under hold
    with what was heard before.
    """
    call = session.exec(select(Call).where(Call.id == call_id).with_for_update()).first()
    if call is None:
        return False
    if leave_as_heard(call):
        session.commit()
        return False
    heard = analysis.conversation
    talk = heard.talk
    moods = heard.moods(analysis.threshold)
    _write_rows(session, call_id, analysis, talk, moods)
    call.status = Status.DONE
    call.error = None
    call.heard_at = call.updated_at = now()
    call.duration_s = heard.duration_s
    call.channels = heard.channels
    call.language = heard.language
    call.language_probability = heard.language_probability
    call.whisper_model = heard.whisper_model
    call.mood_model = heard.mood_model
    call.warnings = list(heard.warnings)
    call.anger = call_anger(heard)
    call.agent_talk_ratio = agent_talk_ratio(talk)
    call.silence_s = rounded(talk.silence_s)
    call.longest_silence_s = rounded(talk.longest_silence_s)
    call.silences = [asdict(silence) for silence in talk.silences]
    call.overlap_s = rounded(talk.overlap_s)
    call.interruptions = None if talk.interruptions is None else len(talk.interruptions)
    call.dropped_words = heard.dropped_words
    call.lexicon_revision = analysis.revision
    call.anger_trend = call_trend(moods)
    session.add(call)
    index_calls(session, [call_id])
    write_alerts(session, call_id, analysis.alerts, judged=analysis.judged)
    session.commit()
    return True


def _write_rows(
    session: Session,
    call_id: int,
    analysis: Analysis,
    talk: TalkMetrics,
    moods: Mapping[str, SpeakerMood],
) -> None:
    """Replace what a call's turns, speakers, tags and hits are. These rows do not become objects,
    which would take more time than all else that is written here.
    """
    connection = session.connection()
    for table in (Hit, Turn, Speaker, CallTag):
        connection.execute(delete(table).where(col(table.call_id) == call_id))
    turns = turn_rows(call_id, analysis.conversation, talk)
    _explain(turns, analysis)
    _insert(connection, Turn, turns)
    _insert(connection, Speaker, speaker_rows(call_id, talk, moods))
    _insert(connection, CallTag, [{"call_id": call_id, "tag": tag} for tag in analysis.tags])
    if analysis.hits:
        ids = dict(
            session.exec(select(Turn.position, Turn.id).where(Turn.call_id == call_id)).all()
        )
        hits = [hit_row(call_id, ids[hit.position], hit) for hit in analysis.hits]
        _insert(connection, Hit, hits)


def _insert(connection: Connection, table: type[SQLModel], rows: list[dict[str, Any]]) -> None:
    if rows:  # of no rows, SQLAlchemy would make one of defaults
        connection.execute(insert(table), rows)


def _explain(turns: Sequence[dict[str, Any]], analysis: Analysis) -> None:
    """Those that are angry say why."""
    facts = analysis.facts
    for position, row in enumerate(turns):
        if row["anger"] is not None and row["anger"] >= analysis.explained_from:
            row["anger_parts"] = anger_parts(facts.turns[position], facts.said_in(position))
