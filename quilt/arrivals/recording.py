"""Visits on their way into the tables, one or many in a transaction: a page's nonce counts one visitor."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from quilt.arrivals.models import UsedNonce
from quilt.arrivals.nodes import (
    Node,
    Visit,
    describe_event,
    find_or_add_node,
    find_or_add_nodes,
    put_in_inbox,
)
from quilt.database import insert_if_new
from quilt.prepared import Prepared, PreparedRows, insert_asked
from quilt.spread.codes import Entropy
from quilt.writing import runs_together

Call = tuple[Visit, bytes | None, datetime, Entropy]
_nonces = UsedNonce.__table__
_COLUMNS = ("nonce", "used_at")
_USE_NONCE = Prepared(lambda dialect: insert_if_new(_nonces, dialect, "nonce"), _COLUMNS)
_USE_NONCES = PreparedRows(
    {name: _nonces.c[name] for name in _COLUMNS},
    lambda dialect, asked: insert_asked(insert_if_new(_nonces, dialect), asked).returning(_nonces.c.nonce),
)


class NonceUsed(Exception):
    """This page's nonce has counted somebody else already."""


def record_many(connection: Connection, calls: Sequence[Call]) -> list[Node | NonceUsed]:
    """Count visits, each as `record_one` would, and return for each the visitor's node or why it was refused."""
    is_fresh = _use_nonces(connection, calls)
    fresh = [place for place, _ in enumerate(calls) if is_fresh[place]]
    found = find_or_add_nodes(connection, [_without_nonce(calls[place]) for place in fresh])
    outcomes: list[Node | NonceUsed] = [NonceUsed()] * len(calls)
    for place, node in zip(fresh, found, strict=True):
        outcomes[place] = node or find_or_add_node(connection, *_without_nonce(calls[place]))
    put_in_inbox(connection, [_describe(calls[place][0], outcomes[place]) for place in fresh])
    for place, (visit, _, now, entropy) in enumerate(calls):
        if not is_fresh[place]:
            outcomes[place] = _find_known(connection, visit, now, entropy)
    return outcomes


@runs_together(record_many)
def record_one(
    connection: Connection, visit: Visit, nonce: bytes | None, now: datetime, entropy: Entropy
) -> Node:
    """Count a visit once. Raises NonceUsed, possibly after changes: the caller takes them back."""
    is_fresh = nonce is None or _USE_NONCE.scalar(connection, {"nonce": nonce, "used_at": now}) is not None
    node = find_or_add_node(connection, visit, now, entropy)
    if not is_fresh and node.is_new:
        raise NonceUsed
    if is_fresh:
        put_in_inbox(connection, [_describe(visit, node)])
    return node


def _use_nonces(connection: Connection, calls: Sequence[Call]) -> list[bool]:
    """For each visit whether it is the first with its page's nonce."""
    first = {
        nonce: place for place, (_, nonce, _, _) in reversed(list(enumerate(calls))) if nonce is not None
    }
    rows = [{"nonce": nonce, "used_at": calls[first[nonce]][2]} for nonce in sorted(first)]
    used = {first[bytes(row.nonce)] for row in _USE_NONCES.rows(connection, rows)}
    return [nonce is None or place in used for place, (_, nonce, _, _) in enumerate(calls)]


def _find_known(connection: Connection, visit: Visit, now: datetime, entropy: Entropy) -> Node | NonceUsed:
    """The node of somebody who comes again with a used nonce; nobody is added by one."""
    savepoint = connection.begin_nested()
    node = find_or_add_node(connection, visit, now, entropy)
    if node.is_new:
        savepoint.rollback()
        return NonceUsed()
    savepoint.commit()
    return node


def _without_nonce(call: Call) -> tuple[Visit, datetime, Entropy]:
    visit, _, now, entropy = call
    return visit, now, entropy


def _describe(visit: Visit, node: Node | NonceUsed) -> dict[str, object]:
    assert isinstance(node, Node)
    return describe_event(visit.entry_id, node.arrival_id, is_new=node.is_new, returns=int(not node.is_new))
