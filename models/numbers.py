"""When two texts are one telephone number. Pure: text in, text out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

# `"Al" <sip:+44...@host>`, as telephone systems write who calls: what stands in the brackets.
_NAMED = re.compile(r'(?:"[^"]*"\s*|[^<>"]*)<([^<>]*)>')
# `sip:+44...@host`, `tel:+44...;ext=1`: what of an address is the number.
_ADDRESS = re.compile(r"(?:tel|sips?|callto):(?://)?([^@;?]*)", re.IGNORECASE)
# Digits, and what people and machines write between them.
_NUMBER = re.compile("\\+?[\\d\\s()\\[\\]./~\\-\u2010-\u2015\u2212]*")
# As the trunk prefix 8 of Russia and Kazakhstan stands before a number of theirs: 8 495 ..., 8 800
# ..., 8 921 ..., 8 701 ... Others that begin so are written with + or 00.
_TRUNK_8 = re.compile(r"8[34789]\d{9}")
MIN_ABROAD_DIGITS = 12
# Shorter numbers in metadata are extensions, orders, years; longer ones than telephones have, too.
METADATA_DIGITS = range(7, 16)


def number_key(text: str) -> str:
    """What is the same for all ways to write a number: its digits, with the country's code where it
    was given. `+7 495 123-45-67`, `8 (495) 1234567` and `"Al" <sip:0074951234567@pbx>` are
    74951234567.

    Text that is no number, such as a name, is its own key.
    """
    # What people paste has marks of the direction of writing around it, which nobody sees.
    plain = "".join(letter for letter in text if unicodedata.category(letter) != "Cf").strip()
    if named := _NAMED.fullmatch(plain):
        plain = named[1].strip()
    if address := _ADDRESS.match(plain):
        plain = address[1].strip()
    if plain.startswith(("+", "00")):
        plain = plain.replace("(0)", "")  # that is dialled at home only
    digits = "".join(str(int(letter)) for letter in plain if letter.isdecimal())
    if not digits or not _NUMBER.fullmatch(plain):
        return text
    if digits.startswith("00") and len(digits) >= MIN_ABROAD_DIGITS:
        return digits[2:]
    if not plain.startswith("+") and _TRUNK_8.fullmatch(digits):
        return f"7{digits[1:]}"
    return digits


def numbers_of_call(
    *, caller: str | None, line: str | None, direction: str | None, details: Mapping[str, Any]
) -> set[str]:
    """The keys of the numbers by which a call is somebody's: the caller's, the number dialled where
    the call went out, and what in the metadata can be a number.
    """
    known = [caller, line if direction == "outbound" else None]
    found = {number_key(text) for text in known if text}
    for value in details.values():
        if isinstance(value, str) or type(value) is int:
            key = number_key(str(value))
            if key.isdecimal() and len(key) in METADATA_DIGITS:
                found.add(key)
    return found
