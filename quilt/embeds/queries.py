"""Reading embeds, and what a frame needs to know of the placement that it stands for."""

import json
from dataclasses import dataclass

from sqlalchemy import bindparam, exists, select

from quilt.database import db
from quilt.embeds.looks import Options, read_options
from quilt.embeds.models import Embed, Placement, PlacementEmbed, Site, Sponsor
from quilt.spread.codes import is_code


@dataclass(frozen=True, slots=True)
class SponsorFacts:
    """Who pays, as a frame says it."""

    name: str
    url: str
    disclosure: str
    logo_key: str


@dataclass(frozen=True, slots=True)
class PlacementFacts:
    """A placement as its frame needs it. `origins` are the verified sites; with none it may stand anywhere."""

    id: int
    organisation_id: int
    code: str
    kind: str
    contest_id: int
    entry_id: int | None
    options: Options
    origins: tuple[str, ...]
    sponsor: SponsorFacts | None
    is_ended: bool


def find_embed_code(entry_id: int) -> str:
    """The code of the entry's own embed; '' where it has none."""
    return db.session.scalar(_OWN, {"entry_id": entry_id}) or ""


def find_placement(code: str) -> PlacementFacts | None:
    """The placement with this code, ended or not, or None."""
    row = db.session.execute(_PLACEMENT, {"code": code}).first() if is_code(code) else None
    if row is None:
        return None
    placement: Placement = row.Placement
    sponsor = row.Sponsor
    return PlacementFacts(
        placement.id,
        placement.organisation_id,
        placement.code,
        placement.kind,
        placement.contest_id,
        placement.entry_id,
        load_options(placement.options),
        list_origins(placement.organisation_id),
        None
        if sponsor is None
        else SponsorFacts(sponsor.name, sponsor.url, sponsor.disclosure, sponsor.logo_key),
        placement.ended_at is not None,
    )


def list_origins(organisation_id: int) -> tuple[str, ...]:
    """The origins of an organisation's verified sites, in the order of the alphabet."""
    return tuple(db.session.scalars(_ORIGINS, {"organisation_id": organisation_id}))


def map_codes(placement_id: int) -> dict[int, str]:
    """Entry → the code by which this placement shows it."""
    return {row.entry_id: row.code for row in db.session.execute(_CODES, {"placement_id": placement_id})}


def load_options(text: str) -> Options:
    """The options as they are stored: JSON of what differs from the defaults."""
    return read_options(json.loads(text))


_OWN = (
    select(Embed.code)
    .where(Embed.entry_id == bindparam("entry_id"), ~exists().where(PlacementEmbed.embed_id == Embed.id))
    .order_by(Embed.id)
    .limit(1)
)
_PLACEMENT = (
    select(Placement, Sponsor)
    .outerjoin(Sponsor, Sponsor.organisation_id == Placement.organisation_id)
    .where(Placement.code == bindparam("code"))
    .execution_options(populate_existing=True)
)
_ORIGINS = (
    select(Site.origin)
    .where(Site.organisation_id == bindparam("organisation_id"), Site.verified_at.is_not(None))
    .order_by(Site.origin)
)
_CODES = (
    select(PlacementEmbed.entry_id, Embed.code)
    .join(Embed, Embed.id == PlacementEmbed.embed_id)
    .where(PlacementEmbed.placement_id == bindparam("placement_id"))
)
