"""The lexicons that come with Overtone: how many terms, what is found, what is left alone."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import pytest

from lexicons.lexicon import ABUSIVE_GRADES, Lexicon, Term, shipped, validate
from lexicons.matcher import Matcher

CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return Matcher(shipped())


def hits(matcher: Matcher, text: str) -> list[tuple[str, str]]:
    return [(match.lexicon, match.matched) for match in matcher.find(text)]


def by_name(name: str) -> Lexicon:
    return next(lexicon for lexicon in shipped() if lexicon.name == name)


def covers(lexicon: Lexicon, term: Term, form: str) -> bool:
    """Whether the other phrases of a term find the whole of a form."""
    text, *forms = (phrase for phrase in term.phrases if phrase != form)
    alone = replace(term, text=text, forms=tuple(forms), unless=())
    found = Matcher([replace(lexicon, terms=(alone,))]).find(form)
    return form in [match.matched for match in found]


def test_the_three_lexicons_are_there() -> None:
    assert [lexicon.name for lexicon in shipped()] == ["product", "abusive", "praise"]
    assert all(lexicon.purpose == lexicon.name for lexicon in shipped())


@pytest.mark.parametrize(("name", "least"), [("product", 60), ("abusive", 150), ("praise", 150)])
def test_they_are_of_useful_size_in_both_languages(name: str, least: int) -> None:
    lexicon = by_name(name)
    assert len(lexicon.terms) >= least
    phrases = [phrase for term in lexicon.terms for phrase in term.phrases]
    russian = sum(bool(CYRILLIC.search(phrase)) for phrase in phrases)
    assert min(russian, len(phrases) - russian) > len(phrases) / 4


def test_they_are_valid() -> None:
    for lexicon in shipped():
        validate(lexicon)


@pytest.mark.parametrize("russian", [False, True])
def test_every_grade_of_abuse_is_covered_in_both_languages(russian: bool) -> None:
    terms = [
        term for term in by_name("abusive").terms if bool(CYRILLIC.search(term.text)) is russian
    ]
    grades = Counter(term.grade for term in terms)
    assert set(grades) == set(ABUSIVE_GRADES)
    assert min(grades.values()) >= 15


def test_only_customers_praise() -> None:
    assert {term.speaker for term in by_name("praise").terms} == {"customer"}


def test_praise_minds_denial() -> None:
    assert {term.negatable for term in by_name("praise").terms} == {None}


def test_no_form_is_listed_that_an_inflection_of_another_covers() -> None:
    listed = [
        form
        for lexicon in shipped()
        for term in lexicon.terms
        if term.mode == "stem"
        for form in term.forms
        if covers(lexicon, term, form)
    ]
    assert listed == []


def test_every_phrase_finds_its_own_lexicon(matcher: Matcher) -> None:
    for lexicon in shipped():
        for term in lexicon.terms:
            for phrase in term.phrases:
                assert lexicon.name in [found.lexicon for found in matcher.find(phrase)], phrase


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Do you have bearing number two oh four?", ["bearing number two oh four"]),
        ("I want a bearing no 204.", ["bearing no 204"]),
        ("Двести четвёртый подшипник есть?", ["Двести четвёртый подшипник"]),
        ("подшипник номер двести четыре", ["подшипник номер двести четыре"]),
        ("a sixty two oh four two RS", ["sixty two oh four two RS"]),
        ("a 6204-2RS and a torque wrensh", ["6204-2RS", "torque wrensh"]),
        ("подшипник шариковый 6204, два эр эс", ["подшипник шариковый 6204, два эр эс"]),
        ("six two oh four double z", ["six two oh four double z"]),
        ("a bearing size 204 and m ten bolts", ["bearing size 204", "m ten bolts"]),
        ("the bearing is 205 dollars", ["bearing"]),
        ("подшипник за 305 рублей", ["подшипник"]),
        ("нужны подшипники и зубила", ["подшипники", "зубила"]),
        ("angle grinders, drills", ["angle grinders", "drills"]),
        ("нужна болгарка, дрель и набор ключей", ["болгарка", "дрель", "ключей"]),
    ],
)
def test_products_are_found(matcher: Matcher, text: str, expected: list[str]) -> None:
    assert hits(matcher, text) == [("product", matched) for matched in expected]


@pytest.mark.parametrize(
    ("text", "grades"),
    [
        ("You are useless idiots!", ["mild", "mild"]),
        ("What the hell, you fucking idiots", ["mild", "strong"]),
        ("This is bullshit, I'll sue you", ["strong", "threat"]),
        ("You will hear from my lawyer, you bastards", ["threat", "strong"]),
        ("I know where you live", ["threat"]),
        ("Learn to speak English", ["discriminating"]),
        ("Вы идиоты, я на вас в суд подам!", ["mild", "threat"]),
        ("да пошли вы на хуй, суки", ["strong", "strong"]),
        ("какие же вы дебилы, полный пиздец", ["mild", "strong"]),
        ("Я тебе морду набью, урод", ["threat", "strong"]),
        ("заткнись, чурка", ["mild", "discriminating"]),
        ("You idiot, I am calling the boss. You stupid, stupid people!", ["mild"] * 3),
        ("Rip your head off, I will, you pricks", ["threat", "strong"]),
        ("Do you even speak English? Go back to India!", ["discriminating"] * 2),
        ("Идиоты, я устал. Дебилами работают дебилы.", ["mild"] * 3),
        ("Вам не поздоровится, вы мне за это ответите!", ["threat"] * 2),
        ("Нерусь! Позовите русского, инвалиды умственные!", ["discriminating"] * 3),
    ],
)
def test_abuse_is_found_with_its_grade(matcher: Matcher, text: str, grades: list[str]) -> None:
    assert [match.grade for match in matcher.find(text) if match.lexicon == "abusive"] == grades


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Thank you so much, you've been very helpful.", 2),
        ("You have been so helpful. Excellent service!", 2),
        ("I can't thank you enough, you are a star", 2),
        ("you couldn't have been more helpful", 1),
        ("Спасибо огромное, вы мне очень помогли!", 2),
        ("Девушка, какая вы умница, я очень довольна", 2),
        ("Отличный сервис, всем буду советовать", 2),
    ],
)
def test_praise_is_found(matcher: Matcher, text: str, expected: int) -> None:
    assert [name for name, _ in hits(matcher, text)] == ["praise"] * expected


@pytest.mark.parametrize(
    "text",
    [
        "Thank you, bye. Thanks a lot. Great, perfect, lovely.",
        "Спасибо, до свидания. Спасибо большое. Хорошо, отлично.",
        "I am not happy and you were not very helpful.",
        "Вы мне не помогли. Я не очень довольна.",
        "That would be very helpful. So help me with this, please.",
        "Когда вы решите мою проблему? Вам очень понравится. Вы лучше перезвоните.",
        "Bear with me. I'll be back in a moment. He'll find you. We're here.",
        "The duck is shut in the class. Count on the assistant. Hello, shell, Scunthorpe.",
        "The screw you sold me got lost in the post, I'll shoot you an email.",
        "Where can I pick it up? I am waiting for you outside.",
        "A thief stole my card and a fraudster used it.",
        "У меня украли карту мошенники, отвалилась ручка, подошла зарплата. Я дебет проверил.",
        "Хлеб, рубль, оскорблять, потреблять, команда, психология, сукно, мандарин, хребет.",
        "Оцените разговор по шкале от одного до пяти баллов.",
        "Это стоит шесть тысяч рублей. It is six thousand dollars.",
        "What an idiot I am! I'm so stupid, I was such a moron. A stupid question, my bad.",
        "I feel like an idiot. I am not a liar. I'll shut up now.",
        "Is it idiot proof? Does it clean soap scum? A bastard file, a damn good killer deal.",
        "Какой я дурак! Я дура, не так нажала. Я такой идиот, чувствую себя дураком.",
        "Есть защита от дурака? Сколько стоит клоун на праздник? Вам конец месяца подойдёт?",
        "The report you sent me is wrong. I will find you a new one. I tracked you down.",
        "Когда вы мне ответите? Вы не пожалеете об этом. Интернет падал. Вы мне кидали ссылку.",
        "Мне дурно. Всё кончено. Вы уже достали карту? Звонит Козлов, а не Дуров. Из Нигерии.",
        "as easy as one two three, no one else, number one priority",
    ],
)
def test_ordinary_talk_is_left_alone(matcher: Matcher, text: str) -> None:
    assert hits(matcher, text) == []
