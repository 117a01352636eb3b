"""The commands `overtone subscriptions`: who is told of alerts, on the database of this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any, NoReturn

import typer
from pydantic import ValidationError

from api.subscription_shapes import SubscriptionToSave, SubscriptionView
from api.subscriptions import check_wanted
from models.alert_rule import list_rules
from models.db import connect, migrate, reading, writing
from models.delivery import Counts, count_deliveries, try_now, why_waiting
from models.query import BadQuery
from models.subscription import (
    DIGEST_MINUTES,
    KINDS,
    MAX_NAME_CHARS,
    Subscription,
    SubscriptionConflict,
    find_subscription,
    forget_subscription,
    list_subscriptions,
    save_subscription,
)
from settings import Settings, read_settings
from workers.rules.book import seed_alert_rules
from workers.sending.courier import Courier

subscriptions = typer.Typer(
    help="Who is told of alerts: list, add, test, remove.", no_args_is_help=True
)
Many = list[str] | None
FILTER_WORDS = {
    "severities": "severity",
    "rules": "rule",
    "kinds": "event",
    "agents": "agent",
    "lines": "line",
}


@subscriptions.command("list")
def show() -> None:
    """List subscriptions and how their deliveries stand."""
    settings = _with_database()
    with reading(connect(settings.database)) as session:
        counts = count_deliveries(session)
        for row in list_subscriptions(session):
            of_it = counts.get(row.id or 0, Counts())
            state = "" if row.enabled else f"  disabled {row.disabled_reason or ''}".rstrip()
            error = why_waiting(session, row.id) if of_it.waiting else None
            why = f"  not delivered: {error}" if error else ""
            where = row.url or ", ".join(row.addresses)
            typer.echo(
                f"{row.name}  {row.kind}  {where}  waiting {of_it.waiting}  "
                f"parked {of_it.parked}{_only(row)}{state}{why}"
            )


@subscriptions.command("add")
def add(
    name: Annotated[str, typer.Argument(help="What it is called.")],
    url: Annotated[str | None, typer.Option(help="Where to post to.")] = None,
    kind: Annotated[
        str | None, typer.Option(help=f"Any of {', '.join(KINDS)}; webhook when left out.")
    ] = None,
    address: Annotated[Many, typer.Option(help="Whom to mail; may be given again.")] = None,
    severity: Annotated[Many, typer.Option(help="Only of these severities.")] = None,
    rule: Annotated[Many, typer.Option(help="Only of these rules.")] = None,
    event: Annotated[Many, typer.Option(help="Only these kinds of events, as raised.")] = None,
    agent: Annotated[Many, typer.Option(help="Only calls of these agents.")] = None,
    line: Annotated[Many, typer.Option(help="Only calls to these numbers.")] = None,
    escalates_to: Annotated[str | None, typer.Option(help="Told when one is overdue.")] = None,
    digest_minutes: Annotated[
        int | None, typer.Option(help=f"How long a mail collects; {DIGEST_MINUTES} when left out.")
    ] = None,
) -> None:
    """Make a subscription, or change the one of this name, of which stays what is left out here,
    and which is enabled again. The secret of a new webhook is shown, this once.
    """
    if not name.strip() or len(name) > MAX_NAME_CHARS or not name.isprintable() or "/" in name:
        raise typer.BadParameter(
            f"a name has up to {MAX_NAME_CHARS} printable characters and no slash"
        )
    filters = {"severities": severity, "rules": rule, "kinds": event, "agents": agent}
    filters["lines"] = line
    asked = {"kind": kind, "url": url, "addresses": address, "escalates_to": escalates_to}
    settings = _with_database()
    engine = connect(settings.database)
    try:
        with reading(engine) as session:
            row = find_subscription(session, name)
        body: dict[str, Any] = {"kind": "webhook", "filters": {}}
        if row is not None:
            body = SubscriptionView.of(row).model_dump(mode="json")
        body |= _given({**asked, "digest_minutes": digest_minutes})
        body |= {"filters": body["filters"] | _given(filters), "enabled": True}
        wanted = SubscriptionToSave.model_validate(body).wanted()
        check_wanted(wanted, Courier.of(settings))
        if rule:
            seed_alert_rules(engine, settings)
        with writing(engine) as session:
            known = {one.name for one in list_rules(session)}
            row, is_new = save_subscription(session, name, wanted)
            try_now(session, row.id)
            session.commit()
    except ValidationError as error:
        _give_up("; ".join(_in_words(detail) for detail in error.errors()), 2)
    except BadQuery as error:
        _give_up(str(error), 2)
    except SubscriptionConflict as error:
        _give_up(str(error), 1)
    typer.echo(f"{name} is {'made' if is_new else 'changed'}")
    if is_new and row.secret is not None:
        typer.echo(f"secret   {row.secret}   (shown this once)")
    for missing in sorted(set(rule or ()) - known):
        typer.echo(
            f"overtone: warning: there is no rule {missing}, so nothing is sent for it: "
            "`overtone rules list` lists them",
            err=True,
        )


@subscriptions.command("test")
def test(name: Annotated[str, typer.Argument(help="Which one.")]) -> None:
    """Send it a test event now, and print what came back."""
    settings = _with_database()
    with reading(connect(settings.database)) as session:
        row = find_subscription(session, name)
    if row is None:
        _unknown(name)
    outcome = asyncio.run(Courier.of(settings).send_test(row))
    if not outcome.delivered:
        _give_up(f"not delivered after {outcome.ms} ms: {outcome.error}", 1)
    typer.echo(
        f"delivered in {outcome.ms} ms: {outcome.status or 'sent'} {outcome.excerpt}".strip()
    )
    typer.echo(
        f"Not sent: what is found in calls that began more than {settings.alert_days} days ago "
        "(OVERTONE_ALERT_DAYS)"
    )


@subscriptions.command("remove")
def remove(name: Annotated[str, typer.Argument(help="Which one.")]) -> None:
    """Remove a subscription with its deliveries."""
    settings = _with_database()
    try:
        with writing(connect(settings.database)) as session:
            if not forget_subscription(session, name):
                _unknown(name)
            session.commit()
    except SubscriptionConflict as error:
        _give_up(str(error), 1)
    typer.echo(f"{name} is removed")


def _only(row: Subscription) -> str:
    """What it is narrowed to, and whom it escalates to."""
    of_it = [
        f"{word} {', '.join(row.filters[name])}"
        for name, word in FILTER_WORDS.items()
        if row.filters.get(name)
    ]
    told = f"  only {'; '.join(of_it)}" if of_it else ""
    return told + (f"  escalates to {row.escalates_to}" if row.escalates_to else "")


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were not left out."""
    return {name: value for name, value in options.items() if value is not None and value != []}


def _in_words(detail: object) -> str:
    assert isinstance(detail, dict)
    place = ".".join(map(str, detail["loc"]))
    said = str(detail["msg"]).removeprefix("Value error, ")
    return f"{place}: {said}" if place else said


def _unknown(name: str) -> NoReturn:
    _give_up(f"there is no subscription {name}: overtone subscriptions list", 1)


def _give_up(reason: str, status: int) -> NoReturn:
    typer.echo(f"overtone: {reason}", err=True)
    raise typer.Exit(status)


def _with_database() -> Settings:
    settings = read_settings()
    migrate(connect(settings.database))
    return settings
