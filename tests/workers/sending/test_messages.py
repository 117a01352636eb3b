"""What is sent: signed webhooks, chat, templates."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from models.alert_event import AlertEvent
from models.columns import now
from models.subscription import new_secret
from workers.sending.payload import chat_body, webhook_body
from workers.sending.signature import signed_headers
from workers.sending.template import (
    VALUES,
    TemplateUnusable,
    check_template,
    templated_body,
)
from workers.sending.told import HEADINGS, Told

AT = datetime(2026, 11, 2, 9, 15, 0, 250000, tzinfo=UTC)


def event(kind: str = "raised", **body: Any) -> AlertEvent:
    known = {"rule": "angry", "severity": "high", "reason": "angry for 9 s", "start_s": 67.3}
    known |= {
        "agent": "Alice",
        "line": "1",
        "external_id": "c-1",
        "play": "/listen/5?alert=3&at=67.3",
    }
    return AlertEvent(id=7, alert_id=3, call_id=5, kind=kind, at=AT, body=known | body)


def told(public_url: str | None = "https://calls.example", **body: Any) -> Told:
    return Told.of(event(**body), public_url)


def test_a_signature_is_what_the_reference_verifies() -> None:
    secret, body = new_secret(), webhook_body(event(), None)
    headers = signed_headers("evt_7", body, secrets=(secret,), at=now())
    assert Webhook(secret).verify(body, headers) == json.loads(body)
    assert headers["webhook-id"] == "evt_7"
    for changed in (body + b" ", body.replace(b"9 s", b"8 s")):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(changed, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, headers | {"webhook-id": "evt_8"})


def test_a_signature_is_the_reference_s_own() -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    headers = signed_headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', secrets=[secret], at=AT
    )
    theirs = Webhook(secret).sign("msg_p5jXN8AQM9LWM0D4loKWxJek", AT, '{"test": 2432232314}')
    assert headers["webhook-signature"] == theirs
    assert headers["webhook-timestamp"] == str(int(AT.timestamp()))


def test_while_a_secret_is_rotated_both_verify() -> None:
    old, new, body = new_secret(), new_secret(), b"{}"
    headers = signed_headers("evt_1", body, secrets=(new, old), at=now())
    assert len(headers["webhook-signature"].split(" ")) == 2
    for secret in (old, new):
        Webhook(secret).verify(body, headers)


def test_an_old_message_sent_again_by_a_stranger_is_refused() -> None:
    secret = new_secret()
    headers = signed_headers("evt_1", b"{}", secrets=(secret,), at=now() - timedelta(minutes=6))
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(b"{}", headers)


def test_a_webhook_says_type_time_and_the_alert() -> None:
    body = json.loads(webhook_body(event("overdue"), None))
    assert body == {
        "type": "alert.overdue",
        "timestamp": "2026-11-02T09:15:00.250000Z",
        "data": event().body,
    }
    assert webhook_body(event(), None) == webhook_body(event(), None)


def test_a_webhook_has_the_whole_address_to_play_from() -> None:
    body = json.loads(webhook_body(event(), "https://calls.example"))
    assert body["data"]["play"] == "https://calls.example/listen/5?alert=3&at=67.3"
    test = event()
    del test.body["play"]  # as an event of no call has none
    assert "play" not in json.loads(webhook_body(test, "https://calls.example"))["data"]
    assert Told.of(test, "https://calls.example").link is None


def texts_of(body: bytes) -> str:
    blocks = json.loads(body)["blocks"]
    parts = [block["text"]["text"] for block in blocks if "text" in block]
    return "\n".join([*parts, *(e["text"] for b in blocks for e in b.get("elements", ()))])


def test_chat_has_severity_reason_agent_second_and_link() -> None:
    body = chat_body(told())
    text, said = json.loads(body)["text"], texts_of(body)
    assert text.startswith("Alert (high): angry for 9 s\nagent Alice")
    for part in ("high", "angry for 9 s", "agent Alice", "call c-1", "|1:07>"):
        assert part in said
        assert part in text
    assert "<https://calls.example/listen/5?alert=3&amp;at=67.3|" in said
    assert "play from 1:07" in texts_of(chat_body(told(public_url=None)))


@pytest.mark.parametrize("kind", ["raised", "changed", "reopened", "overdue", "no_longer", "new"])
def test_every_kind_of_event_has_a_heading(kind: str) -> None:
    heading = json.loads(chat_body(Told.of(event(kind), None)))["text"]
    assert heading.startswith(HEADINGS.get(kind, "Alert new"))


def test_chat_says_who_did_it_and_what_came_of_it() -> None:
    done = event("acknowledged")
    done.by = "Bob <!here>"
    assert "*Alert acknowledged by Bob &lt;!here&gt;* (high" in texts_of(
        chat_body(Told.of(done, None))
    )
    done = event("resolved", outcome="called_back")
    done.by = "Carol"
    assert "*Alert resolved by Carol: called back* (high" in texts_of(
        chat_body(Told.of(done, None))
    )


def test_a_change_is_not_called_new_evidence() -> None:
    # Another severity, or figure, changes an alert too, and one that was resolved stays so.
    assert "evidence" not in texts_of(chat_body(Told.of(event("changed"), None)))


def test_nothing_that_was_said_becomes_markup_in_chat() -> None:
    said = texts_of(chat_body(told(reason="<!channel> & <http://evil|x>", agent="<@U1>\n*A*")))
    assert "<!channel>" not in said
    assert "&lt;!channel&gt; &amp; &lt;http://evil|x&gt;" in said
    assert "<@U1>" not in said


def test_chat_stays_within_what_slack_takes() -> None:
    for reason in ("a<" * 5000, "<" * 5000, "a" * 5000):
        blocks = json.loads(chat_body(told(reason=reason, agent="b" * 5000)))["blocks"]
        shown = [block["text"]["text"] for block in blocks if "text" in block]
        assert max(map(len, shown)) <= 3000
        assert re.fullmatch(r"(a|&lt;)+\.\.\.", shown[1])


SMS = '{"to": "+44 20 7946 0999", "text": "{heading}: {reason} ({agent}, {place})", "n": 1}'


def test_a_template_is_filled_in() -> None:
    check_template(SMS)
    assert json.loads(templated_body(SMS, told())) == {
        "to": "+44 20 7946 0999",
        "text": "Alert: angry for 9 s (Alice, 1:07)",
        "n": 1,
    }


@given(st.text(max_size=600))
def test_no_value_leaves_its_text(value: str) -> None:
    body = templated_body(
        '{"a": ["{reason}", {"{b}": "x {agent}"}]}', told(reason=value, agent=value)
    )
    filled = json.loads(body)
    shown = (value or "unknown")[:500]
    assert filled == {"a": [shown, {"{b}": f"x {shown}"}]}


def test_every_placeholder_can_be_filled() -> None:
    template = json.dumps({name: f"{{{name}}}" for name in VALUES})
    check_template(template)
    assert "{" not in "".join(json.loads(templated_body(template, told())).values())


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{", "JSON"),
        ('{"a": {reason}}', "JSON"),
        ('"{reason}"', "JSON object"),
        ('["{reason}"]', "JSON object"),
        ('{"a": NaN}', "JSON"),
        ('{"a": "{transcript}"}', r"no \{transcript\}"),
        ('{"a": "{__class__}"}', "no {__class__}"),
        (json.dumps({"a": "x" * 4000}), "4,000"),
        (json.dumps({"a": "{reason}" * 51}), "50 placeholders"),
        ('{"a":' + "[" * 3000, "JSON"),
    ],
)
def test_what_is_no_template_is_refused(template: str, why: str) -> None:
    with pytest.raises(TemplateUnusable, match=why):
        check_template(template)
