"""A conversation and its hits become rows: turns, speakers, hits, tags, alerts, in one transaction.

Writing the same call again replaces what was there, so running a job twice gives the same rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import delete, insert
from sqlmodel import Session, col, select

from lexicons.matcher import Matcher
from lexicons.text import index_text
from models.alert_life import write_alerts
from models.call import Call, CallTag, Speaker, Status, leave_as_heard
from models.columns import now
from models.hit import Hit
from models.indexing import index_calls
from models.turn import Turn
from settings import ALERT_ANGER
from speech.conversation import Conversation, Mood
from speech.conversation import Turn as HeardTurn
from speech.speaker_mood import SpeakerMood, sustained_anger
from speech.talk import SpeakerTalk, TalkMetrics
from workers.alert_draft import AlertDraft
from workers.call_facts import About, CallFacts, heard_facts
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
    return None if angriest is None else _rounded(angriest.trend)


def agent_talk_ratio(talk: TalkMetrics) -> float | None:
    """The agent's share of all talk, 0 to 1; None where nobody knows who the agent is."""
    ratios = {speaker.name: speaker.talk_ratio for speaker in talk.speakers}
    if not ratios.keys() & {"agent", "customer"}:
        return None
    return _rounded(ratios.get("agent", 0.0))


def _rounded(figure: float | None) -> float | None:
    """A figure to the thousandth: what the clock of words tells, and no more."""
    return None if figure is None else round(figure, 3)


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
    for table in (Hit, Turn, Speaker, CallTag):
        session.execute(delete(table).where(col(table.call_id) == call_id))
    talk = heard.talk
    moods = heard.moods(analysis.threshold)
    turns = _turn_rows(call_id, analysis)
    if talk.interruptions is not None:
        interrupting = {one.position for one in talk.interruptions}
        for turn in turns:
            turn.interrupts = turn.position in interrupting
    session.add_all(turns)
    session.add_all(
        _speaker_row(call_id, speaker, moods.get(speaker.name)) for speaker in talk.speakers
    )
    session.add_all(CallTag(call_id=call_id, tag=tag) for tag in analysis.tags)
    session.flush()
    if analysis.hits:
        rows = [hit_row(call_id, turns[hit.position].id, hit) for hit in analysis.hits]
        session.execute(insert(Hit), rows)
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
    call.silence_s = _rounded(talk.silence_s)
    call.longest_silence_s = _rounded(talk.longest_silence_s)
    call.silences = [asdict(silence) for silence in talk.silences]
    call.overlap_s = _rounded(talk.overlap_s)
    call.interruptions = None if talk.interruptions is None else len(talk.interruptions)
    call.dropped_words = heard.dropped_words
    call.lexicon_revision = analysis.revision
    call.anger_trend = call_trend(moods)
    session.add(call)
    index_calls(session, [call_id])
    write_alerts(session, call_id, analysis.alerts, judged=analysis.judged)
    session.commit()
    return True


def _turn_rows(call_id: int, analysis: Analysis) -> list[Turn]:
    """A row for every turn; those that are angry say why."""
    facts = analysis.facts
    rows: list[Turn] = []
    for position, turn in enumerate(analysis.conversation.turns):
        row = _turn_row(call_id, position, turn)
        if turn.mood and turn.mood.anger >= analysis.explained_from:
            row.anger_parts = anger_parts(facts.turns[position], facts.said_in(position))
        rows.append(row)
    return rows


def _turn_row(call_id: int, position: int, turn: HeardTurn) -> Turn:
    return Turn(
        call_id=call_id,
        position=position,
        speaker=turn.speaker,
        start_s=turn.start_s,
        end_s=turn.end_s,
        text=turn.text,
        keys=index_text(turn.text),
        words=[[word.text, word.start_s, word.end_s, word.probability] for word in turn.words],
        mood=turn.mood.label if turn.mood else None,
        anger=turn.mood.anger if turn.mood else None,
        moods=_moods(turn.mood) if turn.mood else None,
        acoustics=asdict(turn.acoustics) if turn.acoustics else None,
        language=turn.language,
        confidence=_rounded(turn.confidence),
    )


def _moods(mood: Mood) -> dict[str, float]:
    """The four moods and anger, without the evidence."""
    return {
        "angry": mood.angry,
        "happy": mood.happy,
        "neutral": mood.neutral,
        "sad": mood.sad,
        "anger": mood.anger,
    }


def _speaker_row(call_id: int, speaker: SpeakerTalk, mood: SpeakerMood | None) -> Speaker:
    row = Speaker(
        call_id=call_id,
        name=speaker.name,
        talk_s=round(speaker.talk_s, 3),
        talk_ratio=_rounded(speaker.talk_ratio),
        words_per_minute=_rounded(speaker.words_per_minute),
        longest_monologue_s=_rounded(speaker.longest_monologue_s),
        interruptions=speaker.interruptions,
    )
    if mood:
        row.mood = mood.label
        row.angry, row.happy = mood.angry, mood.happy
        row.neutral, row.sad = mood.neutral, mood.sad
        row.anger = mood.peak
        row.anger_mean = _rounded(mood.mean)
        row.anger_share = _rounded(mood.share)
        row.anger_trend = _rounded(mood.trend)
        row.anger_at_s = mood.at_s
    return row
