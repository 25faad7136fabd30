"""The open count: signed heads and proofs. The leaves themselves are files, whose addresses are told."""

from typing import Any

from flask import Response

from quilt.contests.rules import is_voting_over, shows_counts
from quilt.ledger.heads import decode_head
from quilt.votes.ledgers import (
    LedgerFacts,
    ShownHead,
    find_head,
    find_ledger,
    list_heads_from,
    prove_consistency,
    prove_inclusion,
    read_leaf_hash,
)
from quilt.web.api.answers import answer_public, build_page, make_url, read_page
from quilt.web.api.finding import get_contest
from quilt.web.api.guards import read_query
from quilt.web.api.operations import operation
from quilt.web.api.problems import refuse
from quilt.web.api.shapes import ADDRESS, FLAG, HEX, INSTANT, NUMBER, TEXT, many, page, thing
from quilt.web.api.table import PAGED, Operation, Query
from quilt.web.clock import now

HEAD = thing(number=NUMBER, size=NUMBER, at=INSTANT, root=HEX, line=TEXT)
LEDGER = thing(contest=TEXT, name=TEXT, opened_at=INSTANT, is_open=FLAG, head=HEAD, files_url=ADDRESS)
INCLUSION = thing(leaf=NUMBER, size=NUMBER, leaf_hash=HEX, path=many(HEX), root=HEX)
CONSISTENCY = thing(**{"from": NUMBER, "to": NUMBER, "path": many(HEX), "from_root": HEX, "to_root": HEX})
_ADDRESS = "/contests/<slug>/ledger"


@operation(
    Operation(
        "show_ledger", "GET", _ADDRESS, "A contest’s ledger and its last signed head.", "Ledger", LEDGER
    )
)
def show_ledger(slug: str) -> Response:
    """The ledger as of its last head."""
    contest, moment = get_contest(slug), now()
    ledger = _get_ledger(contest.id)
    head = ShownHead(ledger.head_number, ledger.size, ledger.head_at, ledger.head_line)
    is_live = contest.policy.counts == "live" and shows_counts(contest.phases, moment)
    return answer_public(
        {
            "contest": contest.slug,
            "name": ledger.name,
            "opened_at": ledger.opened_at,
            "is_open": is_live or is_voting_over(contest.phases, moment),
            "head": _tell_head(head),
            "files_url": make_url(f"/contests/{contest.slug}/ledger"),
        }
    )


@operation(
    Operation(
        "list_heads",
        "GET",
        f"{_ADDRESS}/heads",
        "Every signed head, the oldest first.",
        "Ledger",
        page(HEAD),
        PAGED,
    )
)
def show_heads(slug: str) -> Response:
    """A page of signed heads."""
    ledger = _get_ledger(get_contest(slug).id)
    first, limit = read_page()
    heads = list_heads_from(ledger.contest_id, first, limit + 1)
    return answer_public(build_page(heads, limit, _tell_head, lambda head: head.number + 1))


@operation(Operation(
    "prove_leaf", "GET", f"{_ADDRESS}/proof", "That a leaf stands below a head (RFC 9162, 2.1.3).", "Ledger", INCLUSION,
    (Query("leaf", "integer", "Which leaf, counted from 0.", is_needed=True),
     Query("size", "integer", "The leaves below the head; by default those of the last one.")),
))  # fmt: skip
def prove_leaf(slug: str) -> Response:
    """The way from a leaf to the root of a signed head."""
    ledger = _get_ledger(get_contest(slug).id)
    leaf, size = read_query("leaf"), read_query("size")
    size = ledger.size if size is None else size
    root = _get_root(ledger, size)
    if leaf >= size:
        refuse(404, "no_leaf", f"There is no leaf {leaf} below the head of {size} leaves.")
    proof = prove_inclusion(ledger.contest_id, leaf, size)
    return answer_public(
        {
            "leaf": leaf,
            "size": size,
            "leaf_hash": read_leaf_hash(ledger.contest_id, leaf).hex(),
            "path": [node.hex() for node in proof.path],
            "root": root,
        }
    )


@operation(Operation(
    "prove_growth", "GET", f"{_ADDRESS}/consistency", "That an earlier head begins a later one (RFC 9162, 2.1.4).",
    "Ledger", CONSISTENCY,
    (Query("from", "integer", "The leaves below the earlier head.", is_needed=True),
     Query("to", "integer", "The leaves below the later one; by default the last.")),
))  # fmt: skip
def prove_growth(slug: str) -> Response:
    """That nothing before was changed."""
    ledger = _get_ledger(get_contest(slug).id)
    old, new = read_query("from"), read_query("to")
    new = ledger.size if new is None else new
    roots = [_get_root(ledger, size) for size in (old, new)]
    if old > new:
        refuse(422, "bad_field", "The ledger only grows: `from` is not larger than `to`.")
    path = [node.hex() for node in prove_consistency(ledger.contest_id, old, new)]
    return answer_public({"from": old, "to": new, "path": path, "from_root": roots[0], "to_root": roots[1]})


def _get_ledger(contest_id: int) -> LedgerFacts:
    ledger = find_ledger(contest_id)
    if ledger is None:
        refuse(404, "no_ledger", "Voting has not begun in this contest, so it has no ledger yet.")
    return ledger


def _get_root(ledger: LedgerFacts, size: int) -> str:
    head = find_head(ledger.contest_id, size)
    if head is None:
        refuse(404, "no_head", f"No signed head has {size} leaves. The list of heads has those there are.")
    return _root_of(head.line)


def _root_of(line: str) -> str:
    return decode_head(line.encode()).head.root.hex()


def _tell_head(head: ShownHead) -> dict[str, Any]:
    return {
        "number": head.number,
        "size": head.size,
        "at": head.at,
        "root": _root_of(head.line),
        "line": head.line,
    }
