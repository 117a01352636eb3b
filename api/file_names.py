"""Metadata from the names of recordings, as telephone systems write them.

A pattern is text with fields in braces, such as `{started_at:%Y%m%d-%H%M%S}_{caller}_{line}`. A
field ends where the text behind it first comes, the last one takes the rest; none takes a slash. A
pattern with slashes is held against as many folders, one without against the file's name; the
suffix is left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from models.call import CallPush

ANYTHING = "_"
METADATA = "metadata."
FIELDS = tuple(name for name in CallPush.model_fields if name != "metadata")
# Of strptime's directives, those whose length is known.
DIRECTIVES = {
    "Y": r"\d{4}",
    "y": r"\d{2}",
    "m": r"\d{2}",
    "d": r"\d{2}",
    "j": r"\d{3}",
    "H": r"\d{2}",
    "I": r"\d{2}",
    "M": r"\d{2}",
    "S": r"\d{2}",
    "f": r"\d{1,6}",
    "p": r"[AaPp][Mm]",
    "z": r"[+-]\d{4}",
    "%": "%",
}


class PatternError(Exception):
    """The pattern cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class NamePattern:
    """A pattern made ready: the expression, the field of each of its groups, and how a time is
    written.
    """

    expression: re.Pattern[str]
    fields: tuple[str, ...]
    time_format: str
    folders: int

    @classmethod
    def parse(cls, text: str) -> NamePattern:
        """Raises `PatternError`."""
        begin, *rest = re.split(r"\{([^{}]*)\}", text)
        inside, behind = rest[::2], rest[1::2]
        if not inside:
            raise PatternError("there is no field in it, such as {caller}")
        if any(brace in "".join([begin, *behind]) for brace in "{}"):
            raise PatternError("a brace is opened or closed alone")
        names, _, forms = zip(*(piece.partition(":") for piece in inside), strict=True)
        _check(names, forms)
        expression = re.escape(begin)
        for number, (form, after) in enumerate(zip(forms, behind, strict=True)):
            last = number == len(names) - 1
            literal = re.escape(after)
            if form:
                expression += f"({_time_expression(form)}){literal}"
            elif after and not last:
                # Nothing is tried twice: a long name that does not fit is seen at once.
                expression += f"(?>([^/]+?){literal})"
            elif last or forms[number + 1]:
                expression += f"([^/]+?){literal}"
            else:
                raise PatternError(f"nothing stands between {{{names[number]}}} and the next field")
        return cls(re.compile(expression), names, "".join(forms), text.count("/"))

    def read(self, name: str) -> dict[str, Any] | None:
        """The fields of a push that a recording's name, relative to its folder, tells; None where
        it does not fit.
        """
        parts = PurePosixPath(name).with_suffix("").parts
        match = self.expression.fullmatch("/".join(parts[-1 - self.folders :]))
        if match is None:
            return None
        told: dict[str, Any] = {}
        metadata: dict[str, str] = {}
        for field, value in zip(self.fields, match.groups(), strict=True):
            if field.startswith(METADATA):
                metadata[field.removeprefix(METADATA)] = value
            elif field == "started_at":
                moment = self._moment(value)
                if moment is None:
                    return None
                told[field] = moment.isoformat()
            elif field != ANYTHING:
                told[field] = value
        return told | ({"metadata": metadata} if metadata else {})

    def _moment(self, text: str) -> datetime | None:
        try:
            moment = (
                datetime.strptime(text, self.time_format)
                if self.time_format
                else datetime.fromisoformat(text)
            )
        except ValueError:
            return None
        # A telephone system that writes no time zone means the one it stands in.
        return moment if moment.tzinfo else moment.astimezone()


def _check(names: Sequence[str], forms: Sequence[str]) -> None:
    for name, form in zip(names, forms, strict=True):
        if not (
            name in FIELDS or name == ANYTHING or name.removeprefix(METADATA) not in ("", name)
        ):
            raise PatternError(
                f"{{{name}}} is no field; there are {', '.join(FIELDS)}, {METADATA}NAME for "
                f"anything else, and {ANYTHING} for what is not wanted"
            )
        if form and name != "started_at":
            raise PatternError(f"{{{name}}} takes no format; only started_at does")
        if name != ANYTHING and names.count(name) > 1:
            raise PatternError(f"{{{name}}} stands in it twice")


def _time_expression(form: str) -> str:
    pieces = re.split(r"%(.?)", form)
    for number, directive in enumerate(pieces):
        if number % 2 == 0:
            pieces[number] = re.escape(directive)
        elif directive in DIRECTIVES:
            pieces[number] = DIRECTIVES[directive]
        else:
            known = " ".join(f"%{letter}" for letter in DIRECTIVES)
            raise PatternError(f"%{directive} is not understood in a time; {known} are")
    return "".join(pieces)
