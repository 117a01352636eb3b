"""The application: what it is made of, in one place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version
from threading import Thread

from fastapi import FastAPI

from api import (
    alert_stream,
    alerts,
    audits,
    bulk,
    calls,
    comments,
    deletions,
    drafts,
    errors,
    export,
    health,
    hits,
    lexicons,
    push,
    rematches,
    reviews,
    rules,
    searches,
    subscriptions,
    verdicts,
)
from api.feed import Feed
from api.limits import FORM_BYTES, LimitBody
from api.places import ExportPlaces
from api.pressure import Gate
from api.rates import Rates
from api.web import listen, pages, sign_in
from lexicons.lexicon import as_table, shipped
from models.db import connect, migrate, writing
from models.lexicon import seed_lexicons
from models.search import Finder
from models.stores import Stores
from settings import Settings
from workers.queue import Wake, open_queue
from workers.rules.book import seed_alert_rules
from workers.sending.courier import Courier

ROUTES = (
    health,
    push,
    bulk,
    export,
    calls,
    searches,
    reviews,
    comments,
    deletions,
    verdicts,
    hits,
    alert_stream,
    alerts,
    rules,
    subscriptions,
    lexicons,
    drafts,
    rematches,
    audits,
    listen,
    sign_in,
    pages,
)
ABOUT = (
    "Speech analytics for call recordings: push recordings, find calls by spoken words, mood and "
    "lexicon hits, and read the alerts they raise."
)


def make_app(settings: Settings) -> FastAPI:
    """The API over one database, queue and set of stores; the schema is brought up to date at
    start, and so are the lexicons and rules that come with Overtone.
    """
    engine = connect(settings.database)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        migrate(engine)
        with writing(engine) as session:
            seed_lexicons(session, [as_table(lexicon) for lexicon in shipped()])
        seed_alert_rules(engine, settings)
        Thread(target=app.state.finder.warm_up, args=(engine,), daemon=True).start()
        app.state.feed = Feed(engine, Wake(settings.redis))
        app.state.feed.start()
        yield
        app.state.feed.close()
        engine.dispose()

    app = FastAPI(title="Overtone", version=_version(), description=ABOUT, lifespan=lifespan)
    app.state.settings = settings
    app.state.engine = engine
    app.state.finder = Finder()
    app.state.queue = open_queue(settings.redis)
    app.state.rates = Rates(settings.redis, settings.rate_limit)
    app.state.exports = ExportPlaces()
    app.state.courier = Courier.of(settings)
    app.state.gate = Gate(app.state.queue, settings.max_queue)
    app.state.stores = Stores(settings.recordings, settings.stores)
    app.add_middleware(LimitBody, max_bytes=settings.max_upload_mb * 1_000_000 + FORM_BYTES)
    errors.install(app)
    for routes in ROUTES:
        app.include_router(routes.router)
    return app


def _version() -> str:
    try:
        return version("overtone")
    except PackageNotFoundError:  # run from a folder that was never installed
        return "0"
