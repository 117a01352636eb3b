"""Finds calls: a `CallQuery` becomes a page of calls, with what a list shows of each, their number
and their facets.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from sqlalchemy import ColumnElement, Engine, case, text
from sqlmodel import Session, col, select

from models.bands import EDGES, all_bands
from models.call import Call, Speaker
from models.call_sets import CALL, CallSet
from models.cursors import Place, read_cursor, write_cursor
from models.db import giving_up_after, is_sqlite, reading
from models.facet_counts import FacetCounts
from models.facets import META
from models.filters import (
    ANGER,
    DURATION,
    VALUES,
    CallQuery,
    conditions_of_filters,
    facet_of,
    sets_of_filters,
)
from models.label import tags_of
from models.marks import Alike
from models.query import Query, Word, parse
from models.said import in_one_turn, sets_of
from models.selection import COUNTED, Order, Selection
from models.snippets import Snippet, snippets_of_anger, snippets_of_hits, snippets_of_words
from models.vocabulary import Vocabulary

FACETS = (*VALUES, "day", *EDGES)
"""What can be counted, beside `meta.KEY`."""
BATCH = 500
LONGEST_S = 10.0
REFRESH_S = 1.0
MOST_BANDS = max(len(edges) + 1 for edges in EDGES.values())
MOST_TURNS = 20_000
"""Up to so many turns with all words are read to rank all calls; else each page is ranked alone."""


@dataclass(frozen=True, slots=True)
class Found:
    """One call that matches, with its speakers, tags and best snippets."""

    call: Call
    speakers: tuple[Speaker, ...] = ()
    tags: tuple[str, ...] = ()
    snippets: tuple[Snippet, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """Calls in the order asked for, and the cursor of the next page, if there is one.

    `total` is how many calls match in all, or `COUNTED` where they are `more`. `facets` has for
    each name that was asked for the values that most of the calls have, with how many; of more
    calls than are counted, so many of them are looked at.
    """

    items: tuple[Found, ...] = ()
    next_cursor: str | None = None
    total: int = 0
    more: bool = False
    facets: dict[str, list[tuple[str, int]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Search:
    """A query on its way to calls. `together` are the calls with all words in one turn."""

    query: CallQuery
    words: Query
    alike: Alike
    selection: Selection
    together: CallSet | None


class Finder:
    """Finds calls of one database. Remembers the words of its index and the names of facets: keep
    one as long as the process runs; any thread may use it.
    """

    def __init__(self) -> None:
        self._vocabulary = Vocabulary()
        self._refreshed = float("-inf")
        self._counts = FacetCounts()

    def warm_up(self, engine: Engine) -> None:
        """Read what the first search would have to wait for: some seconds for 100,000 words."""
        with reading(engine) as session:
            self.alike(session, parse("warm"))

    def find(
        self,
        session: Session,
        query: CallQuery,
        *,
        limit: int,
        cursor: str | None = None,
        facets: Collection[str] = (),
        most_values: int = 20,
    ) -> Page:
        """One page of calls. Raises `BadQuery`, and `QueryTooSlow` after 10 s."""
        after = None if cursor is None else read_cursor(cursor, query.fingerprint())
        with giving_up_after(session, LONGEST_S):
            return self._page(
                session, query, after, limit=limit, facets=facets, most_values=most_values
            )

    def _page(
        self,
        session: Session,
        query: CallQuery,
        after: Place | None,
        *,
        limit: int,
        facets: Collection[str],
        most_values: int,
    ) -> Page:
        search = self._search(session, query, counts_facets=bool(facets))
        if search is None:
            return Page(facets={name: [] for name in facets})
        places = search.selection.page(limit=limit + 1, after=after)
        page, rest = places[:limit], places[limit:]
        ids = [place.call_id for place in page]
        if search.together is not None and search.selection.order.rank is None:
            ids = _together_first(session, ids, search.together)
        return Page(
            _dress(session, ids, search),
            write_cursor(page[-1], query.fingerprint()) if rest else None,
            min(search.selection.count, COUNTED),
            search.selection.is_dense,
            self._count(session, search, facets, most_values),
        )

    def batch(
        self, session: Session, query: CallQuery, after: Place | None
    ) -> tuple[tuple[Found, ...], Place | None]:
        """The next calls of all that match, without snippets, and the place of the last of them;
        none at the end.

        Raises `BadQuery`, and `QueryTooSlow` after 10 s.
        """
        with giving_up_after(session, LONGEST_S):
            search = self._search(session, query)
            if search is None:
                return (), None
            places = search.selection.page(limit=BATCH, after=after)
            found = _dress(session, [one.call_id for one in places], search, snippets=False)
            return found, places[-1] if places else None

    def _search(
        self, session: Session, query: CallQuery, *, counts_facets: bool = False
    ) -> _Search | None:
        """How a query is answered; None where a filter holds no call."""
        words = parse(query.q)
        if not is_sqlite(session):
            # The planner takes words of calls for cheap to read row by row, but they are stored
            # apart: a second for 100,000 calls, where their index takes 20 ms.
            session.execute(text("SET LOCAL enable_seqscan = off; SET LOCAL work_mem = '32MB'"))
        filters = sets_of_filters(session, query)
        if filters is None:
            return None
        alike = self.alike(session, words) if query.fuzzy else {}
        said = sets_of(session, words, alike=alike, speaker=query.speaker)
        conditions = conditions_of_filters(query)
        selection = Selection(
            session, [*said, *filters], conditions, _order(query), counts_facets=counts_facets
        )
        together = None
        if query.order == "relevance":
            together = in_one_turn(session, words, speaker=query.speaker)
            if (together is not None or alike) and not selection.is_dense:
                exact = sets_of(session, words, alike={}, speaker=query.speaker) if alike else []
                selection = selection.ranked(_rank(session, exact, together))
        return _Search(query, words, alike, selection, together)

    def alike(self, session: Session, words: Query) -> Alike:
        """What else of the index each word of the query may be."""
        asked = [clause.term for clause in words.positive if isinstance(clause.term, Word)]
        if asked and monotonic() - self._refreshed > REFRESH_S:
            self._vocabulary.refresh(session)
            self._refreshed = monotonic()
        alike = {word: self._vocabulary.near(word) for word in asked}
        return {word: near for word, near in alike.items() if near}

    def _count(
        self, session: Session, search: _Search, names: Collection[str], most: int
    ) -> dict[str, list[tuple[str, int]]]:
        if not names:
            return {}
        packs, statuses = search.selection.facets()
        speaker = search.query.speaker
        asked = {name: facet_of(name, speaker) for name in names if name != "status"}
        counts = self._counts.count(session, packs, set(asked.values()), most=max(most, MOST_BANDS))
        found = {name: counts[facet][:most] for name, facet in asked.items()}
        if "status" in names:
            found["status"] = Counter(statuses).most_common(most)
        for name in asked.keys() & EDGES.keys():
            number = dict(counts[name])
            found[name] = [(band, number.get(band, 0)) for band in all_bands(name)]
        return found


def is_facet(name: str) -> bool:
    """Whether there is such a facet to be counted."""
    return name in FACETS or name.startswith(META)


def _order(query: CallQuery) -> Order:
    name = query.order
    if name == "relevance":
        return Order(CALL.place)
    # Figures that a call has not yet come last when the largest come first.
    columns = {"started_at": CALL.place, "anger": ANGER, "duration": DURATION}
    return Order(columns[name.lstrip("-")], name.startswith("-"))


def _rank(
    session: Session, exact: Sequence[CallSet], together: CallSet | None
) -> ColumnElement[Any] | None:
    """2 for all words in one turn, 1 for all words as they are written, 0 for the rest."""
    steps: list[tuple[ColumnElement[bool], int]] = []
    if together is not None and together.size(session, MOST_TURNS + 1) <= MOST_TURNS:
        steps.append((together.among(), 2))
    if exact:
        as_written = exact[0].among()
        for one in exact[1:]:
            as_written = as_written & one.among()
        steps.append((as_written, 1))
    return case(*steps, else_=0) if steps else None


def _together_first(session: Session, ids: list[int], together: CallSet) -> list[int]:
    wanted = select(Call.id).where(col(Call.id).in_(ids), together.holds())
    first = set(session.exec(wanted))
    return sorted(ids, key=lambda number: number not in first)


def _dress(
    session: Session, ids: Sequence[int], search: _Search, *, snippets: bool = True
) -> tuple[Found, ...]:
    """The calls with what a list shows of each, in a fixed number of statements."""
    calls = {call.id: call for call in session.exec(select(Call).where(col(Call.id).in_(ids)))}
    speakers: dict[int, list[Speaker]] = defaultdict(list)
    for speaker in session.exec(
        select(Speaker).where(col(Speaker.call_id).in_(ids)).order_by(col(Speaker.name))
    ):
        speakers[speaker.call_id].append(speaker)
    tags = tags_of(session, ids)
    shown = _snippets(session, ids, search) if snippets else {}
    return tuple(
        Found(
            calls[number],
            tuple(speakers[number]),
            tuple(tags.get(number, ())),
            tuple(shown.get(number, ())),
        )
        for number in ids
        if number in calls
    )


def _snippets(session: Session, ids: Sequence[int], search: _Search) -> dict[int, list[Snippet]]:
    """The turns to hear first: with most of the words; else with hits of the lexicons; else
    angriest.
    """
    query, said = search.query, search.words.positive
    if said:
        return snippets_of_words(session, ids, said, search.alike, speaker=query.speaker)
    if lexicons := query.values.get("lexicon"):
        return snippets_of_hits(session, ids, lexicons, speaker=query.speaker)
    is_angry = "angry" in query.values.get("mood", ()) or "anger" in query.ranges
    if is_angry or query.order == "-anger":
        return snippets_of_anger(session, ids, speaker=query.speaker)
    return {}
