"""Routes of alert rules: read, write, switch, and try them on stored calls."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, HTTPException, Path, Request

from api.deps import AdminDep, CanRead, ReadingDep, WritingDep
from api.errors import documented
from api.rule_views import (
    DEFINITION,
    CallsToTry,
    RulesView,
    RuleToSave,
    RuleToTest,
    RuleView,
    TrialView,
)
from api.view import check_name
from models.alert_rule import (
    AlertRule,
    delete_rule,
    find_rule,
    list_rules,
    save_rule,
    switch_rule,
)
from models.query import BadQuery
from workers.rules import RuleError, RuleTable
from workers.rules.book import as_text, stored_table
from workers.rules.definition import MAX_NAME_CHARS, NAME_PATTERN
from workers.rules.trial import try_rule

router = APIRouter(prefix="/rules", tags=["alerts"])

RuleName = Annotated[
    str,
    Path(
        min_length=1,
        max_length=MAX_NAME_CHARS,
        pattern=NAME_PATTERN,
        examples=["angry-or-abusive"],
    ),
]


@router.get("", dependencies=[CanRead], responses=documented(401, 403))
def get_rules(session: ReadingDep) -> RulesView:
    """All rules, by name, those that are off too."""
    return RulesView(items=[RuleView.of(rule) for rule in list_rules(session)])


@router.post("/test", responses=documented(401, 403, 422))
def post_test(request: Request, _key: AdminDep, wanted: RuleToTest) -> TrialView:
    """Find out on which stored calls a rule would have fired, and how often a day; nothing is
    written. After 20 s no more calls are looked at, and the answer says so.
    """
    return _tried(request, wanted.definition, wanted)


@router.get("/{rule}", dependencies=[CanRead], responses=documented(401, 403, 404, 422))
def get_rule(session: ReadingDep, rule: RuleName) -> RuleView:
    """One rule."""
    return RuleView.of(_there(find_rule(session, rule), rule))


@router.put("/{rule}", responses=documented(401, 403, 409, 422))
def put_rule(
    session: WritingDep,
    key: AdminDep,
    rule: RuleName,
    wanted: Annotated[RuleToSave, Body(examples=[DEFINITION])],
) -> RuleView:
    """Add a rule, or say all of one anew. It holds for the next call that is heard; alerts that
    were raised stay as they are. A new rule is off unless `enabled` says otherwise.
    """
    check_name(wanted.name, rule)
    return RuleView.of(save_rule(session, rule, as_text(wanted), by=key.name))


@router.delete("/{rule}", status_code=204, responses=documented(401, 403, 404, 422))
def delete_one(session: WritingDep, _key: AdminDep, rule: RuleName) -> None:
    """Delete a rule; its alerts stay."""
    if not delete_rule(session, rule):
        raise _no_rule(rule)


@router.post("/{rule}/test", responses=documented(401, 403, 404, 422))
def post_test_of(
    request: Request,
    session: ReadingDep,
    _key: AdminDep,
    rule: RuleName,
    wanted: CallsToTry | None = None,
) -> TrialView:
    """The same for a stored rule, on or off."""
    stored = _there(find_rule(session, rule), rule)
    try:
        table = stored_table(stored)
    except RuleError as error:
        raise BadQuery("rule", str(error)) from error
    return _tried(request, table, wanted or CallsToTry())


@router.post("/{rule}/enable", responses=documented(401, 403, 404, 422))
def post_enable(session: WritingDep, key: AdminDep, rule: RuleName) -> RuleView:
    """Judge calls by a rule from the next one on."""
    return RuleView.of(_there(switch_rule(session, rule, enabled=True, by=key.name), rule))


@router.post("/{rule}/disable", responses=documented(401, 403, 404, 422))
def post_disable(session: WritingDep, key: AdminDep, rule: RuleName) -> RuleView:
    """Judge calls by a rule no more; its alerts stay."""
    return RuleView.of(_there(switch_rule(session, rule, enabled=False, by=key.name), rule))


def _tried(request: Request, table: RuleTable, on: CallsToTry) -> TrialView:
    engine = request.app.state.engine
    return TrialView.of(try_rule(engine, table, since=on.since, until=on.until, most=on.most))


def _there(found: AlertRule | None, name: str) -> AlertRule:
    if found is None:
        raise _no_rule(name)
    return found


def _no_rule(name: str) -> HTTPException:
    return HTTPException(404, f"there is no rule {name}: GET /rules lists them")
