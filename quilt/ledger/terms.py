"""The terms of counting: what `policy.json` has to say for anybody to recount."""

import json
from dataclasses import dataclass
from typing import Any

from quilt.ledger.canonical import VERSION, Check, is_contest, is_number, is_tag, is_version, one_of
from quilt.ledger.refusals import PolicyRefused

STRONGER, DRAW = "stronger", "draw"


@dataclass(frozen=True, slots=True)
class Terms:
    """How votes become places.

    `tiers` may be counted. `places` are paid, `runners_up` follow them in order. `judges_share` is the judges'
    part of a score in percent. Entries that are level are told apart by `tie_breaks` in order: "stronger" is
    more counted votes of `strong_tiers`, "draw" is the draw by `draw_source`, a public value of the future.
    """

    contest: str
    tiers: tuple[str, ...]
    strong_tiers: tuple[str, ...]
    places: int
    runners_up: int
    judges_share: int
    tie_breaks: tuple[str, ...]
    draw_source: str


def build_policy(terms: Terms, more: dict[str, object]) -> bytes:
    """Return `policy.json`: the terms, and `more` fields that do not decide the count (rules, hashes, zone).

    The bytes are frozen when voting opens; each tree head holds their SHA-256. Raises PolicyRefused for terms
    that cannot be counted by, ValueError when `more` names a field of the terms.
    """
    fields: dict[str, object] = {name: getattr(terms, name) for name in Terms.__slots__}
    if more.keys() & {*fields, "v"}:
        raise ValueError("the terms have these fields already")
    text = json.dumps({"v": VERSION, **fields, **more}, indent=1, sort_keys=True, allow_nan=False) + "\n"
    read_terms(text.encode())
    return text.encode()


def read_terms(policy: bytes) -> Terms:
    """Return the terms in the bytes of `policy.json`. Raises PolicyRefused when some are missing or wrong."""
    try:
        fields = json.loads(policy.decode(), object_pairs_hook=_refuse_doubles)
    except (ValueError, RecursionError):
        raise PolicyRefused("policy.json is not JSON with each name once") from None
    if not isinstance(fields, dict):
        raise PolicyRefused("policy.json is not an object")
    for name, is_right in _SHAPE.items():
        if name not in fields or not is_right(fields[name]):
            raise PolicyRefused(f"policy.json: {name} is missing or not what it has to be")
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value := fields[name], list) else value for name in Terms.__slots__
    }
    return Terms(**values)


def _refuse_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a name comes twice")
    return fields


def _is_list_of(is_right: Check) -> Check:
    return lambda value: (
        isinstance(value, list) and all(map(is_right, value)) and len(set(value)) == len(value)
    )


def _ends_in_draw(value: object) -> bool:
    return isinstance(value, list) and _is_list_of(one_of(STRONGER, DRAW))(value) and value[-1:] == [DRAW]


_SHAPE: dict[str, Check] = {
    "v": is_version,
    "contest": is_contest,
    "tiers": lambda value: bool(value) and _is_list_of(is_tag)(value),
    "strong_tiers": _is_list_of(is_tag),
    "places": lambda value: is_number(value) and value != 0,
    "runners_up": is_number,
    "judges_share": one_of(*range(101)),
    "tie_breaks": _ends_in_draw,
    "draw_source": lambda value: isinstance(value, str) and 0 < len(value) <= 500,
}
