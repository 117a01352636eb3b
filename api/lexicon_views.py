"""The shapes of answers about lexicons: versions, terms, differences, precision, re-matchings, and
verdicts on hits.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from api.view import View
from lexicons.changes import Changes
from lexicons.lexicon import Lexicon, term_table
from lexicons.precision import LexiconPrecision


class HitVerdictView(View):
    """What somebody said of a hit."""

    right: bool = Field(description="Whether the term was really meant.", examples=[True])
    matched: str = Field(
        description="The words that it was given on.", examples=["bearing number 204"]
    )
    excerpt: str = Field(
        description="These words in brackets, and what was said around them, at that time.",
        examples=["Do you have [bearing number 204] in stock?"],
    )
    given_by: str | None = Field(
        description="The name of the key that it came with.", examples=["managers"]
    )
    given_at: datetime


class VersionView(View):
    """One version of a lexicon, without its terms."""

    version: int = Field(examples=[3])
    state: str = Field(description="`draft` or `published`.", examples=["published"])
    shipped: bool = Field(description="Whether it came with Overtone.", examples=[False])
    terms: int = Field(description="How many there are.", examples=[412])
    created_by: str | None = Field(description="The name of a key.", examples=["managers"])
    created_at: datetime
    published_by: str | None = Field(description="The name of a key.", examples=["managers"])
    published_at: datetime | None


class LexiconSummaryView(View):
    """A lexicon, the version that finds hits, and the draft that is worked on."""

    name: str = Field(examples=["product"])
    purpose: str = Field(examples=["product"])
    retired: bool = Field(description="A retired lexicon finds nothing.", examples=[False])
    current: VersionView | None
    draft: VersionView | None


class LexiconsView(BaseModel):
    """All lexicons, retired ones too, in the order in which they were added."""

    items: list[LexiconSummaryView]


class VersionsView(BaseModel):
    """The versions of a lexicon, newest first."""

    items: list[VersionView]


class TermView(BaseModel):
    """One term. What is left out is as usual: `README.md` says how terms are written."""

    text: str = Field(examples=["bearing 204"])
    forms: list[str] = Field(default_factory=list, examples=[["bearing 204 zz"]])
    grade: str | None = Field(None, examples=[None])
    mode: str = Field("fuzzy", examples=["fuzzy"], description="exact, stem, fuzzy or near.")
    note: str | None = Field(None, examples=["SKF and NSK"])
    within: int = Field(3, description="Words between those of a `near` term.", examples=[3])
    unless: list[str] = Field(
        default_factory=list,
        description="Phrases that speak against it where they are near.",
        examples=[["bearing in mind"]],
    )
    unless_within: int = Field(3, description="How many words away that is.", examples=[3])
    speaker: str = Field("either", description="agent, customer or either.", examples=["customer"])
    place: str | None = Field(
        None, description="Such as `first 30 s` or `last 20 %`.", examples=["last 20 %"]
    )
    negatable: bool | None = Field(
        None, description="No hit where it is denied; usual in praise.", examples=[None]
    )


class LexiconTable(BaseModel):
    """A lexicon as it is written: what a draft is made of."""

    name: str = Field(examples=["product"])
    purpose: str = Field(examples=["product"], description="product, abusive, praise or custom.")
    version: int = Field(1, examples=[3])
    terms: list[TermView]


class LexiconView(LexiconTable):
    """One version of a lexicon with its terms. Changed, it can be sent back as a draft."""

    @classmethod
    def of(cls, lexicon: Lexicon) -> LexiconView:
        return cls(
            name=lexicon.name,
            purpose=lexicon.purpose,
            version=lexicon.version,
            terms=[TermView.model_validate(term_table(term)) for term in lexicon.terms],
        )


class FieldChangeView(BaseModel):
    """A field before and after; null where it is as usual."""

    before: Any = Field(examples=["fuzzy"])
    after: Any = Field(examples=["stem"])


class ChangedTermView(BaseModel):
    """A term that both versions have, and what of it differs."""

    text: str = Field(examples=["bearing 204"])
    fields: dict[str, FieldChangeView]


class ChangesView(BaseModel):
    """What is new, gone and different in one version of a lexicon against another."""

    name: str = Field(examples=["product"])
    from_version: int = Field(examples=[3])
    to_version: int = Field(examples=[4])
    purpose: FieldChangeView | None
    added: list[TermView]
    removed: list[TermView]
    changed: list[ChangedTermView]

    @classmethod
    def of(cls, before: Lexicon, after: Lexicon, changes: Changes) -> ChangesView:
        return cls(
            name=after.name,
            from_version=before.version,
            to_version=after.version,
            purpose=None if changes.purpose is None else _field(changes.purpose),
            added=[TermView.model_validate(term_table(term)) for term in changes.added],
            removed=[TermView.model_validate(term_table(term)) for term in changes.removed],
            changed=[
                ChangedTermView(
                    text=term.text,
                    fields={name: _field(pair) for name, pair in term.fields.items()},
                )
                for term in changes.changed
            ],
        )


class RematchSummaryView(View):
    """A re-matching of stored calls: a retag, or the preview of a draft."""

    id: int = Field(examples=[12])
    kind: str = Field(description="`retag` or `preview`.", examples=["preview"])
    lexicon: str | None = Field(description="Whose draft a preview is of.", examples=["product"])
    state: str = Field(
        description="waiting, running, done, cancelled or failed.", examples=["running"]
    )
    total: int = Field(description="About how many calls there are to match.", examples=[10000])
    done: int = Field(description="How many of them are matched.", examples=[2300])
    error: str | None = Field(description="Why it ended early.", examples=[None])
    created_by: str | None = Field(description="The name of a key.", examples=["managers"])
    created_at: datetime
    finished_at: datetime | None


class RematchView(RematchSummaryView):
    """A re-matching with what came of it so far."""

    result: dict[str, Any] = Field(
        description="Of a retag: `changed` calls, hits `added` and `removed`. Of a preview: "
        "`calls` matched, calls `gained` and `lost` by the lexicon, and for each of its `terms` "
        "the same, with excerpts.",
        examples=[{"changed": 17, "added": 21, "removed": 3}],
    )


class RematchesView(BaseModel):
    """The last re-matchings, newest first."""

    items: list[RematchSummaryView]


class Drafted(BaseModel):
    """A draft that was saved."""

    name: str = Field(examples=["product"])
    version: int = Field(description="The version it will be.", examples=[4])
    terms: int = Field(description="How many there are.", examples=[412])


class LineView(View):
    """A line of a file that makes no term, or less of one than it says, and why."""

    line: int = Field(examples=[17])
    reason: str = Field(examples=["the name 'in' is said everywhere: give it more words"])


class DraftedFromCsv(Drafted):
    """A draft made of a product list. `problems` names at most 1,000 of its `problem_count`."""

    problem_count: int = Field(examples=[1])
    problems: list[LineView]


class Published(BaseModel):
    """A version that finds hits from now on, and the retag that brings stored calls to it."""

    version: int = Field(examples=[4])
    retag: RematchView


class Retired(BaseModel):
    """The retag that removes the lexicon's hits from stored calls."""

    retag: RematchView


class WayView(View):
    """A change to a term, and what of the judged hits it does away with."""

    mode: str | None = Field(description="The mode to take.", examples=[None])
    unless: str | None = Field(
        description="A phrase to exclude: POST it to `exclusions`.", examples=["mind"]
    )
    confirmed_lost: int = Field(examples=[0])
    rejected_gone: int = Field(examples=[6])


class WrongHitView(View):
    """A hit that was rejected, with what was said around it."""

    call_id: int = Field(examples=[4711])
    speaker: str = Field(examples=["customer"])
    start_s: float = Field(examples=[61.2])
    before: str = Field(examples=["I will keep"])
    matched: str = Field(examples=["bearing"])
    after: str = Field(examples=["in mind that you said so"])


class TermPrecisionView(View):
    """What people said of the hits of one term."""

    term: str = Field(examples=["bearing"])
    confirmed: int = Field(examples=[11])
    rejected: int = Field(examples=[7])
    gone: int = Field(description="Rejected, and found no more.", examples=[2])
    lost: int = Field(description="Confirmed, and found no more.", examples=[0])
    precision: float | None = Field(
        description="Confirmed of all that were judged and are found now.", examples=[0.61]
    )
    at_least: float | None = Field(
        description="The lower end of its 95 % interval (Wilson).", examples=[0.39]
    )
    action: str = Field(description="keep, tighten or drop.", examples=["tighten"])
    why: str = Field(examples=["add “mind” to its unless: 6 of 7 wrong hits go"])
    way: WayView | None = Field(description="How to tighten it.")
    wrong: list[WrongHitView] = Field(
        description="Some of the rejected hits: words near them can be excluded."
    )


class LexiconPrecisionView(View):
    """How often the hits of a lexicon are right, by the verdicts on them."""

    lexicon: str = Field(examples=["product"])
    version: int = Field(examples=[3])
    wanted: float = Field(description="The precision a term is held to.", examples=[0.9])
    confirmed: int = Field(examples=[120])
    rejected: int = Field(examples=[9])
    precision: float | None = Field(examples=[0.93])
    at_least: float | None = Field(examples=[0.87])
    unjudged: int = Field(description="How many terms have no verdict.", examples=[398])
    terms: list[TermPrecisionView] = Field(description="Those with most wrong hits first.")

    @classmethod
    def of(cls, measured: LexiconPrecision) -> LexiconPrecisionView:
        return cls.model_validate(measured)


def _field(pair: tuple[object, object]) -> FieldChangeView:
    return FieldChangeView(before=pair[0], after=pair[1])
