"""The commands about alerts: `alerts tail`, `list`, `ack`, `resolve`. All ask the API."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Annotated, Any

import httpx
import typer

from api.client import Client, PushFailed
from api.local import client_of
from api.tail import Message, Tail
from models.alert import AlertStatus, Outcome
from models.columns import now

alerts = typer.Typer(
    help="Alerts: follow them as they happen, list, acknowledge, resolve.", no_args_is_help=True
)

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
Url = Annotated[str, typer.Option(help="The API; this machine's when left out.")]
Key = Annotated[str, typer.Option(help="An API key (better: OVERTONE_KEY).")]
Severities = Annotated[
    list[str] | None, typer.Option("--severity", help="low, medium, high, critical; or several.")
]
Rules = Annotated[list[str] | None, typer.Option("--rule", help="Of this rule; or several.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
By = Annotated[str, typer.Option(help="Who; the key's name when left out.")]
Number = Annotated[int, typer.Argument(help="The alert's number.")]


@alerts.command()
def tail(
    severity: Severities = None,
    rule: Rules = None,
    since: Annotated[
        str, typer.Option(help="Begin so long ago, such as 30m, 1h, 2d; now when left out.")
    ] = "",
    as_json: AsJson = False,
    url: Url = "",
    key: Key = "",
) -> None:
    """Print what becomes of alerts as it happens, until Ctrl-C. Where the connection breaks it
    comes back and goes on where it was.
    """
    parameters: dict[str, Any] = {"severity": severity or [], "rule": rule or []}
    if since:
        parameters["from"] = (now() - ago(since)).isoformat()

    def say_why(reason: str) -> None:
        typer.echo(f"overtone: {plain(reason)}; coming back", err=True)

    with _asking(url, key) as client:
        for message in Tail(client.http, parameters, on_break=say_why):
            typer.echo(_as_json(message) if as_json else describe(message))


@alerts.command("list")
def show(
    status: Annotated[
        list[AlertStatus] | None, typer.Option("--status", help="Where they stand; or several.")
    ] = None,
    severity: Severities = None,
    rule: Rules = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only those that are late.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=200)] = 20,
    as_json: AsJson = False,
    url: Url = "",
    key: Key = "",
) -> None:
    """List alerts, the newest first."""
    parameters: dict[str, Any] = {"order": "newest", "limit": limit, "severity": severity or []}
    parameters |= {"rule": rule or [], "status": [one.value for one in status or ()]}
    if overdue:
        parameters["overdue"] = True
    with _asking(url, key) as client:
        items = client.get("/alerts", **parameters)["items"]
    for alert in items:
        typer.echo(json.dumps(alert, ensure_ascii=False) if as_json else line_of(alert))
    if not items and not as_json:
        typer.echo("no alert matches")


@alerts.command()
def ack(number: Number, by: By = "", url: Url = "", key: Key = "") -> None:
    """Acknowledge a new alert: somebody takes care of it."""
    with _asking(url, key) as client:
        typer.echo(line_of(client.post(f"/alerts/{number}/acknowledge", {"by": by or None})))


@alerts.command("resolve")
def resolve_one(
    number: Number,
    outcome: Annotated[Outcome, typer.Option(help="What came of it.")],
    note: Annotated[str, typer.Option(help="Up to 2,000 characters.")] = "",
    by: By = "",
    url: Url = "",
    key: Key = "",
) -> None:
    """Resolve an acknowledged alert, with what came of it."""
    body = {"outcome": outcome.value, "note": note or None, "by": by or None}
    with _asking(url, key) as client:
        typer.echo(line_of(client.post(f"/alerts/{number}/resolve", body)))


def describe(message: Message) -> str:
    """An event in a line, at the time of this machine's zone."""
    at = datetime.fromisoformat(message.alert["updated_at"]).astimezone()
    return f"{at:%Y-%m-%d %H:%M:%S}  {message.kind:<12}  {line_of(message.alert)}"


def line_of(alert: dict[str, Any]) -> str:
    """An alert in a line: what it is, whose call, from which second, why."""
    late = " overdue" if alert["overdue_at"] and alert["status"] == AlertStatus.NEW else ""
    who = f" {alert['agent']}" if alert["agent"] else ""
    by = alert.get("resolved_by") or alert.get("acknowledged_by")
    status = f"{alert['status']} by {by}" if by else alert["status"]
    if alert.get("outcome"):
        status += f" ({alert['outcome']})"
    return plain(
        f"alert {alert['id']}  {alert['severity']}  {status}{late}  {alert['rule']}  "
        f"call {alert['call_id']} ({alert['external_id']}){who} from {alert['start_s']:.2f} s: "
        f"{alert['reason']}"
    )


def plain(text: str) -> str:
    """Text that cannot tell a terminal what to do."""
    return "".join(character if character.isprintable() else " " for character in text)


def ago(span: str) -> timedelta:
    """How long 90s, 30m, 1h or 2d is. Raises typer's BadParameter for anything else."""
    found = re.fullmatch(r"(\d{1,5})([smhd])", span.strip().lower())
    if found is None:
        raise typer.BadParameter("a span such as 90s, 30m, 1h or 2d", param_hint="--since")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _as_json(message: Message) -> str:
    return json.dumps(
        {"id": message.id, "kind": message.kind, "alert": message.alert}, ensure_ascii=False
    )


@contextmanager
def _asking(url: str, key: str) -> Iterator[Client]:
    """A client of the API; what the API refuses, or that there is none, is one line and status
    1.
    """
    with client_of(url, key) as client:
        try:
            yield client
        except PushFailed as error:
            typer.echo(f"overtone: {plain(str(error))}", err=True)
            raise typer.Exit(1) from error
        except httpx.TransportError as error:
            typer.echo(
                f"overtone: no API answers at {client.http.base_url}: start `overtone up`, or give "
                "--url",
                err=True,
            )
            raise typer.Exit(1) from error
