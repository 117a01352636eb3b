"""The worker process: loads the models once, then hears one call after the other, with a slice of
re-matching between two calls where there is one to do.

RQ's own workers fork for each job, which would load the models again each time (and CUDA does not
survive a fork); this one works in its own process, and a thread keeps the job's heartbeat while it
is busy.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

from redis import RedisError
from rq import SimpleWorker
from rq.executions import Execution
from rq.job import Job
from rq.queue import Queue
from rq.serializers import JSONSerializer
from rq.worker.base import DequeueStrategy, WorkerStatus

from models.db import connect
from models.stores import Stores
from settings import Settings
from workers.overdue import OverdueWatch
from workers.queue import open_queue
from workers.reconciler import Reconciler
from workers.station import station

logger = logging.getLogger(__name__)


class HearingWorker(SimpleWorker):
    """A `SimpleWorker` whose death is noticed within `heartbeat_s`, however long its job may
    take.
    """

    def __init__(self, *args: Any, heartbeat_s: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.heartbeat_s = heartbeat_s

    def get_heartbeat_ttl(self, job: Job, working_time: float = 0.0) -> int:  # noqa: ARG002
        return self.heartbeat_s

    def execute_job(self, job: Job, queue: Queue) -> None:
        execution = self.prepare_execution(job)
        with self._heart_beating(job, execution):
            self.perform_job(job, queue, execution)
        self.set_state(WorkerStatus.IDLE)

    @contextmanager
    def _heart_beating(self, job: Job, execution: Execution) -> Iterator[None]:
        done = Event()

        def beat() -> None:
            while not done.wait(self.heartbeat_s / 3):
                try:
                    self.maintain_heartbeats(job, execution)
                except RedisError as error:
                    # Redis is away; if it stays away, the job is given to another worker.
                    logger.warning("no heartbeat could be sent: %s", type(error).__name__)

        heart = Thread(target=beat, name="heart", daemon=True)
        heart.start()
        try:
            yield
        finally:
            done.set()
            heart.join()


def work(settings: Settings, *, burst: bool = False) -> None:
    """Hear calls and re-match until told to stop; with `burst`, until nothing waits.

    Raises `QueueDown` where there is no queue, and what loading the models raises.
    """
    queue = open_queue(settings.redis)
    queue.check()
    station()
    # The reconciler has connections of its own: RQ gives the worker's a timeout for blocking reads.
    reconciler = Reconciler(
        connect(settings.database),
        open_queue(settings.redis),
        stores=Stores(settings.recordings, settings.stores),
        settings=settings,
    )
    worker = HearingWorker(
        [queue.rq, queue.rematches],
        connection=queue.connection,
        serializer=JSONSerializer,
        log_job_description=False,
        heartbeat_s=settings.heartbeat_s,
    )
    watch = OverdueWatch(connect(settings.database), open_queue(settings.redis))
    reconciler.start()
    watch.start()
    try:
        # RQ calls a job fine whose call failed with a reason; the jobs say it better.
        worker.work(
            burst=burst,
            with_scheduler=False,
            logging_level="WARNING",
            dequeue_strategy=DequeueStrategy.ROUND_ROBIN,
        )
    finally:
        reconciler.stop()
        watch.stop()
