"""Routes by which people edit lexicons: draft, exclude, publish, retire."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from api.bodies import LexiconBody, parse_json
from api.deps import AdminDep, LexiconName, QueueDep, ReadingDep, WritingDep
from api.errors import documented
from api.lexicon_views import (
    Drafted,
    DraftedFromCsv,
    LexiconTable,
    LineView,
    Published,
    Retired,
)
from api.lexicons import stored_lexicon
from api.rematches import start_retag
from lexicons.catalogue import load_catalogue
from lexicons.changes import exclude
from lexicons.checking import MOST_PROBLEMS, LexiconUnusableError, Problem, check, read_table
from lexicons.lexicon import as_table, from_table
from models.lexicon import drop_draft, lock_lexicons, publish, retire, save_draft, table_of

router = APIRouter(prefix="/lexicons", tags=["lexicons"])

MOST_LINES = 1000
EXAMPLE_TABLE: dict[str, Any] = {
    "purpose": "product",
    "terms": [
        {"text": "bearing 204", "forms": ["bearing 204 zz"]},
        {"text": "cordless drill", "mode": "stem", "unless": ["drill down"]},
    ],
}
EXAMPLE_CSV = "article,name,synonyms\n6204-2RS,deep groove ball bearing,bearing 204; 204 bearing\n"


class Exclusion(BaseModel):
    """Words that speak against a term where they are near it."""

    model_config = ConfigDict(extra="forbid")

    term: str = Field(max_length=200, examples=["bearing"], description="The text of a term.")
    phrase: str = Field(max_length=200, examples=["in mind"])


@router.put(
    "/{name}/draft",
    responses=documented(401, 403, 413, 422),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": LexiconTable.model_json_schema(
                        ref_template="#/components/schemas/{model}"
                    ),
                    "example": EXAMPLE_TABLE,
                }
            },
        }
    },
)
def put_draft(session: WritingDep, key: AdminDep, name: LexiconName, body: LexiconBody) -> Drafted:
    """Save a draft in the place of the one before; a new name makes a lexicon.

    Nothing is saved where a term cannot work: 422 names each and what to do, 100 at most.
    """
    lexicon = read_table(parse_json(body), source=name, name=name)
    version = save_draft(session, as_table(lexicon), by=key.name)
    return Drafted(name=name, version=version, terms=len(lexicon.terms))


@router.post(
    "/{name}/draft/csv",
    responses=documented(401, 403, 413, 422),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"text/csv": {"schema": {"type": "string"}, "example": EXAMPLE_CSV}},
        }
    },
)
def post_csv(
    session: WritingDep, key: AdminDep, name: LexiconName, body: LexiconBody
) -> DraftedFromCsv:
    """Make a draft of a product list: article number, name, synonyms. What of its lines cannot be
    found in speech is left out, and named by line.
    """
    catalogue = load_catalogue(body, name=name, source=name)
    problems = [LineView(line=one.line, reason=str(one)) for one in catalogue.problems]
    if not catalogue.lexicon.terms:
        first = [
            Problem(None, f"line {one.line}: {one.reason}") for one in problems[:MOST_PROBLEMS]
        ]
        raise LexiconUnusableError(
            name,
            first or [Problem(None, f"{name}: the file has no lines with products")],
            more=len(problems) > MOST_PROBLEMS,
        )
    check(catalogue.lexicon, source=name)
    version = save_draft(session, as_table(catalogue.lexicon), by=key.name)
    return DraftedFromCsv(
        name=name,
        version=version,
        terms=len(catalogue.lexicon.terms),
        problem_count=len(problems),
        problems=problems[:MOST_LINES],
    )


@router.delete("/{name}/draft", status_code=204, responses=documented(401, 403, 404, 422))
def delete_draft(session: WritingDep, _key: AdminDep, name: LexiconName) -> None:
    """Throw the draft away. A lexicon that was never published goes with it."""
    if not drop_draft(session, name):
        raise HTTPException(404, f"{name} has no draft")


@router.post("/{name}/exclusions", responses=documented(401, 403, 404, 422))
def post_exclusion(
    session: WritingDep, key: AdminDep, name: LexiconName, exclusion: Exclusion
) -> Drafted:
    """Add a phrase to the `unless` of a term in the draft, which is made of what is published where
    there is none. Publish it to have it count.
    """
    lock_lexicons(session)
    table = table_of(session, name, draft=True)
    lexicon = stored_lexicon(session, name) if table is None else from_table(table, source=name)
    lexicon = exclude(lexicon, exclusion.term, exclusion.phrase)
    version = save_draft(session, as_table(lexicon), by=key.name)
    return Drafted(name=name, version=version, terms=len(lexicon.terms))


@router.post("/{name}/publish", responses=documented(401, 403, 404, 409, 422))
def post_publish(
    before: ReadingDep, session: WritingDep, queue: QueueDep, key: AdminDep, name: LexiconName
) -> Published:
    """Have the draft find hits from now on, and start the retag of stored calls.

    Nothing is published where a term cannot work: 422 names each and what to do.
    """
    check(stored_lexicon(before, name, draft=True), source=name)
    version = publish(session, name, by=key.name)
    if version is None:
        raise HTTPException(409, f"{name} has no draft any more: somebody published or dropped it")
    return Published(version=version, retag=start_retag(session, queue, by=key.name))


@router.delete("/{name}", responses=documented(401, 403, 404, 422))
def delete_lexicon(
    session: WritingDep, queue: QueueDep, key: AdminDep, name: LexiconName
) -> Retired:
    """Have a lexicon find nothing any more, and start the retag that removes its hits. Its versions
    stay; publishing a draft brings it back.
    """
    if not retire(session, name, by=key.name):
        raise HTTPException(404, f"there is no lexicon {name} that finds anything")
    return Retired(retag=start_retag(session, queue, by=key.name))
