"""The one way in which things are written, so that a hash or a signature of them means something.

JSON in ASCII, keys in order, no spaces, whole numbers only. Whatever would be written differently when written
again (a space, a doubled key, `1.0`, `-0`) is refused, so that no two readers can read one line in two ways.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from quilt.ledger.refusals import LedgerRefused

MAX_LINE_BYTES = 65_536
VERSION = 1

Check = Callable[[object], bool]
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


def encode_fields(fields: Mapping[str, object]) -> bytes:
    """Return the canonical line of `fields`, without a line feed."""
    return _ENCODER.encode(fields).encode("ascii")


def decode_fields(line: bytes) -> dict[str, Any]:
    """Return the fields of a canonical line.

    Raises LedgerRefused for anything that `encode_fields` would not have written.
    """
    if len(line) > MAX_LINE_BYTES:
        raise LedgerRefused(f"a line of {len(line)} bytes is too long")
    try:
        fields = json.loads(line.decode("ascii"))
        is_canonical = isinstance(fields, dict) and encode_fields(fields) == line
    except (ValueError, RecursionError):
        is_canonical = False
    if not is_canonical:
        raise LedgerRefused("a line is not canonical JSON")
    return dict(fields)


def check_fields(fields: Mapping[str, object], shape: Mapping[str, Check]) -> None:
    """Raise LedgerRefused unless `fields` has exactly the names of `shape` and each value passes its check."""
    if fields.keys() != shape.keys():
        raise LedgerRefused(f"the fields are {sorted(fields)}, not {sorted(shape)}")
    for name, is_right in shape.items():
        if not is_right(fields[name]):
            raise LedgerRefused(f"the field {name} is not what it has to be")


def spell_time(at: datetime) -> str:
    """Return an instant in UTC, cut to the second: `2026-05-10T12:40:00Z`. Raises ValueError without a zone."""
    if at.tzinfo is None:
        raise ValueError("an instant needs its zone")
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def spell_hour(at: datetime) -> str:
    """Return the hour of an instant in UTC: `2026-05-10T12Z`. Raises ValueError without a zone."""
    return spell_time(at)[:13] + "Z"


def read_time(text: str) -> datetime:
    """Return the instant that `spell_time` wrote. Raises LedgerRefused for any other text."""
    try:
        at = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise LedgerRefused(f"{text!r} is not a time") from None
    if spell_time(at) != text:
        raise LedgerRefused(f"{text!r} is not a time")
    return at


def one_of(*values: object) -> Check:
    """Return a check for one of `values`, of the same type (True is not 1)."""
    return lambda value: any(type(value) is type(known) and value == known for known in values)


def matching(pattern: str) -> Check:
    """Return a check for text that matches `pattern` from its first to its last character."""
    compiled = re.compile(pattern, re.ASCII)
    return lambda value: isinstance(value, str) and compiled.fullmatch(value) is not None


def is_flag(value: object) -> bool:
    """True or false, nothing that only counts as it."""
    return isinstance(value, bool)


def is_number(value: object) -> bool:
    """A whole number from 0 that fits into 63 bits."""
    return type(value) is int and 0 <= value < 2**63


is_hash = matching("[0-9a-f]{64}")
is_signature = matching("[0-9a-f]{128}")
is_key_id = matching("[0-9a-f]{16}")
is_contest = matching("[a-z0-9][a-z0-9-]{0,63}")
is_tag = matching("[a-z0-9][a-z0-9_.-]{0,31}")
is_receipt_number = matching("[A-Za-z0-9_-]{1,32}")
is_hour = matching("[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3])Z")
is_period = matching(
    "|[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])|[0-9]{4}-W(0[1-9]|[1-4][0-9]|5[0-3])"
)
is_version = one_of(VERSION)


def is_time(value: object) -> bool:
    """A text that `spell_time` could have written."""
    if not isinstance(value, str):
        return False
    try:
        read_time(value)
    except LedgerRefused:
        return False
    return True
