"""The dispatcher: has every event delivered to every subscription that wants it, in order, at least
once.

The rows are the truth (`models.dispatch`); this drives them. Each subscription that has something
to send gets a task of its own, which sends one thing after the other until nothing is due: one that
hangs holds up nobody else. One that is told to end begins nothing more and gives back what it
holds; what a killed one held is free again when its lease has run out.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from threading import Event, Thread
from time import monotonic
from typing import ParamSpec, TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from models.db import database_clock, reading, writing
from models.delivery import Outcome, prune
from models.dispatch import Claim, Clock, anything_to_do, claim, give_back, note, renew
from models.fan_out import NO_HISTORY
from workers.retries import retry_in_s
from workers.sending.courier import Courier
from workers.wake import Wake

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
PRUNE_EVERY_S = 3600.0
# How long after its beginning an attempt renews its lease, and again.
RENEW_EVERY_S = 10.0
# Waits between tries to note what came of an attempt, all of them within its lease.
NOTE_AGAIN_S = (0.1, 1.0, 2.0, 4.0)
# Time for what is under way when the process is told to end; the rest is sent again by others.
FAREWELL_S = 5.0
DATABASE_THREADS = 4
P = ParamSpec("P")
Result = TypeVar("Result")


@dataclass(slots=True)
class Dispatcher:
    """One of any number over the same database. What is found in calls that began longer ago than
    `history` is sent to nobody.
    """

    engine: Engine
    courier: Courier
    clock: Clock = database_clock
    chance: Random = field(default_factory=Random)
    history: timedelta = NO_HISTORY
    _stopped: Event = field(default_factory=Event)
    _busy: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    _pruned_at: float = float("-inf")
    _database: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(DATABASE_THREADS, thread_name_prefix="rows")
    )

    async def run(self, wake: Wake, stopped: Event) -> None:
        """Deliver until `stopped`; looks whenever woken, and every second."""
        self._stopped = stopped
        woken = asyncio.Event()
        ear = Thread(
            target=_listen, args=(wake, stopped, asyncio.get_running_loop(), woken), daemon=True
        )
        ear.start()
        while not stopped.is_set():
            woken.clear()
            try:
                await self.look()
                await self._prune()
            except SQLAlchemyError as error:
                # The database is away for a moment: the next round tries again.
                logger.warning("could not look for deliveries: %s", type(error).__name__)
            except Exception:
                # Were this to end, nobody would be told of anything: whatever broke, it goes on.
                logger.exception("looking for deliveries broke; it goes on")
            with suppress(TimeoutError):
                await asyncio.wait_for(woken.wait(), LOOK_EVERY_S)
        await self._farewell()
        await asyncio.to_thread(ear.join)

    async def _farewell(self) -> None:
        """Let what is under way end, for some seconds; what does not is given back."""
        under_way = list(self._busy.values())
        if under_way:
            _done, late = await asyncio.wait(under_way, timeout=FAREWELL_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def look(self) -> list[asyncio.Task[None]]:
        """Begin with every subscription that has something to send; returns a task for each."""
        claims = await self._on_rows(self._claim, list(self._busy))
        return [self._begin(held) for held in claims]

    def _begin(self, held: Claim) -> asyncio.Task[None]:
        number = held.subscription.id or 0
        task = asyncio.create_task(self._serve(held))
        self._busy[number] = task
        task.add_done_callback(lambda _task: self._busy.pop(number, None))
        return task

    async def _serve(self, held: Claim) -> None:
        """Send what a subscription has until nothing is due."""
        turn: Claim | None = held
        while turn is not None:
            try:
                async with self._holding(turn):
                    outcome = await self._send(turn)
            except asyncio.CancelledError:
                await self._let_go(turn)
                raise
            turn = await self._noted(turn, outcome)

    @asynccontextmanager
    async def _holding(self, held: Claim) -> AsyncIterator[None]:
        """Keep the lease of a claim from running out meanwhile."""
        keeper = asyncio.create_task(self._keep(held))
        try:
            yield
        finally:
            keeper.cancel()

    async def _keep(self, held: Claim) -> None:
        while True:
            await asyncio.sleep(RENEW_EVERY_S)
            try:
                await self._on_rows(self._renew, held)
            except SQLAlchemyError as error:
                logger.warning("could not renew a lease: %s", type(error).__name__)

    async def _let_go(self, held: Claim) -> None:
        """Give back what was not brought to an end."""
        if held.subscription.kind == "email":
            return  # its thread goes on, and the mail may arrive: others wait as long as they can
        try:
            await self._on_rows(self._give_back, held)
        except SQLAlchemyError as error:
            logger.warning("could not give a lease back: %s", type(error).__name__)

    async def _noted(self, held: Claim, outcome: Outcome) -> Claim | None:
        """Note what came of a claim, also where the database is away for a moment. What cannot be
        noted is sent again when the lease has run out.
        """
        for wait_s in (*NOTE_AGAIN_S, None):
            try:
                return await self._on_rows(self._note, held, outcome)
            except SQLAlchemyError as error:
                logger.warning("could not note a delivery: %s", type(error).__name__)
            if wait_s is not None:
                await asyncio.sleep(wait_s)
        return None

    async def _send(self, held: Claim) -> Outcome:
        try:
            return await self.courier.send(held.subscription, held.events)
        except Exception as error:
            # A mistake of ours must not come back every minute for ever: it counts as a failure.
            logger.exception("sending to subscription %s broke", held.subscription.id)
            return Outcome(None, f"could not be sent ({type(error).__name__})", 0)

    def _claim(self, busy: list[int]) -> list[Claim]:
        with reading(self.engine) as session:
            # Most looks find nothing, and need not take the write lock of SQLite for that.
            if not anything_to_do(session, self.clock(session), busy):
                return []
        with writing(self.engine) as session:
            if self._stopped.is_set():  # while the database was waited for
                return []
            return claim(session, self.clock(session), busy, history=self.history)

    def _note(self, held: Claim, outcome: Outcome) -> Claim | None:
        head = held.deliveries[0]
        wait_s = None
        if not outcome.delivered:
            wait_s = retry_in_s(head.attempts, head.tried_s, self.chance, asked_s=outcome.asked_s)
            logger.info(
                "event %d could not be delivered to subscription %s, attempt %d: %s",
                head.event_id,
                held.subscription.id,
                head.attempts + 1,
                outcome.error,
            )
        with writing(self.engine) as session:
            moment = self.clock(session)
            return note(
                session,
                held,
                outcome,
                moment=moment,
                retry_in_s=wait_s,
                is_last=self._stopped.is_set(),
                history=self.history,
            )

    def _renew(self, held: Claim) -> None:
        with writing(self.engine) as session:
            renew(session, held, self.clock(session))

    def _give_back(self, held: Claim) -> None:
        with writing(self.engine) as session:
            give_back(session, held)

    async def _prune(self) -> None:
        if monotonic() - self._pruned_at >= PRUNE_EVERY_S:
            await self._on_rows(self._drop_old)
            self._pruned_at = monotonic()

    def _drop_old(self) -> None:
        with writing(self.engine) as session:
            prune(session, self.clock(session))
            session.commit()

    async def _on_rows(
        self, work: Callable[P, Result], *args: P.args, **kwargs: P.kwargs
    ) -> Result:
        """Run what reads or writes rows in a thread, so that nothing that is being sent waits for
        it.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._database, lambda: work(*args, **kwargs))


def _listen(
    wake: Wake, stopped: Event, loop: asyncio.AbstractEventLoop, woken: asyncio.Event
) -> None:
    """Set `woken` whenever news came; runs in a thread of its own."""
    while not stopped.is_set():
        wake.wait(LOOK_EVERY_S)
        loop.call_soon_threadsafe(woken.set)
