"""How pages are made: out of templates that escape all they are given, with headers that let a
browser load our own files only.

Their links are relative (`root` leads to where the API begins), so they hold behind a proxy that
puts the API under a path.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse, HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

router = APIRouter(include_in_schema=False)

FOLDER = Path(__file__).parent
FILES = {"page.css": "text/css", "listen.js": "text/javascript"}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "media-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    # Others are never told where somebody came from. With `no-referrer`, browsers would keep the
    # origin of our own forms from ourselves, too, and that is what `api.web.sign_in` goes by.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
templates = Environment(
    loader=FileSystemLoader(FOLDER / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(
    name: str,
    *,
    root: str,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> HTMLResponse:
    """The page of a template, filled in with `values`."""
    text = templates.get_template(f"{name}.html").render(root=root, **values)
    return HTMLResponse(text, status, headers={**(headers or {}), **HEADERS})


@router.get("/web/{name}")
def get_file(name: str) -> FileResponse:
    """What pages are made of beside their text; it needs no key."""
    if name not in FILES:
        raise HTTPException(404, f"there is no {name[:40]} here, only {', '.join(FILES)}")
    return FileResponse(
        FOLDER / "static" / name,
        media_type=FILES[name],
        headers={"X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"},
    )
