"""A push's form as it comes in: small fields are kept in memory, the recording goes straight to the
uploads folder, whichever comes first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from fastapi import HTTPException, Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool

from api.limits import FORM_BYTES
from models.stores import Incoming

Answer = TypeVar("Answer")
RECORDING_NAMES = ("recording", "file")
MAX_PARTS = 20
BLOCK_BYTES = 1 << 20


class PushForm:
    """Takes a multipart form apart, block by block.

    `filename` is None until the recording begins; its bytes wait in `sound` until somebody takes
    them. What cannot be used raises HTTPException: 400 for what is no form, 422 for wrong parts.
    """

    def __init__(self, content_type: str) -> None:
        self.fields: dict[str, str] = {}
        self.filename: str | None = None
        self.sound = bytearray()
        self._header, self._value = bytearray(), bytearray()
        self._disposition = b""
        self._name: str | None = None  # of the field that comes in; None within the recording
        self._text = bytearray()
        self._parts = self._fields_bytes = 0
        self._ended = False
        boundary = parse_options_header(content_type)[1].get(b"boundary")
        if not boundary:
            raise HTTPException(400, "the content type of the form names no boundary")
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin_part,
                    "on_header_field": lambda data, start, end: self._header.extend(
                        data[start:end]
                    ),
                    "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._begin_content,
                    "on_part_data": self._take_content,
                    "on_part_end": self._end_part,
                    "on_end": self._end,
                },
            )
        except FormParserError as error:
            raise HTTPException(400, "the boundary of the form is too long") from error

    def feed(self, block: bytes) -> None:
        """Take the next bytes of the body."""
        try:
            self._parser.write(block)
        except FormParserError as error:
            raise HTTPException(400, "the body is not the form that its headers say") from error

    def take_sound(self) -> bytes:
        """The recording's bytes that wait."""
        sound = bytes(self.sound)
        self.sound.clear()
        return sound

    def finish(self) -> None:
        """The body is at its end: the form must be, too."""
        if not self._ended:
            raise HTTPException(400, "the form breaks off before its end; nothing was stored")
        if self.filename is None:
            raise HTTPException(
                422, "recording: the form needs the file in a field named `recording`"
            )

    def _begin_part(self) -> None:
        self._disposition = b""
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise HTTPException(422, f"the form has more than {MAX_PARTS} parts")

    def _end_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._header.clear()
        self._value.clear()

    def _begin_content(self) -> None:
        options = parse_options_header(self._disposition)[1]
        name = options.get(b"name", b"").decode(errors="replace")
        if not name:
            raise HTTPException(400, "a part of the form has no name")
        if name not in RECORDING_NAMES:
            self._name = name
            return
        if b"filename" not in options:
            raise HTTPException(
                422, f"{name}: send the file itself; a path or an address is pushed as JSON"
            )
        if self.filename is not None:
            raise HTTPException(422, f"{name}: one recording for one call")
        self._name = None
        self.filename = options[b"filename"].decode(errors="replace")

    def _take_content(self, data: bytes, start: int, end: int) -> None:
        if self._name is None:
            self.sound += data[start:end]
            return
        self._fields_bytes += end - start
        if self._fields_bytes > FORM_BYTES:
            raise HTTPException(
                422,
                f"{self._name[:40]}: the fields beside `recording` may have "
                f"{FORM_BYTES / 1e6:.0f} MB in all",
            )
        self._text += data[start:end]

    def _end_part(self) -> None:
        if self._name is None:
            return
        try:
            self.fields[self._name] = self._text.decode()
        except UnicodeDecodeError as error:
            raise HTTPException(422, f"{self._name[:40]}: not UTF-8") from error
        self._text.clear()

    def _end(self) -> None:
        self._ended = True


async def receive_upload(
    request: Request,
    *,
    begin: Callable[[dict[str, str], str], Incoming],
    keep: Callable[[dict[str, str], Incoming], Answer],
) -> Answer:
    """Read a push's form, its recording onto the disk, and return what `keep` makes of it; what
    `keep` does not keep, and what breaks off, is dropped.

    `begin` is told the fields that stand before the recording and the file's name, once the first
    `BLOCK_BYTES` are there; it opens where the recording goes, or raises instead of having it read.
    `keep` is told all fields. Both run in a thread. Raises HTTPException for the form, and what
    `begin`, `keep` and `Incoming.write` raise.
    """
    form = PushForm(request.headers["content-type"])
    incoming: Incoming | None = None

    def write() -> Incoming:
        nonlocal incoming
        if incoming is None:
            incoming = begin(form.fields, form.filename or "")
        incoming.write(form.take_sound())
        return incoming

    def finish() -> Answer:
        return keep(form.fields, write())

    try:
        async for block in request.stream():
            form.feed(block)
            if len(form.sound) >= BLOCK_BYTES:
                await run_in_threadpool(write)
        form.finish()
        # For most recordings this is all that waits for the disk, and the only change of thread.
        return await run_in_threadpool(finish)
    finally:
        if incoming is not None:
            incoming.drop()
