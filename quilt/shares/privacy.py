"""What sharing knows of a person, and how it lets go: connected accounts, posts, and the pictures of their kits."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from quilt.accounts.belongings import OwnFile, Row, cuts, forgets, keeps_files, tells
from quilt.entries.models import Entry
from quilt.shares.key_returns import let_go_of
from quilt.shares.models_posting import ConnectFlow, Connection, KitPicture, Post, ShareKit


@tells("connections")
def tell_connections(session: Session, user_id: int) -> Iterable[Row]:
    """The accounts on whose behalf they let us post; the keys to them are not told."""
    for row in session.scalars(
        select(Connection).where(Connection.user_id == user_id).order_by(Connection.id)
    ):
        yield {
            "network": row.connector, "host": row.host, "account": row.handle, "scopes": row.scopes,
            "connected": row.connected_at,
        }  # fmt: skip


@tells("posts")
def tell_posts(session: Session, user_id: int) -> Iterable[Row]:
    """What was posted on their behalf, and where it stands."""
    for row in session.scalars(select(Post).where(Post.user_id == user_id).order_by(Post.id)):
        yield {
            "entry": row.entry_id, "network": row.connector, "account": row.account, "words": row.words,
            "state": row.state, "address": row.remote_url, "posted": row.posted_at,
        }  # fmt: skip


@keeps_files
def list_kit_pictures(session: Session, user_id: int) -> Iterable[OwnFile]:
    """Squares, stories and posters drawn of their entries: they can be drawn again, so a copy leaves them out."""
    own = select(Entry.id).where(Entry.entrant_id == user_id)
    for key in session.scalars(select(KitPicture.key).where(KitPicture.entry_id.in_(own))):
        yield OwnFile("media", key, "")


@forgets("shares")
def forget_connections(session: Session, user_id: int, now: datetime) -> None:
    """Erase connections, posts and pictures here; what stands on a network is its author's to take down there.

    The keys go back to the networks afterwards, by a worker: no name is kept with them.
    """
    own = select(Entry.id).where(Entry.entrant_id == user_id)
    for kit in (KitPicture, ShareKit):
        session.execute(delete(kit).where(kit.entry_id.in_(own)))
    for table in (Post, ConnectFlow):
        session.execute(delete(table).where(table.user_id == user_id))
    let_go_of(session, Connection.user_id == user_id)


@cuts("shares")
def cut_connections(session: Session, user_id: int) -> None:
    """No account of a network is connected any more, and what waited to be posted is not."""
    session.execute(delete(ConnectFlow).where(ConnectFlow.user_id == user_id))
    let_go_of(session, Connection.user_id == user_id)
