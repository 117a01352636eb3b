"""A worker whose ears hear the same abusive sentence in whatever they are given, for measuring what
comes after hearing: queue, jobs, transaction and alerts are those of any worker.

Not a command: `tests.bench.alert_kills` starts it as a process, and kills it.
"""

from __future__ import annotations

from models.db import connect
from models.stores import Stores
from settings import log_to_stderr, read_settings
from speech.listen import Ears
from tests.fakes import ToldTranscriber
from workers import jobs, worker
from workers.published import Shelf, seed
from workers.queue import open_queue
from workers.rules.book import RuleBook, seed_alert_rules
from workers.station import Station

SAID = "you useless idiots where is my order this is the third time now"


def main() -> None:
    """Work until killed."""
    settings = read_settings()
    log_to_stderr(settings)
    engine = connect(settings.database)
    seed(engine)
    seed_alert_rules(engine, settings)
    here = Station(
        settings=settings,
        engine=engine,
        queue=open_queue(settings.redis),
        stores=Stores(settings.recordings, settings.stores),
        ears=Ears(ToldTranscriber(SAID), None, None),  # type: ignore[arg-type]
        shelf=Shelf(engine),
        rules=RuleBook(engine),
    )
    jobs.station = worker.station = lambda: here
    worker.work(settings)


if __name__ == "__main__":
    main()
