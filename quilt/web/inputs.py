"""What no person typed: bytes that are no UTF-8, zero characters, and numbers that no row has, are refused before
anything reads them."""

from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

from flask import Flask, Request, abort, request
from werkzeug.http import parse_date
from werkzeug.routing import IntegerConverter, Map

from quilt.web.origins import SAFE
from quilt.web.plain import AnyRequest

FORM = "application/x-www-form-urlencoded"
FORMS = (FORM, "multipart/form-data", "")  # what a page's form comes as, or nothing at all
DATES = ("HTTP_IF_MODIFIED_SINCE", "HTTP_IF_UNMODIFIED_SINCE", "HTTP_IF_RANGE")


class FormRequest(Request):
    """A request whose JSON is read by web/json_bodies.py alone: the form library would take any JSON for a form."""

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """Refuse: whoever asks here wants a form."""
        abort(415, "Send this as a form.")

    def _load_form_data(self) -> None:
        """Read the form, whoever asks for it first; a part without a name, or with a zero character, is no person's."""
        super()._load_form_data()
        for name, texts in self.form.lists():
            if name is None or any("\x00" in text for text in (name, *texts)):
                abort(400)


class RowNumber(IntegerConverter):
    """A number in an address that a row can have: what does not fit a column of 64 bits is no address of ours."""

    regex = r"[0-9]{1,19}"

    def __init__(self, url_map: Map, **bounds: int) -> None:
        super().__init__(url_map, **{"max": 2**63 - 1, **bounds})  # type: ignore[arg-type]


def register(app: Flask) -> None:
    """Look at every request first, before the check of the form's token reads the form; before the routes are there."""
    app.url_map.converters["int"] = RowNumber
    app.request_class = FormRequest
    app.before_request_funcs.setdefault(None, []).insert(0, _refuse_unreadable)


def is_readable(encoded: bytes) -> bool:
    """Whether a form's body, or a query, stands for text that a database can keep."""
    raw = unquote_to_bytes(encoded)
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return b"\x00" not in raw


def read_form(request: AnyRequest) -> dict[str, str]:
    """The fields of a small form, the first of each name, as Flask gives them.

    Raises ValueError for what no person typed.
    """
    if request.mimetype != FORM or not is_readable(request.get_data()):
        raise ValueError("This is no form that a person filled in.")
    return dict(reversed(parse_qsl(request.get_data().decode("ascii"), keep_blank_values=True)))


def _refuse_unreadable() -> None:
    if "\x00" in request.path:
        abort(404)
    if b"%00" in request.query_string or b"\x00" in request.query_string:
        abort(400)
    for name in DATES:
        if name in request.environ:
            _drop_impossible_date(name)
    if request.method not in SAFE and request.mimetype == FORM and not is_readable(request.get_data()):
        abort(400)


def _drop_impossible_date(name: str) -> None:
    """A date in the year 99999999999 is no condition; whoever reads it later must not stumble over it."""
    try:
        parse_date(request.environ[name])
    except (OverflowError, ValueError):
        del request.environ[name]
