"""What Whisper makes up goes, what people say stays; loops collapse as one regular expression has
it.
"""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.phantoms import LONGEST, LOOPS, LOOPS_OF_ONE, Said, phantoms


def kept(text: str, *, probability: float = 0.99, speech: float = 1.0) -> str:
    """What stays of a window of these words, all equally probable."""
    words = [Said(word, probability, speech) for word in text.split()]
    dropped = phantoms(words)
    return " ".join(word.text for place, word in enumerate(words) if place not in dropped)


# Credits and captions

CREDITS = [
    "Subtitles by the Amara.org community",
    "Captioning sponsored by CBS",
    "Transcription by CastingWords",
    "Transcribed by https://otter.ai",
    "Thanks for watching!",
    "Thank you so much for watching.",
    "Thanks for watching, and I'll see you in the next video.",
    "Please subscribe to my channel.",
    "Like, share and subscribe!",
    "Don't forget to subscribe, and hit the bell icon.",
    "Субтитры сделал DimaTorzok",
    "Субтитры создавал DimaTorzok",
    "Субтитры и перевод сделал DimaTorzok",
    "Редактор субтитров А.Семкин Корректор А.Егорова",
    "Редактор субтитров А. Сёмкин Корректор А. Егорова",
    "Корректор А.Кулакова",
    "Спасибо за субтитры Алексею Дубровскому!",
    "Продолжение следует...",
    "Смотрите продолжение в следующей серии...",
    "Спасибо за просмотр!",
    "Всем спасибо за просмотр этого видео.",
    "Подписывайтесь на наш канал и ставьте лайки!",
    "Ставьте лайки и подписывайтесь на канал!",
]
CAPTIONS = [
    "ТРЕВОЖНАЯ МУЗЫКА",
    "ЗВОНОК В ДВЕРЬ",
    "АПЛОДИСМЕНТЫ",
    "[МУЗЫКА]",
    "[Music]",
    "[MUSIC PLAYING]",
    "(upbeat music)",
    "*music*",
    "♪ music ♪",
    "♪♪♪",
    "♪ la la la ♪",
    "[BLANK_AUDIO]",
    "[Phone ringing]",
    "(laughs)",
    "[typing]",
    "(speaking in foreign language)",
]


@pytest.mark.parametrize("text", CREDITS + CAPTIONS)
@pytest.mark.parametrize("times", [1, 2, 3])
def test_credits_and_captions_go_however_sure_whisper_is(text: str, times: int) -> None:
    assert kept(" ".join([text] * times)) == ""


@pytest.mark.parametrize("text", CREDITS)
def test_credits_go_in_capitals_and_without_marks(text: str) -> None:
    assert kept(text.upper()) == ""
    assert kept(text.rstrip(".!")) == ""


@pytest.mark.parametrize(
    "phantom", [*CREDITS[4:7], "Продолжение следует...", "[Music]", "(laughs)"]
)
def test_what_was_said_before_and_after_a_phantom_stays(phantom: str) -> None:
    assert kept(f"Where is my order? {phantom}") == "Where is my order?"
    assert kept(f"{phantom} Where is my order?") == "Where is my order?"


def test_what_stands_in_brackets_goes_out_of_the_midst_of_a_sentence() -> None:
    assert kept("Well, [typing] let me see.") == "Well, let me see."
    assert kept("Hold on (phone ringing) please.") == "Hold on please."


@pytest.mark.parametrize(
    "text",
    [
        "Thank you for watching over my order while I was away.",
        "I subscribe to your newsletter",
        "Subtitles from the film are missing on my disc.",
        "Captions from your shop are wrong.",
        "The transcript from the last call, please.",
        "Translation from English costs extra.",
        "I hear music on the line.",
        "Music.",
        "Silence.",
        "Thank you.",
        "Bye.",
        "(495) 123-45-67.",
        "My number is (495) 123-45-67.",
        "SKF",
        "VAT",
        "МТС",
        "ИНН КПП",
        "Спасибо большое.",
        "Спасибо за просмотр квартиры, мы подумаем.",
        "Спасибо за просмотр договора.",
        "Подпишитесь на наш канал в Телеграме, там скидки.",
        "Корректор у нас Петрова.",
        "Продолжение следует обсудить завтра.",
        "До встречи в новом офисе.",
        "у вас в салоне играет музыка?",
        "У меня звонок.",
        "Шум.",
    ],
)
def test_what_people_say_stays_where_somebody_speaks(text: str) -> None:
    assert kept(text) == text


# What is not sure


@pytest.mark.parametrize(
    ("probability", "speech", "stays"),
    [(0.3, 0.4, False), (0.54, 0.59, False), (0.3, 0.6, True), (0.55, 0.4, True), (0.9, 0.1, True)],
)
def test_unsure_words_go_from_unsure_places(probability: float, speech: float, stays: bool) -> None:
    text = "hello anybody there"

    assert kept(text, probability=probability, speech=speech) == (text if stays else "")


@pytest.mark.parametrize("text", ["Музыка.", "Аплодисменты.", "Quiet music", "ШУМ МОТОРА"])
def test_captions_and_capitals_need_a_sure_place(text: str) -> None:
    assert kept(text, speech=0.4) == ""
    assert kept(text, speech=0.9) == text


@pytest.mark.parametrize("text", ["SKF", "ПОКА", "OK."])
def test_short_words_in_capitals_stay_anywhere(text: str) -> None:
    assert kept(text, speech=0.4) == text


def test_a_sentence_goes_or_stays_as_a_whole() -> None:
    spoken = [Said("Good", 0.2, 0.9), Said("morning.", 0.2, 0.4)]
    noise = [Said("Good", 0.9, 0.4), Said("evening.", 0.1, 0.4)]

    assert phantoms(spoken + noise) == {2, 3}
    assert phantoms(noise + spoken) == {0, 1}


@pytest.mark.parametrize("text", ["...", "—", "♪", "-  -"])
def test_marks_without_words_go(text: str) -> None:
    assert kept(text) == ""


def test_no_words_have_no_phantoms() -> None:
    assert phantoms([]) == set()


# Loops


@pytest.mark.parametrize(
    ("unit", "times"),
    [
        ("no", LOOPS_OF_ONE),
        ("Да.", 20),
        ("thank you", LOOPS),
        ("I don't know.", LOOPS),
        ("Алло, вы меня слышите?", 6),
        ("one two three four five six seven eight nine ten eleven twelve", LOOPS),
    ],
)
def test_a_loop_keeps_its_first(unit: str, times: int) -> None:
    assert kept(" ".join([unit] * times)) == unit
    assert kept(f"well, {' '.join([unit] * times)} goodbye") == f"well, {unit} goodbye"


def test_a_loop_runs_across_marks_and_capitals() -> None:
    assert kept("So good. So good so good! SO good? Next") == "So good. Next"


@pytest.mark.parametrize(
    "text",
    [
        "no no no no",
        "no no no no no no no",
        "Hello? Hello? Hello? Hello?",
        "thank you thank you thank you",
        "восемь восемьсот пять пять пять тридцать пять тридцать пять",
    ],
)
def test_people_repeat_themselves_a_little(text: str) -> None:
    assert kept(text) == text


LOOP = re.compile(
    "|".join(
        rf"((?:\w ){{{length}}})\{length}{{{(LOOPS_OF_ONE if length == 1 else LOOPS) - 1},}}"
        for length in range(1, LONGEST + 1)
    )
)


def without_loops(letters: str) -> str:
    """The obvious way: one regular expression over words of one letter, tried from the left."""
    return LOOP.sub(lambda found: found.group(found.lastindex or 0), letters)


@st.composite
def looping(draw: st.DrawFn) -> str:
    parts = st.tuples(st.text("ab", min_size=1, max_size=4), st.integers(1, 12))
    return "".join(unit * times for unit, times in draw(st.lists(parts, max_size=5)))


@given(st.one_of(looping(), st.text("ab", max_size=60)))
def test_loops_collapse_as_the_obvious_way_has_it(letters: str) -> None:
    text = "".join(f"{letter} " for letter in letters)

    assert kept(text) == without_loops(text).strip()


WORDS = "my order came late and the box was open who pays for this now please tell me it can wait"


@given(st.permutations(sorted(set(WORDS.split()))), st.integers(0, 19), st.sampled_from(".?!,"))
def test_nothing_goes_from_words_that_are_sure_and_do_not_repeat(
    words: list[str], count: int, mark: str
) -> None:
    text = " ".join([*words[:count], words[count] + mark, *words[count + 1 :]])

    assert kept(text) == text
