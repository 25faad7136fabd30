"""The sponsor block: who pays, said in words that must be there, with a logo that we have drawn anew."""

from collections.abc import Callable
from pathlib import Path

from quilt.config import Settings
from quilt.database import transaction
from quilt.embeds.models import Sponsor
from quilt.embeds.rules import MOST_DISCLOSURE, NameRefused, clean_link, clean_name
from quilt.embeds.service import hold_organisation
from quilt.media.storage import OWN_BYTES, make_key, parts_of, results_of

MOST_LOGO_BYTES = 4 << 20


def set_sponsor(organisation_id: int, name: str, url: str, disclosure: str) -> Sponsor:
    """Say who pays. Raises NameRefused for a missing name or disclosure, LinkRefused for a link that is none."""
    name = clean_name(name)
    disclosure = clean_name(disclosure, MOST_DISCLOSURE, "disclosure", must=False)
    if not disclosure:
        raise NameRefused("Say in a few words that this is paid for, like “Supported by”.", "disclosure")
    link = clean_link(url) if url.strip() else ""
    with transaction() as session:
        organisation = hold_organisation(session, organisation_id)
        sponsor = session.get(Sponsor, organisation_id)
        if sponsor is None:
            sponsor = Sponsor(organisation_id=organisation_id, logo_key="")
            session.add(sponsor)
        sponsor.name, sponsor.url, sponsor.disclosure = name, link, disclosure
        organisation.version += 1
    return sponsor


def set_logo(organisation_id: int, source: Path, settings: Settings, entropy: Callable[[int], bytes]) -> str:
    """Draw a logo anew and show it in the block; returns its key. Raises NotAPicture, PictureTooLarge, NameRefused."""
    from quilt.media.logos import save_logo  # a web process has Pillow only once somebody sends a logo

    drawn = parts_of(settings) / f"{entropy(16).hex()}.png"
    save_logo(source, drawn)
    key = make_key(drawn, "png", entropy(OWN_BYTES))
    storage = results_of(settings)
    storage.save(key, drawn)
    with transaction() as session:
        organisation = hold_organisation(session, organisation_id)
        sponsor = session.get(Sponsor, organisation_id)
        older = sponsor.logo_key if sponsor else ""
        if sponsor is not None:
            sponsor.logo_key = key
            organisation.version += 1
    if sponsor is None:
        storage.delete(key)
        raise NameRefused("Say first who the sponsor is.", "name")
    if older:
        storage.delete(older)
    return key


def drop_sponsor(organisation_id: int, settings: Settings) -> None:
    """Nobody pays any more: the block and the logo are gone."""
    with transaction() as session:
        organisation = hold_organisation(session, organisation_id)
        sponsor = session.get(Sponsor, organisation_id)
        key = sponsor.logo_key if sponsor else ""
        if sponsor is not None:
            session.delete(sponsor)
            organisation.version += 1
    if key:
        results_of(settings).delete(key)
