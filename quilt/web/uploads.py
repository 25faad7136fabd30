"""Large uploads: the body goes to disk as it comes, no database transaction is open meanwhile."""

import errno
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from flask import abort, current_app, request
from flask_wtf.csrf import CSRFError, validate_csrf
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser
from wtforms import ValidationError

from quilt.database import db

FORM_ROOM = 64 * 1024  # bytes for the fields and headers around the file
FORM_MEMORY = 512 * 1024  # the parser counts the piece it has just read, too
MOST_PARTS = 20


class UploadTooLarge(Exception):
    """The body says that it is larger than what may come, or turns out to be."""


@dataclass(frozen=True)
class Upload:
    """A file that was received whole; the caller moves it away or throws it away."""

    path: Path
    name: str


def receive_upload(
    field: str, folder: Path, most_bytes: int, entropy: Callable[[int], bytes]
) -> Upload | None:
    """Read this request's multipart body, its file `field` into `folder`; None when no file was chosen.

    Raises UploadTooLarge beyond `most_bytes`. Answers 400 for a body that breaks off, 403 for a form that is not ours, 503
    where the disk is full. Only a file that is whole stays in the folder. The form's token can only be
    checked once the body is read: views that call this are exempt from the check in front of all views.
    """
    db.session.close()
    request.max_content_length = most_bytes + FORM_ROOM
    parts: list[_Part] = []

    def open_part(filename: str | None = None, **_: object) -> IO[bytes]:
        part = _Part(folder / entropy(16).hex(), filename or "")
        parts.append(part)
        return part.file

    kept = None
    try:
        kept = _read_body(field, open_part, parts)
    except RequestEntityTooLarge as refused:
        raise UploadTooLarge from refused
    except ValueError:
        abort(400)
    except OSError as failed:
        if failed.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        abort(503, "We are out of space for a moment. Your draft is saved; try again in a few minutes.")
    finally:
        for part in parts:
            part.file.close()
            if part is not kept:
                part.path.unlink(missing_ok=True)
    return None if kept is None else Upload(kept.path, kept.name)


class _Part:
    """One file part on its way to disk."""

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name = path, name
        self.file: IO[bytes] = path.open("xb+")


def _read_body(field: str, open_part: Callable[..., IO[bytes]], parts: list[_Part]) -> _Part | None:
    parser = FormDataParser(
        open_part, max_form_memory_size=FORM_MEMORY, max_form_parts=MOST_PARTS, silent=False
    )
    _, form, files = parser.parse(
        request.stream, request.mimetype, request.content_length, request.mimetype_params
    )
    _check_token(form.get("csrf_token") or request.headers.get("X-CSRFToken"))
    sent = files.get(field)
    if sent is None or not sent.filename:
        return None
    sent.stream.flush()
    return next((part for part in parts if part.file is sent.stream), None)


def _check_token(token: str | None) -> None:
    if not current_app.config.get("WTF_CSRF_ENABLED", True):
        return
    try:
        validate_csrf(token)
    except ValidationError as refused:
        raise CSRFError(str(refused)) from None
