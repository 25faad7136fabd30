"""Making embeds."""

from collections.abc import Callable
from datetime import datetime

from quilt.database import transaction
from quilt.embeds.models import Embed
from quilt.entries.models import Entry
from quilt.spread.codes import new_code

LONGEST_LABEL = 60


class NotPublished(Exception):
    """Only a published entry can stand on another site."""


class LabelTooLong(Exception):
    """The label has more than 60 characters."""


def create_embed(entry_id: int, label: str, *, now: datetime, entropy: Callable[[int], bytes]) -> str:
    """Give the entry one more placement with a code of its own; returns the code.

    `label` says where it stands ("the school's page") and may be empty. Raises NotPublished, LabelTooLong.
    """
    label = " ".join(label.split())
    if len(label) > LONGEST_LABEL:
        raise LabelTooLong
    with transaction() as session:
        entry = session.get(Entry, entry_id)
        if entry is None or entry.state != "published":
            raise NotPublished
        embed = Embed(entry_id=entry_id, code=new_code(entropy), label=label, created_at=now)
        session.add(embed)
        return embed.code
