"""Connected accounts: made after its owner has said yes at the network, used for what they confirm, and erased."""

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update

from quilt.accounts.flows import check_issuer, read_code
from quilt.accounts.proofs import Interrupted, PermissionDenied, ProviderSilent
from quilt.accounts.rules import safe_next
from quilt.config import Settings
from quilt.database import db, transaction
from quilt.shares.connectors.base import Busy, Connector, Errand, KeyRefused, Renewal
from quilt.shares.connectors.table import find_connector
from quilt.shares.granting import Grant, PostTrip, come_back, leave, renew
from quilt.shares.key_returns import give_back, let_go_of
from quilt.shares.models_posting import ConnectFlow, Connection, KeyReturn
from quilt.shares.revoking import Fate
from quilt.shares.sealing import CannotOpen, reseal, seal, unseal

LIFE = timedelta(minutes=10)
MARGIN = timedelta(minutes=2)  # a token that ends so soon is renewed before it is used


class AccountTaken(Interrupted):
    """The account posts for somebody else here already."""


@dataclass(frozen=True, slots=True)
class OwnConnection:
    """A connected account as its owner sees it; `is_usable`: its token has not been refused."""

    id: int
    name: str
    label: str
    handle: str
    permissions: tuple[str, ...]
    connected_at: datetime
    is_usable: bool
    farewell: str


def start_connecting(
    connector: Connector, *, user_id: int, contest_id: int, next_path: str, where: str, settings: Settings,
    now: datetime, entropy: Callable[[int], bytes],
) -> str:  # fmt: skip
    """The address at which the network asks its user. Raises ServerUnknown or ProviderSilent; then nothing is kept."""
    state, verifier = (
        base64.urlsafe_b64encode(entropy(32)).rstrip(b"=").decode(),
        base64.urlsafe_b64encode(entropy(48)).rstrip(b"=").decode(),
    )
    address, facts = leave(PostTrip(connector.provider, settings, now, connector), state, verifier, where)
    with transaction() as session:
        session.execute(delete(ConnectFlow).where(ConnectFlow.created_at < now - LIFE))
        session.add(
            ConnectFlow(
                state_hash=_hash(state), user_id=user_id, connector=connector.provider.name, contest_id=contest_id,
                next_path=safe_next(next_path), sealed=seal(facts, settings.token_keys), created_at=now,
            )
        )  # fmt: skip
    return address


def finish_connecting(
    connector: Connector, arguments: Mapping[str, str], *, user_id: int, settings: Settings, now: datetime
) -> str:
    """Keep the account that the answer brings; returns the way back. The trip is used up, whatever comes of it.

    Raises Interrupted, PermissionDenied or ProviderSilent, each with the way back, and AccountTaken.
    """
    flow = _take_flow(connector, arguments.get("state", ""), user_id, now)
    try:
        facts = unseal(flow.sealed, settings.token_keys)
        check_issuer(facts, arguments.get("iss"))
        trip = PostTrip(connector.provider, settings, now, connector)
        told = arguments.get("code", "").removesuffix(connector.code_ending)
        grant = come_back(trip, facts, read_code({**arguments, "code": told}))
        _keep(connector, grant, user_id, flow.contest_id, settings, now)
    except CannotOpen:
        raise Interrupted("another key", flow.next_path) from None
    except (Interrupted, PermissionDenied, ProviderSilent) as refusal:
        refusal.next_path = flow.next_path
        raise
    return flow.next_path


def disconnect(user_id: int, connection_id: int, settings: Settings, now: datetime) -> Fate | None:
    """Erase the connection and give its keys back. None where it is nobody's of this person.

    Keys without a clear answer are offered again for a while (`key_returns`).
    """
    row = db.session.scalars(
        select(Connection).where(Connection.id == connection_id, Connection.user_id == user_id)
    ).first()
    return None if row is None else erase(row.id, settings, now)


def erase(connection_id: int, settings: Settings, now: datetime) -> Fate:
    """Delete it here, then tell the network."""
    with transaction() as session:
        key_ids = let_go_of(session, Connection.id == connection_id)
    return give_back(key_ids[0], settings, now) if key_ids else Fate.NO_DOOR


def list_connections(user_id: int, settings: Settings) -> list[OwnConnection]:
    """A person's connected accounts on networks that are on, the newest first."""
    rows = db.session.scalars(
        select(Connection).where(Connection.user_id == user_id).order_by(Connection.id.desc())
    ).all()
    found = []
    for row in rows:
        connector = find_connector(row.connector, settings)
        label = connector.provider.label if connector else row.connector.title()
        found.append(
            OwnConnection(
                row.id, row.connector, label, row.handle, connector.permissions if connector else (), row.connected_at,
                connector is not None and bool(row.sealed), connector.farewell if connector else "",
            )
        )  # fmt: skip
    return found


def open_errand(connection_id: int, settings: Settings, now: datetime) -> Errand:
    """An errand with tokens that are good now, renewed where they end soon. Raises KeyRefused or Busy."""
    row = db.session.get(Connection, connection_id, populate_existing=True)
    connector = find_connector(row.connector, settings) if row else None
    if row is None or connector is None or not row.sealed:
        raise KeyRefused("The account is not connected any more. Connect it again, then press “Try again”.")
    try:
        tokens = unseal(row.sealed, settings.token_keys)
    except CannotOpen:
        raise KeyRefused("The key to this account is gone. Connect again, then press “Try again”.") from None
    if row.expires_at is not None and row.expires_at - MARGIN <= now:
        tokens = _renew(row, connector, tokens, settings, now)
    return Errand(connector, settings, now, row.host, row.subject, row.handle, tokens)


def drop_tokens(connection_id: int) -> None:
    """Forget what the network no longer takes; the account stays listed as one to connect again."""
    with transaction() as session:
        session.execute(
            update(Connection).where(Connection.id == connection_id).values(sealed="", expires_at=None)
        )


def keep_tokens(connection_id: int, tokens: dict[str, str], settings: Settings) -> None:
    """Keep tokens that have changed on an errand (a server's nonce)."""
    with transaction() as session:
        session.execute(
            update(Connection)
            .where(Connection.id == connection_id, Connection.sealed != "")
            .values(sealed=seal(tokens, settings.token_keys))
        )


def rotate_keys(settings: Settings) -> tuple[int, int]:
    """Seal every token anew with the first key; returns how many were, and how many no key opens."""
    done = lost = 0
    for table in (Connection, KeyReturn):
        for row_id, sealed in db.session.execute(
            select(table.id, table.sealed).where(table.sealed != "")
        ).all():
            try:
                anew = reseal(sealed, settings.token_keys)
            except CannotOpen:
                lost += 1
                continue
            with transaction() as session:
                changed = session.execute(
                    update(table).where(table.id == row_id, table.sealed == sealed).values(sealed=anew)
                )
                done += int(changed.rowcount)  # type: ignore[attr-defined]
    return done, lost


def _take_flow(connector: Connector, state: str, user_id: int, now: datetime) -> ConnectFlow:
    mine = (
        ConnectFlow.state_hash == _hash(state),
        ConnectFlow.user_id == user_id,
        ConnectFlow.connector == connector.provider.name,
    )
    with transaction() as session:
        flow = session.scalars(select(ConnectFlow).where(*mine)).first()
        gone = session.execute(delete(ConnectFlow).where(*mine))
        taken = int(gone.rowcount)  # type: ignore[attr-defined]
        if flow is not None:
            session.expunge(flow)
    if not state or flow is None or not taken:
        raise Interrupted("no such trip of this person", "/me/connections")
    if not now - LIFE < flow.created_at <= now:
        raise Interrupted("older than ten minutes", flow.next_path)
    return flow


def _keep(
    connector: Connector, grant: Grant, user_id: int, contest_id: int, settings: Settings, now: datetime
) -> None:
    name = connector.provider.name
    with transaction() as session:
        row = session.scalars(
            select(Connection)
            .where(
                Connection.connector == name,
                Connection.host == grant.host,
                Connection.subject == grant.subject,
            )
            .with_for_update()
        ).first()
        if row is not None and row.user_id != user_id:
            raise AccountTaken("an account of somebody else's profile")
        if row is None:
            row = Connection(
                user_id=user_id, connector=name, host=grant.host, subject=grant.subject, connected_at=now
            )
            session.add(row)
        row.contest_id, row.handle, row.scopes = contest_id, grant.handle, grant.scopes
        row.most_characters, row.expires_at = grant.most_characters, grant.expires_at
        row.sealed = seal(grant.tokens, settings.token_keys)


def _renew(
    row: Connection, connector: Connector, tokens: dict[str, str], settings: Settings, now: datetime
) -> dict[str, str]:
    """Renew the tokens once, whoever else wants to: who loses the row comes again in a moment."""
    ends, connection_id, host = row.expires_at, row.id, row.host
    if connector.renewal is Renewal.REFRESH and not tokens.get("refresh_token"):
        drop_tokens(connection_id)
        raise KeyRefused(f"Your leave to post to {connector.provider.label} has ended. Connect again.")
    with transaction() as session:
        claimed = session.execute(
            update(Connection)
            .where(Connection.id == connection_id, Connection.expires_at == ends)
            .values(expires_at=now + timedelta(seconds=1))
        )
        is_mine = int(claimed.rowcount) == 1  # type: ignore[attr-defined]
    if not is_mine:
        raise Busy("Its key is being renewed.", 30)
    try:
        fresh, expires_at = renew(PostTrip(connector.provider, settings, now, connector), host, tokens)
    except Interrupted:
        drop_tokens(connection_id)
        raise KeyRefused(
            f"{connector.provider.label} no longer takes our key. Connect again, then press “Try again”."
        ) from None
    except ProviderSilent:
        raise Busy(f"{connector.provider.label} does not answer at the moment.", 120) from None
    with transaction() as session:
        session.execute(
            update(Connection)
            .where(Connection.id == connection_id)
            .values(sealed=seal(fresh, settings.token_keys), expires_at=expires_at)
        )
    return fresh


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
