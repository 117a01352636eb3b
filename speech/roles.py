"""Which of two speakers is the agent: guessed from what is said first, claimed only when likely.

Knows no voices and no channels. Agents greet callers for a company and offer help; customers say
what they call for. English and Russian.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from speech.conversation import Turn

AGENT, CUSTOMER = "agent", "customer"
# Greetings and reasons come within so many words of each speaker.
OPENING_WORDS = 60
# How much more than the other one has to sound like an agent.
SURE = 2

OFFERS = (
    r"(how|what) (can|may|could) (i|we) (help|assist|do for|be of)",
    r"anything (else )?(that )?(i|we) can (help|assist|do)",
    r"(thank you|thanks) for (calling|contacting|holding)",
    r"(can|may) i (have|get|take) your (name|number|account|order|address|postcode|zip)",
    r"your call (is|may be|will be) (being )?recorded",
    r"(is there|was there) anything else",
    r"(you've|you have) reached",
    r"(чем|как) (я )?(могу|можем|смогу) (я )?(вам )?(помочь|быть полез\w+)",
    r"чем (вам )?(я )?(помочь|быть полез\w+)",
    r"(спасибо|благодар\w+) за (ваш )?(звонок|обращение|ожидание)",
    r"(как|подскажите как) (я могу )?к вам (можно )?обраща\w+",
    r"что (вас интересует|(вам )?подсказать)|по какому вопросу",
)
# A name is told by its capital: "this is Alice", and not "this is broken".
INTRODUCES = (
    r"my name('s| is) (?-i:[A-Z])\w+",
    r"(this is|(you're|you are) speaking (to|with)) (?-i:[A-Z])\w+",
    r"(?-i:[A-Z])\w+ speaking",
    r"(calling|phoning)( you)? (from|on behalf of)",
    r"меня зовут|вас беспокоит|вам звонит",
    r"слушаю вас|вас слушаю",
    r"(служба|отдел|компани\w|магазин|банк|клиник\w|салон|сервис)(?!( \w+)?\?)",
    r"(оператор|менеджер|специалист|администратор)",
)
ASKS = (
    r"(i'm|i am|i was) (looking|trying|wondering|having)",
    r"(i'm|i am|i was) (calling|phoning)(?! you| from| on behalf)",
    r"i (need|want|have a|ordered|bought|would like|wanted|got)",
    r"i'd like",
    r"about (my|our) \w+",
    r"(do|have) you (have|got|sell|do)",
    r"(my|the) \w+ (is|was|has|have) (broken|not|n't|stopped|late|wrong|missing)",
    r"(?<!вы )(хочу|хотел\w?|хотим|заказывал\w?|купил\w?|покупал\w?)",
    r"звоню(?!( вам)? (из|по поводу ваш))",
    r"(мне|нам) (нуж(ен|н\w+)|надо|необходим\w+|бы)",
    r"у меня (вопрос|проблема|сломал\w+|не)",
    r"(у вас есть|есть ли у вас|можно (узнать|записаться|заказать))",
)


def with_roles(turns: Sequence[Turn]) -> list[Turn]:
    """Turns of two speakers under their roles where these are likely, else as they are."""
    agent = find_agent(turns)
    if agent is None:
        return list(turns)
    return [replace(t, speaker=AGENT if t.speaker == agent else CUSTOMER) for t in turns]


def find_agent(turns: Iterable[Turn]) -> str | None:
    """Whichever of two speakers is likely the agent; None for one speaker, and where in doubt."""
    said: dict[str, list[str]] = defaultdict(list)
    for turn in turns:
        said[turn.speaker].extend(turn.text.split())
    if len(said) != 2:
        return None
    sounds = {name: _like_agent(words[:OPENING_WORDS]) for name, words in said.items()}
    agent, other = sorted(sounds, key=lambda name: -sounds[name])
    likely = sounds[agent] - sounds[other] >= SURE and sounds[agent] > 0
    return agent if likely and sounds[other] < SURE else None


def _like_agent(words: Sequence[str]) -> int:
    text = re.sub(r"[^\w'? ]+", " ", " ".join(words).replace("’", "'"))
    text = re.sub(r" +", " ", text)
    offers, introduces, asks = (
        sum(bool(re.search(rf"\b(?:{cue})\b", text, re.IGNORECASE)) for cue in cues)
        for cues in (OFFERS, INTRODUCES, ASKS)
    )
    return 2 * offers + introduces - min(asks, 2)
