"""Every enqueue, and what can be asked of the queue: the only door of this room that the API uses.

Free of torch and of every model. A job is one call's id; the truth about a call is its row, a job
is only the errand, so that losing or doubling one does no harm.
"""

from __future__ import annotations

from collections.abc import Iterable

import redis
from redis import Redis
from rq import Queue
from rq.exceptions import DuplicateJobError, NoSuchJobError
from rq.job import Job
from rq.registry import StartedJobRegistry
from rq.serializers import JSONSerializer

QUEUE = "overtone"
HEAR = "workers.jobs.hear"
FAILURE_TTL_S = 24 * 3600
# A recording of n bytes cannot last longer than this many seconds: 8 kbit/s is the thinnest
# telephone codec.
BYTES_PER_SECOND = 1000
# Slower than this many seconds for one second of sound, something is stuck.
SLOWEST = 2.0


class QueueDown(Exception):
    """No Redis or Valkey answers; the text says where and what to do."""


def open_queue(url: str) -> CallQueue:
    """The queue at `url` (redis://, rediss://, unix://). Nothing is sent yet."""
    return CallQueue(redis.from_url(url, socket_connect_timeout=5))


class CallQueue:
    """The queue of calls to be heard."""

    def __init__(self, connection: Redis) -> None:
        self.connection = connection
        self.rq = Queue(QUEUE, connection=connection, serializer=JSONSerializer)

    def check(self) -> None:
        """Raises `QueueDown` where nobody answers."""
        try:
            self.connection.ping()
        except redis.RedisError as error:
            raise QueueDown(
                "no Redis or Valkey answers: start `overtone up` (or `overtone queue`) with the "
                "same data folder, or set OVERTONE_REDIS_URL"
            ) from error

    def enqueue(self, call_id: int, *, urgent: bool = False, timeout_s: int) -> bool:
        """Ask for a call to be heard; False where a job for it is there already. Raises
        `QueueDown`.
        """
        try:
            self.rq.enqueue(
                HEAR,
                call_id,
                job_id=_job_id(call_id),
                unique=True,
                at_front=urgent,
                result_ttl=0,
                failure_ttl=FAILURE_TTL_S,
                job_timeout=timeout_s,
                description=f"hear call {call_id}",
            )
        except DuplicateJobError:
            return False
        except redis.RedisError as error:
            raise QueueDown("the queue cannot be reached") from error
        return True

    def enqueue_again(self, call_id: int, *, urgent: bool = False, timeout_s: int) -> bool:
        """The same, after throwing away a job that ended or got lost."""
        try:
            job = Job.fetch(_job_id(call_id), connection=self.connection, serializer=JSONSerializer)
        except NoSuchJobError:
            pass
        else:
            # A dead worker's execution expires a minute before its entry here does, and RQ 3.0
            # fails with a ValueError where it deletes a job in between.
            self.connection.delete(job.execution_registry.key)
            job.delete()
        return self.enqueue(call_id, urgent=urgent, timeout_s=timeout_s)

    def live(self) -> set[int]:
        """Calls whose job waits, or runs on a worker whose heart beats."""
        started = StartedJobRegistry(queue=self.rq)
        started.cleanup()
        return set(_call_ids(self.rq.get_job_ids())) | set(_call_ids(started.get_job_ids()))

    def depth(self) -> int:
        """How many jobs wait."""
        return int(self.rq.count)


def timeout_for(size_bytes: int | None, max_audio_s: float) -> int:
    """Seconds after which hearing a recording of this size is given up."""
    longest_s = max_audio_s
    if size_bytes is not None:
        longest_s = min(longest_s, size_bytes / BYTES_PER_SECOND)
    return round(600 + SLOWEST * longest_s)


def _job_id(call_id: int) -> str:
    return f"call-{call_id}"


def _call_ids(job_ids: Iterable[str]) -> list[int]:
    return [int(job_id[5:]) for job_id in job_ids if job_id.startswith("call-")]
