"""Who only listens is told from who has something to say."""

from __future__ import annotations

import pytest

from speech.backchannels import is_backchannel


@pytest.mark.parametrize(
    "text",
    [
        "mm-hm",
        "Mm-hmm.",
        "Mhm.",
        "Uh-huh.",
        "uhhuh",
        "Yeah.",
        "Yeahhh!",
        "Yes.",
        "Okay.",
        "OK, I see.",
        "All right.",
        "Oh, really?",
        "Yeah, right, of course.",
        "Yeah, yeah, yeah, yeah, yeah.",
        "Угу.",
        "Ага, ага.",
        "М-м-м-м.",
        "Ммм...",
        "Да-да-да-да!",
        "Ну да, конечно.",
        "Хорошо, понятно.",
        "Да, okay.",
    ],
)
def test_whoever_says_only_this_listens(text: str) -> None:
    assert is_backchannel(text)


@pytest.mark.parametrize(
    "text",
    [
        "yes I want a refund",
        "Yes, but no.",
        "No.",
        "Wait!",
        "Hello?",
        "Okay, let me check.",
        "Right here.",
        "Sure thing.",
        "I see you.",
        "Of course not.",
        "Yesterday.",
        "Your order.",
        "Да, верните деньги.",
        "Нет.",
        "Хорошо бы.",
        "Так нельзя.",
        "Подождите!",
        "204",
    ],
)
def test_whoever_says_more_has_something_to_say(text: str) -> None:
    assert not is_backchannel(text)


def test_three_of_them_still_listen_and_four_do_not() -> None:
    assert is_backchannel("Yes, okay, sure.")
    assert not is_backchannel("Yes, okay, sure, right.")


@pytest.mark.parametrize("text", ["", " ", "...", "—"])
def test_nothing_said_is_no_backchannel(text: str) -> None:
    assert not is_backchannel(text)
