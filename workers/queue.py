"""Every enqueue, and what can be asked of the queue: the only door of this room that the API uses.

Free of torch and of every model. A job is the id of a call or of a re-matching, or asks for all
calls to be judged that are marked for it; the truth about those is their row, a job is only the
errand, so that losing or doubling one does no harm.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

import redis
from redis import Redis
from rq import Queue, Worker
from rq.exceptions import DuplicateJobError, NoSuchJobError
from rq.job import Job
from rq.registry import StartedJobRegistry
from rq.serializers import JSONSerializer

from workers.wake import ALERTS_CHANNEL
from workers.wake import Wake as Wake

logger = logging.getLogger(__name__)

QUEUE = "overtone"
HEAR = "workers.jobs.hear"
JUDGE = "workers.jobs.judge"
JUDGE_TIMEOUT_S = 600
REMATCHES = "overtone-rematch"
REMATCH = "workers.rematch.rematch"
SLICE_TIMEOUT_S = 600
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
    """The queue of calls to be heard, and beside it the one of re-matchings: workers take from both
    in turns, so that neither waits for all of the other.
    """

    def __init__(self, connection: Redis) -> None:
        self.connection = connection
        self.rq = Queue(QUEUE, connection=connection, serializer=JSONSerializer)
        self.rematches = Queue(REMATCHES, connection=connection, serializer=JSONSerializer)

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
        self._forget(_job_id(call_id))
        return self.enqueue(call_id, urgent=urgent, timeout_s=timeout_s)

    def enqueue_rematch(self, rematch_id: int) -> bool:
        """Ask for the next slice of a re-matching; False where one waits or runs already. Raises
        `QueueDown`.
        """
        try:
            if rematch_id in self.live_rematches():
                return False
            return self._enqueue_slice(rematch_id, 0)
        except redis.RedisError as error:
            raise QueueDown("the queue cannot be reached") from error

    def hand_over(self, rematch_id: int, shift: int) -> bool:
        """From within a slice, ask for the one after it.

        RQ forgets a job only after its function has returned, so slices take two names in turns;
        `shift` says which one the caller has.
        """
        try:
            if _slice_id(rematch_id, 1 - shift) in self._live_slices():
                return False
            return self._enqueue_slice(rematch_id, 1 - shift)
        except redis.RedisError as error:
            raise QueueDown("the queue cannot be reached") from error

    def enqueue_judging(self) -> None:
        """Ask for all calls to be judged of which pushes told something new: before others are
        heard, since it takes no time. Any number of such jobs do no harm; it has no name, since one
        that is about to end could not take what has just come. Raises `QueueDown`.
        """
        try:
            self.rq.enqueue(
                JUDGE,
                at_front=True,
                result_ttl=0,
                failure_ttl=FAILURE_TTL_S,
                job_timeout=JUDGE_TIMEOUT_S,
                description="judge calls of which pushes told something new",
            )
        except redis.RedisError as error:
            raise QueueDown("the queue cannot be reached") from error

    def live(self) -> set[int]:
        """Calls whose job waits, or runs on a worker whose heart beats."""
        started = StartedJobRegistry(queue=self.rq)
        started.cleanup()
        return set(_call_ids(self.rq.get_job_ids())) | set(_call_ids(started.get_job_ids()))

    def live_rematches(self) -> set[int]:
        """Re-matchings whose slice waits, or runs on a worker whose heart beats."""
        return {int(job_id.split("-")[1]) for job_id in self._live_slices()}

    def depth(self) -> int:
        """How many calls wait."""
        return int(self.rq.count)

    def workers(self) -> int:
        """How many workers take from it."""
        return Worker.count(queue=self.rq)

    def wake_alerts(self) -> None:
        """Tell all who wait for events of alerts that some were committed (`workers.wake`). Where
        nobody answers they find them by themselves, within a second.
        """
        try:
            self.connection.publish(ALERTS_CHANNEL, "alerts")
        except redis.RedisError as error:
            logger.warning("nobody could be woken for alerts: %s", type(error).__name__)

    def _live_slices(self) -> set[str]:
        started = StartedJobRegistry(queue=self.rematches)
        started.cleanup()
        return {*self.rematches.get_job_ids(), *started.get_job_ids()}

    def _enqueue_slice(self, rematch_id: int, shift: int) -> bool:
        job_id = _slice_id(rematch_id, shift)
        self._forget(job_id)
        try:
            self.rematches.enqueue(
                REMATCH,
                rematch_id,
                shift,
                job_id=job_id,
                unique=True,
                result_ttl=0,
                failure_ttl=FAILURE_TTL_S,
                job_timeout=SLICE_TIMEOUT_S,
                description=f"re-matching {rematch_id}",
            )
        except DuplicateJobError:
            return False
        return True

    def _forget(self, job_id: str) -> None:
        try:
            job = Job.fetch(job_id, connection=self.connection, serializer=JSONSerializer)
        except NoSuchJobError:
            return
        # A dead worker's execution expires a minute before its entry here does, and RQ 3.0 fails
        # with a ValueError where it deletes a job in between.
        self.connection.delete(job.execution_registry.key)
        job.delete()


def timeout_for(size_bytes: int | None, max_audio_s: float) -> int:
    """Seconds after which hearing a recording of this size is given up."""
    longest_s = max_audio_s
    if size_bytes is not None:
        longest_s = min(longest_s, size_bytes / BYTES_PER_SECOND)
    return round(600 + SLOWEST * longest_s)


def _job_id(call_id: int) -> str:
    return f"call-{call_id}"


def _slice_id(rematch_id: int, shift: int) -> str:
    return f"rematch-{rematch_id}{'-next' * shift}"


def _call_ids(job_ids: Iterable[str]) -> list[int]:
    return [int(job_id[5:]) for job_id in job_ids if job_id.startswith("call-")]
