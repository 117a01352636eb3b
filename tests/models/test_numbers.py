"""One number is one key, however it is written, and two numbers are two."""

from __future__ import annotations

import pytest

from models.numbers import number_key, numbers_of_call


@pytest.mark.parametrize(
    ("texts", "key"),
    [
        (
            [
                *("+7 495 123-45-67", "84951234567", "8 (495) 123.45.67", "7 495 1234567"),
                *("007 495 123 45 67", "tel:+7-495-123-45-67;ext=12"),
                *("sip:84951234567@10.0.0.1:5060", " +7\u00a0(495)\u202f123\u201345\u221267 "),
            ],
            "74951234567",
        ),
        (
            [
                *('"Al 2" <sip:+442079460100@pbx>', "Al <+44 20 7946 0100>", "<442079460100>"),
                *("\u202a+442079460100\u202c", "\u200e+44 20 7946\u200b0100"),
            ],
            "442079460100",
        ),
        (["8 800 555-35-35", "+7 (800) 555 35 35"], "78005553535"),
        (["8 701 123 45 67", "+7 701 123 45 67"], "77011234567"),
        (
            ["+44 20 7946 0100", "442079460100", "0044 (0) 20 7946/0100", "+44 (0)2079460100"],
            "442079460100",
        ),
        (["٠٢٠٧٩٤٦٠١٠٠", "020 7946 0100"], "02079460100"),
        (["204", "2-0-4", "sip:204@pbx"], "204"),
        (["8204", "8 204"], "8204"),
    ],
)
def test_one_number_has_one_key(texts: list[str], key: str) -> None:
    assert {text: number_key(text) for text in texts} == dict.fromkeys(texts, key)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("+84951234567", "+74951234567"),  # Vietnam
        ("0084951234567", "84951234567"),
        ("+81 3 1234 5678", "+71 3 1234 5678"),
        ("81312345678", "71312345678"),
        ("020 7946 0100", "+44 20 7946 0100"),
        ("849512345678", "749512345678"),
        ("00204", "204"),
        ("Alice 2", "2"),
        ("2 Alice", "2"),
        ("*67", "67"),
        ("1+2", "12"),
        # As docs/records.md says.
        ("+44 20 7946 0100 ext. 5", "+44 20 7946 0100"),
        ("+44 20 7946 0100;ext=5", "+44 20 7946 0100"),
        ("whatsapp:+442079460100", "+442079460100"),
        ("+442079460100@pbx", "+442079460100"),
        ("011 44 20 7946 0100", "+44 20 7946 0100"),
        ("(+44) 20 7946 0100", "+44 20 7946 0100"),
        ("anonymous", "Anonymous"),
    ],
)
def test_two_numbers_are_two(one: str, other: str) -> None:
    assert number_key(one) != number_key(other)


@pytest.mark.parametrize(
    "text", ["", " ", "+", "()", "anonymous", "sip:alice@pbx", "Al 2 <al@pbx>", "5-я"]
)
def test_what_is_no_number_is_its_own_key(text: str) -> None:
    assert number_key(text) == text


def test_a_call_is_of_whom_it_came_from_went_out_to_and_names() -> None:
    def numbers(**known: object) -> set[str]:
        plain = {"caller": None, "line": None, "direction": None, "details": {}}
        return numbers_of_call(**(plain | known))  # type: ignore[arg-type]

    assert numbers() == set()
    assert numbers(caller="8 495 123-45-67") == {"74951234567"}
    assert numbers(caller="anonymous", line="204") == {"anonymous"}
    assert numbers(line="204", direction="inbound") == set()
    assert numbers(line="+44 20 7946 0100", direction="outbound") == {"442079460100"}
    details = {"ani": "+7 (495) 123-45-67", "mobile": 79161234567, "site": "www.example.com"}
    odd = {"order": "204711", "true": True, "paid": 1234567.0, "none": None, "long": "1" * 16}
    text = {"note": "call +44 20 7946 0100 back"}
    assert numbers(details=details | odd | text) == {"74951234567", "79161234567"}
