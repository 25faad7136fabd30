"""What somebody wants to embed: read from a form, found, and described for snippets."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from quilt.contests.queries import ContestFacts, find_contest_by_id, list_contests, pick_face
from quilt.embeds.desk import find_sponsor
from quilt.embeds.looks import KINDS, OF_ENTRY
from quilt.embeds.models import Placement
from quilt.embeds.queries import find_embed_code
from quilt.entries.queries import EntryCard, list_cards
from quilt.standings.leaders import list_leaders
from quilt.web.brand.snippets import Target
from quilt.web.clock import now
from quilt.web.settings import get_settings

_NUMBER = re.compile(r"(?:^|/entries/|/embed/)([1-9][0-9]{0,17})(?=$|[-/?#])")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The choice so far; `problem` says in words what is missing."""

    kind: str
    contest: ContestFacts | None
    entry: EntryCard | None
    entry_text: str
    problem: str

    @property
    def target_id(self) -> int | None:
        """The number of the entry or contest."""
        if self.kind in OF_ENTRY:
            return self.entry.id if self.entry else None
        return self.contest.id if self.contest else None


def read_wanted(told: Mapping[str, str]) -> Wanted:
    """What a form wants; without a word of it, the contest of the first page and its first story."""
    kind = told.get("kind", "")
    kind = kind if kind in KINDS else "entry"
    contests = list_contests()
    slug = told.get("contest", "")
    contest = next((each for each in contests if each.slug == slug), None) or pick_face(contests, now())
    text = told.get("entry", "").strip()[:300]
    if kind not in OF_ENTRY:
        problem = "" if contest else "There is no contest yet."
        return Wanted(kind, contest, None, text, problem)
    entry = _find_entry(text, contests) if text else _find_first(contest)
    problem = "" if entry else "There is no such story. Copy its address here."
    return Wanted(kind, contest, entry, text or (str(entry.id) if entry else ""), problem)


def describe_target(wanted: Wanted) -> Target | None:
    """The same for the snippets; None where there is nothing yet."""
    base_url = get_settings().base_url
    if wanted.kind in OF_ENTRY:
        if wanted.entry is None:
            return None
        via = find_embed_code(wanted.entry.id)
        return _of_entry(wanted.kind, wanted.entry, base_url, "", via)
    if wanted.contest is None:
        return None
    return _of_contest(wanted.kind, wanted.contest, base_url, "")


def describe_placement(placement: Placement) -> Target | None:
    """A placement for the snippets; None where what it shows is gone."""
    target = _find_target(placement, get_settings().base_url)
    return target and replace(target, has_sponsor=find_sponsor(placement.organisation_id) is not None)


def list_choices() -> list[tuple[str, str]]:
    """The contests one can choose: slug and title."""
    return [(contest.slug, contest.title) for contest in list_contests()]


def list_causes(contest: ContestFacts | None) -> list[str]:
    """The causes of a contest's entries, each once."""
    return sorted({card.cause for card in list_cards(contest.id)}, key=str.casefold) if contest else []


def _find_target(placement: Placement, base_url: str) -> Target | None:
    contest = find_contest_by_id(placement.contest_id)
    if placement.entry_id is None:
        return _of_contest(placement.kind, contest, base_url, placement.code) if contest else None
    cards = list_cards(placement.contest_id) if contest else []
    entry = next((card for card in cards if card.id == placement.entry_id), None)
    return _of_entry(placement.kind, entry, base_url, placement.code, "") if entry else None


def _of_entry(kind: str, entry: EntryCard, base_url: str, code: str, via: str) -> Target:
    link = (
        f"{base_url}/s/{code or via}?c=embed"
        if code or via
        else f"{base_url}/entries/{entry.id}-{entry.slug}"
    )
    card = f"{base_url}/media/{entry.thumbnail_key}" if entry.thumbnail_key else ""
    return Target(kind, str(entry.id), entry.title, link, card, code, via)


def _of_contest(kind: str, contest: ContestFacts, base_url: str, code: str) -> Target:
    link = f"{base_url}/contests/{contest.slug}?c=embed"
    return Target(kind, contest.slug, contest.title, link, "", code, "")


def _find_entry(text: str, contests: list[ContestFacts]) -> EntryCard | None:
    match = _NUMBER.search(text)
    if match is None:
        return None
    number = int(match[1])
    cards = (card for contest in contests for card in list_cards(contest.id))
    return next((card for card in cards if card.id == number), None)


def _find_first(contest: ContestFacts | None) -> EntryCard | None:
    leaders = list_leaders(contest.id, 1, newest=True) if contest else []
    return (
        next((card for card in list_cards(contest.id) if card.id == leaders[0].id), None)
        if contest and leaders
        else None
    )
