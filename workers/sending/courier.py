"""Takes events to a subscription in the form of its kind, and tells what came of it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache

from models.alert_event import AlertEvent
from models.columns import now
from models.delivery import Outcome
from models.subscription import MOST_SUBSCRIPTIONS, Subscription
from settings import Settings
from workers.sending.addresses import Reach
from workers.sending.mail import Mailer
from workers.sending.payload import chat_body, webhook_body
from workers.sending.post import Poster
from workers.sending.signature import signed_headers
from workers.sending.template import templated_body
from workers.sending.told import Told

# Longer than the mailer gives itself, shorter than the lease that a subscription is held by.
MAIL_S = 45.0
NO_MAIL = "no mail can be sent: set OVERTONE_SMTP_URL and OVERTONE_SMTP_FROM"


@dataclass(frozen=True, slots=True)
class Courier:
    """Has the ways that messages go, and the address that links begin with."""

    poster: Poster = field(default_factory=Poster)
    mailer: Mailer | None = None
    public_url: str | None = None

    @classmethod
    def of(cls, settings: Settings) -> Courier:
        """As the settings want it."""
        mailer = None
        if settings.smtp_url is not None and settings.smtp_from is not None:
            mailer = Mailer(settings.smtp_url.get_secret_value(), settings.smtp_from)
        poster = Poster(Reach.of(settings.webhook_private))
        return cls(poster, mailer, settings.public_url)

    async def send(self, subscription: Subscription, events: Sequence[AlertEvent]) -> Outcome:
        """Send one event, or for e-mail all of these in one message. The id of an event's message
        is the same in every attempt.
        """
        if subscription.kind == "email":
            return await self._mail(subscription, events)
        [event] = events
        return await self._post(subscription, event, f"evt_{event.id}")

    async def send_test(self, subscription: Subscription) -> Outcome:
        """Send an event of kind `test`, which is of no call."""
        event = _test_event()
        if subscription.kind == "email":
            return await self._mail(subscription, [event])
        return await self._post(subscription, event, f"test_{secrets.token_hex(8)}")

    async def _post(
        self, subscription: Subscription, event: AlertEvent, message_id: str
    ) -> Outcome:
        told = Told.of(event, self.public_url)
        if subscription.kind == "chat":
            body = chat_body(told)
        elif subscription.template is not None:
            body = templated_body(subscription.template, told)
        else:
            body = webhook_body(event, self.public_url)
        headers = {}
        moment = now()
        if signing := subscription.secrets_at(moment):
            headers = signed_headers(message_id, body, secrets=signing, at=moment)
        if subscription.authorization is not None:
            headers["Authorization"] = subscription.authorization
        return await self.poster.post(subscription.url or "", body, headers)

    async def _mail(self, subscription: Subscription, events: Sequence[AlertEvent]) -> Outcome:
        if self.mailer is None:
            return Outcome(None, NO_MAIL, 0)
        told = [Told.of(event, self.public_url) for event in events]
        loop = asyncio.get_running_loop()
        sending = loop.run_in_executor(_mails(), self.mailer.send, subscription.addresses, told)
        try:
            return await asyncio.wait_for(sending, MAIL_S)
        except TimeoutError:
            return Outcome(None, "the mail server does not come to an end", round(MAIL_S * 1000))


@cache
def _mails() -> ThreadPoolExecutor:
    """Threads that wait for mail servers, one for each subscription at most."""
    return ThreadPoolExecutor(MOST_SUBSCRIPTIONS, thread_name_prefix="mail")


def _test_event() -> AlertEvent:
    return AlertEvent(
        alert_id=0,
        call_id=0,
        kind="test",
        at=now(),
        body={
            "id": 0,
            "call_id": 0,
            "external_id": "test",
            "rule": "test",
            "severity": "low",
            "status": "new",
            "reason": "somebody asked for a test of this subscription",
            "evidence": [],
            "start_s": 0.0,
            "agent": "nobody",
            "line": None,
        },
    )
