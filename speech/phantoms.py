"""Words that Whisper writes and nobody says: loops, subtitle credits, captions of sounds, and what
it makes of noise.

Knows no model. Whisper learned from subtitles, whose writers sign their work, thank for watching
and describe music; where it hears little, it writes that down, or the same words over and over.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

# So many times in a row the same words are a loop: one word, and two to LONGEST words.
LOOPS_OF_ONE, LOOPS, LONGEST = 8, 4, 12
# Where the detector never reaches the first, and Whisper's words the second on average, there is
# noise (docs/performance.md).
SURE_OF_SPEECH, SURE_OF_WORDS = 0.6, 0.55
# Shorter words in capitals are abbreviations, and "OK".
SHORTEST_CAPITALS = 6
_ENDS = (".", "?", "!", "…")

# Whole sentences that nobody says on the telephone.
_CREDITS = (
    r"(subtitles|subtitled|captions|captioned|captioning|transcription|transcribed|translation"
    r"|translated|subs) (by|provided by|made by|sponsored by|made possible by)( \w+){1,6}",
    r".*\b(amara org|opensubtitles|dimatorzok|dima torzok|castingwords|esoftner)\b.*",
    r"(please )?(don't forget to )?(like )?(share )?(and )?subscribe"
    r"( to (my|our|the|this) channel| for more( videos)?)?"
    r"( and (hit|click|press) the (like|bell)( button| icon)?)?",
    r"(thanks|thank you)( so much| very much)? for watching( (this|my|the|our))?( videos?)?",
    r"(i'll )?see you (guys )?in the next (video|episode|one)",
    r"субтитры( и перевод)? (сделал|создавал|создал|делал|подготов\w+|подогнал|предоставил|добавил)"
    r"\w* .*",
    r"(редактор|корректор)( субтитров)?( \w){1,2} \w+( (редактор|корректор)( \w){1,2} \w+)?",
    r"продолжение следует",
    r"(не забудьте )?(подписаться|подписывайтесь|подпишитесь|подпишись)"
    r" на (мой |наш |этот )?канал( чтобы не пропустить( \w+){0,2} видео)?",
    r"(по)?ставь(те)? лайки?",
    r"(всем )?спасибо( вам)?( большое)? за просмотр( этого)?( видео| ролика)?",
    r"спасибо за субтитры \w+ \w+",
    r"смотрите продолжение .*",
    r"до встречи в (следующ|нов)\w+ (видео|выпуск\w*|сери\w+)",
)
# Sounds described: left out in capitals or brackets, or where the detector is not sure of speech.
_CAPTIONS = (
    r"(\w+ ){0,3}музыка",
    r"(телефонный |дверной )?(звонок|звук|гудок|гудки|сигнал)( в дверь| телефона)?",
    r"аплодисменты|смех|тишина|вздох|шум",
    r"(\w+ ){0,2}music( playing)?|(phone |telephone |bell )?(ringing|rings|beeps?|beeping)",
    r"applause|laughter|silence|blank audio|no audio|inaudible|foreign( language)?|sighs?|static",
)


def _any(patterns: Sequence[str]) -> re.Pattern[str]:
    one = "|".join(f"(?:{pattern})" for pattern in patterns)
    return re.compile(f"(?:{one})(?: (?:and |и )?(?:{one}))*")


_CREDIT, _CAPTION = _any(_CREDITS), _any(_CAPTIONS)
# Whole sentences in brackets or between notes describe a sound, whatever they say; digits in
# brackets are a telephone number.
_DESCRIBED = re.compile(r"[\[(*♪]\D*[])*♪]\W*")
_INITIAL = re.compile(r"[A-ZА-ЯЁ]\.")


@dataclass(frozen=True, slots=True)
class Said:
    """A word as far as this module looks at it: text, probability, and how sure the detector is,
    at its surest around it, that somebody speaks (0 to 1).
    """

    text: str
    probability: float
    speech: float


def phantoms(words: Sequence[Said]) -> set[int]:
    """Places of words that nobody said, among the consecutive words of one window."""
    dropped = _looping([_plain(word.text) for word in words])
    for first, last in _sentences(words):
        places = [place for place in range(first, last) if place not in dropped]
        if places and _is_phantom([words[place] for place in places]):
            dropped.update(places)
    return dropped


def _is_phantom(sentence: Sequence[Said]) -> bool:
    written = " ".join(word.text for word in sentence)
    text = _plain(written)
    if not text or _CREDIT.fullmatch(text) or _DESCRIBED.fullmatch(written):
        return True
    sure = max(word.speech for word in sentence) >= SURE_OF_SPEECH
    if _CAPTION.fullmatch(text) and (not sure or written.isupper() or written[0] in "[(*♪"):
        return True
    mean = sum(word.probability for word in sentence) / len(sentence)
    capitals = written.isupper() and len(text) >= SHORTEST_CAPITALS
    return not sure and (mean < SURE_OF_WORDS or capitals)


def _looping(words: Sequence[str]) -> set[int]:
    """Places of the repetitions after the first, where there are too many to have been said."""
    dropped: set[int] = set()
    place = 0
    while place < len(words):
        for length in range(1, LONGEST + 1):
            unit = words[place : place + length]
            times = 1
            while words[place + times * length : place + (times + 1) * length] == unit:
                times += 1
            if times >= (LOOPS_OF_ONE if length == 1 else LOOPS):
                dropped.update(range(place + length, place + times * length))
                place += times * length - 1
                break
        place += 1
    return dropped


def _sentences(words: Sequence[Said]) -> list[tuple[int, int]]:
    """Where sentences begin and end, by their marks; what stands in brackets is one of its own."""
    borders = {0, len(words)}
    for place, word in enumerate(words):
        if word.text.startswith(("[", "(")):
            borders.add(place)
        ends = word.text.rstrip("\"'»”)]").endswith(_ENDS) and not _INITIAL.fullmatch(word.text)
        if ends or word.text.rstrip(".,!?").endswith(("]", ")")):
            borders.add(place + 1)
    return list(pairwise(sorted(borders)))


def _plain(text: str) -> str:
    return " ".join(re.findall(r"(?:[^\W_]|')+", text.lower().replace("’", "'").replace("ё", "е")))
