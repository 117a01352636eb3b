"""The agent is known by what agents say, and nobody is called one where that is not likely."""

from __future__ import annotations

import pytest

from speech.conversation import Turn
from speech.roles import find_agent, with_roles
from tests.fakes import turn

Lines = tuple[str, ...]


def call(*lines: str) -> list[Turn]:
    """Turns from lines such as "A How can I help?"."""
    return [turn(line[0], 10.0 * n, line[2:]) for n, line in enumerate(lines)]


AGENT_ANSWERS: list[Lines] = [
    ("A Good morning, Northern Bearings, how can I help you?", "B Do you have bearing 204?"),
    ("A This is Alice from Northern Bearings. How may I help?", "B Hi, it's about an order."),
    ("A Thank you for calling Acme, this is Bob speaking.", "B Yes, hi, my order is late."),
    ("A Acme support, Bob speaking.", "B Hi Bob, I need some help with my drill."),
    ("A Hello, Acme, John here, what can I do for you?", "B Hey. Where is my order?"),
    ("A Hello, you've reached Acme, my name's Tom.", "B Hi Tom, I need to change my booking."),
    ("A Acme Pizza, can I take your order?", "B Yes, I'd like a large pizza."),
    ("A Hello. How can I be of assistance?", "B I want a refund."),
    ("A Acme, is there anything I can help you with?", "B Yes, I want a refund."),
    ("A What can I help you with?", "B My name is Peter Smith, and the drill is broken."),
    ("A Добрый день, компания Подшипник, чем могу помочь?", "B Мне нужен подшипник."),
    ("A Салон красоты, меня зовут Анна.", "B Добрый день, хотела бы записаться."),
    ("A Алло, интернет-магазин, слушаю вас.", "B Я вчера заказывал у вас дрель."),
    ("A Клиника, администратор Ольга.", "B Здравствуйте, можно записаться к врачу?"),
    ("A Служба поддержки, чем могу быть полезна?", "B У меня не работает интернет."),
    ("A Спасибо за звонок, как я могу к вам обращаться?", "B Пётр."),
    ("A Здравствуйте, что вас интересует?", "B Мне нужна дрель."),
    ("A Здравствуйте, что вам подсказать?", "B Подскажите, у вас есть дрели?"),
    ("A Здравствуйте, по какому вопросу звоните?", "B Хочу вернуть товар."),
]
# The customer speaks first, or the agent calls.
OTHER_IS_AGENT: list[Lines] = [
    ("A Hi, I need help with my bill.", "B Sure, how can I help you? May I have your name?"),
    ("A Hi, I'm calling about my car.", "B Of course. Can I get your name please?"),
    ("A Hello?", "B This is Anna from City Bank. Your call is being recorded."),
    ("A Hello?", "B My name is Anna, I'm calling from City Bank about your application."),
    ("A Yes?", "B This is Mark from Acme, I'm calling on behalf of City Bank."),
    ("A Алло.", "B Добрый день, меня зовут Анна, компания Ромашка. Вам удобно говорить?"),
    ("A Алло.", "B Здравствуйте, вас беспокоит банк Ромашка, специалист Ольга."),
    ("A Алло.", "B Меня зовут Анна, магазин Дрель. Вы заказывали у нас дрель?"),
    ("A Здравствуйте, мне нужна помощь.", "B Слушаю вас, чем могу помочь?"),
]


@pytest.mark.parametrize("lines", AGENT_ANSWERS)
def test_whoever_answers_for_a_company_is_the_agent(lines: Lines) -> None:
    assert find_agent(call(*lines)) == "A"


@pytest.mark.parametrize("lines", OTHER_IS_AGENT)
def test_the_agent_need_not_speak_first(lines: Lines) -> None:
    assert find_agent(call(*lines)) == "B"


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("A Hello?",),
        ("A Good morning, Acme Tools, how can I help you?",),
        ("A Hello?", "B Hello."),
        ("A Hello?", "B Hello?", "A Can you hear me?", "B Yes."),
        ("A Hi Jack, this is Jill.", "B Hi Jill, how are you?"),
        ("A Are you coming tonight?", "B I want to, but I have a meeting."),
        ("A Алло.", "B Алло."),
        ("A Привет, меня зовут Вася.", "B Привет, а меня Петя."),
        ("A Кто там?", "B Это я, мне нужно в магазин, у меня нет ключа."),
        # Both sound like agents: a call passed on to another.
        ("A How can I help you?", "B How can I help you? Thank you for calling."),
        ("A Чем могу помочь?", "B Компания Ромашка, чем могу помочь? Слушаю вас."),
        # Three speakers.
        ("A How can I help you?", "B I need a drill.", "C So do I."),
    ],
)
def test_nothing_is_claimed_where_it_is_not_likely(lines: Lines) -> None:
    turns = call(*lines)

    assert find_agent(turns) is None
    assert with_roles(turns) == turns


@pytest.mark.parametrize(
    "lines",
    [
        ("A Acme.", "B Hi, my name is John Smith and this is the third time that it broke."),
        ("A Hi.", "B I am speaking quietly, this is bad, my name is on the list."),
        ("A Hello, Acme.", "B Peter Smith speaking, calling from Leeds about my boiler."),
        ("A Алло.", "B Здравствуйте, это магазин Дрель? Меня зовут Иван."),
        # Called by the company, and polite.
        ("A Да, слушаю вас.", "B Иван Иванович? Я звоню вам по поводу вашей заявки."),
        ("A Слушаю вас.", "B Добрый день, это Анна, банк Ромашка."),
        ("A Да.", "B Девушка, это банк? Меня зовут Иван, это отдел кредитов?"),
    ],
)
def test_a_customer_who_introduces_himself_is_no_agent(lines: Lines) -> None:
    assert find_agent(call(*lines)) is None


def test_customers_say_their_names_too() -> None:
    name = "B Hello, my name is John Smith, I'm calling about my order."
    firm = "B Девушка, я от компании Вектор, мне нужен счёт."

    assert find_agent(call("A Acme.", name, "A Yes, how can I help?")) == "A"
    assert find_agent(call("A Алло.", firm, "A Чем могу помочь?")) == "A"


def test_only_what_is_said_first_counts() -> None:
    talk = "so then we went on and on "

    lines = call("A " + talk * 10 + "how can I help you?", "B I need a drill.")

    assert find_agent(lines) is None
    assert find_agent(call("A " + talk * 5 + "how can I help you?", "B I need a drill.")) == "A"


def test_marks_and_curly_apostrophes_are_no_obstacle() -> None:
    assert find_agent(call("A Hello, you’ve reached Acme!", "B I’d like a drill...")) == "A"


def test_turns_keep_their_words_and_order_under_their_roles() -> None:
    turns = call("X I need a drill.", "Y How can I help you?", "X A drill!")

    named = with_roles(turns)

    assert [t.speaker for t in named] == ["customer", "agent", "customer"]
    assert [t.words for t in named] == [t.words for t in turns]
