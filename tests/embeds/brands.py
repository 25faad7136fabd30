"""A brand with everything that it can have, for tests."""

import itertools
from datetime import datetime
from typing import Any

from quilt.accounts.models import User
from quilt.embeds.models import Embed, Membership, Organisation, Placement, PlacementEmbed, Site
from quilt.entries.models import Entry
from tests.conftest import NOW
from tests.factories import save

_numbers = itertools.count(1)


def make_organisation(owner: User, name: str = "Acme", role: str = "owner") -> Organisation:
    """An organisation with one member."""
    organisation = save(Organisation(name=name, created_at=NOW))
    save(Membership(organisation_id=organisation.id, user_id=owner.id, role=role, joined_at=NOW))
    return organisation


def make_placement(
    organisation: Organisation, entry: Entry, code: str = "", kind: str = "entry", **values: Any
) -> Placement:
    """A placement of an entry, or of its contest, with a code for the entry."""
    code = code or f"Place{next(_numbers):06}"
    is_of_entry = kind in ("entry", "vote")
    fields = {"label": "Home page", "options": "{}", "created_at": NOW, **values}
    placement = save(
        Placement(
            organisation_id=organisation.id, code=code, kind=kind, contest_id=entry.contest_id,
            entry_id=entry.id if is_of_entry else None, **fields,
        )
    )  # fmt: skip
    embed = save(Embed(entry_id=entry.id, code=code if is_of_entry else f"E{code[1:]}", created_at=NOW))
    save(PlacementEmbed(placement_id=placement.id, entry_id=entry.id, embed_id=embed.id))
    return placement


def make_site(
    organisation: Organisation, origin: str = "https://www.example.org", verified_at: datetime | None = NOW
) -> Site:
    """A site, verified unless told otherwise."""
    return save(
        Site(
            organisation_id=organisation.id, origin=origin, token="a" * 32, method="file" if verified_at else "",
            verified_at=verified_at, created_at=NOW,
        )
    )  # fmt: skip


def make_brand(owner: User, entry: Entry) -> dict[str, int]:
    """The numbers that addresses of the brand's desk are made of."""
    organisation = make_organisation(owner)
    placement = make_placement(organisation, entry, f"P{entry.id:010}")
    return {
        "organisation_id": organisation.id,
        "user_id": owner.id,
        "site_id": make_site(organisation).id,
        "placement_id": placement.id,
    }
