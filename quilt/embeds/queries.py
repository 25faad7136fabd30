"""Reading embeds."""

from sqlalchemy import select

from quilt.database import db
from quilt.embeds.models import Embed


def find_embed_code(entry_id: int) -> str:
    """The code of the entry's first embed; '' where it has none."""
    statement = select(Embed.code).where(Embed.entry_id == entry_id).order_by(Embed.id).limit(1)
    return db.session.scalar(statement) or ""
