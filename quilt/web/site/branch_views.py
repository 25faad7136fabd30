"""A person's own branch as their page and the share sheet show it; no figure below five people."""

from collections.abc import Collection
from dataclasses import dataclass

from quilt.arrivals.branches import Branch, Step, find_arrival_id, list_branches
from quilt.contests.queries import list_contests
from quilt.contests.rules import shows_counts
from quilt.spread.attribution import CHANNELS
from quilt.standings.rules import hide_few
from quilt.votes.spreaders import list_own_arrivals
from quilt.web.clock import now

MOST_BRANCHES = 20
UNDER_FIVE = "under 5"
_WAYS = {
    "": "by a plain link",
    "copy": "by a copied link",
    "web": "from another website",
    "mail": "by e-mail",
    "sms": "by text message",
    "qr": "by a QR code",
    "share": "by a phone’s share menu",
    "embed": "from a page that shows the film",
}


@dataclass(frozen=True, slots=True)
class BranchView:
    """A branch in words: `figures` is empty where fewer than five people came, `way` where the entry has as few."""

    title: str
    url: str
    share_url: str
    spread_url: str
    is_counted: bool
    figures: list[tuple[str, str]]
    way: list[str]
    left_out: int


def list_own_branches(user_id: int) -> list[BranchView]:
    """The branches of a signed-in person, the largest first: everywhere they voted."""
    own = {each.arrival_id: each for each in list_own_arrivals(user_id, MOST_BRANCHES)}
    open_counts = _list_open_counts({each.contest_id for each in own.values()})
    views = []
    for branch in list_branches(list(own)):
        entry = own[branch.arrival_id]
        url = f"/entries/{branch.entry_id}-{entry.entry_slug}"
        views.append(_describe(branch, entry.entry_title, url, entry.contest_id in open_counts))
    return views


def find_branch(entry_id: int, code: str, title: str, url: str, shows_votes: bool) -> BranchView | None:
    """The branch of whoever has this code for this entry; None for nobody's."""
    arrival_id = find_arrival_id(entry_id, code)
    branches = list_branches([arrival_id]) if arrival_id is not None else []
    return _describe(branches[0], title, url, shows_votes) if branches else None


def name_way(tag: str) -> str:
    """How somebody came, at the end of a sentence. Unknown tags, which anybody can invent, share a name."""
    if tag in _WAYS:
        return _WAYS[tag]
    return f"by {CHANNELS[tag]}" if tag in CHANNELS else "by another link"


def _describe(branch: Branch, title: str, url: str, shows_votes: bool) -> BranchView:
    is_shown = branch.is_counted and hide_few(branch.in_all) is not None
    has_way = branch.is_counted and hide_few(branch.entry_reach) is not None
    return BranchView(
        title=title,
        url=url,
        share_url=f"/entries/{branch.entry_id}/share",
        spread_url=f"/entries/{branch.entry_id}/spread",
        is_counted=branch.is_counted,
        figures=_list_figures(branch, shows_votes) if is_shown else [],
        way=[_name_step(step) for step in branch.steps] if has_way else [],
        left_out=branch.left_out,
    )


def _list_figures(branch: Branch, shows_votes: bool) -> list[tuple[str, str]]:
    generations = f"{branch.generations:,}" if branch.is_whole else f"{branch.generations:,} or more"
    figures = [
        (f"{branch.in_all:,}", "people in all"),
        (_say(branch.direct), "by your own link"),
        (generations, "generation" if generations == "1" else "generations"),
    ]
    return [*figures, (_say(branch.votes), "votes by them")] if shows_votes else figures


def _name_step(step: Step) -> str:
    return f"generation {step.generation:,}, {name_way(step.channel)}"


def _say(count: int) -> str:
    return UNDER_FIVE if hide_few(count) is None else f"{count:,}"


def _list_open_counts(contest_ids: Collection[int]) -> set[int]:
    """Those of the contests that show their votes now."""
    moment = now()
    contests = list_contests() if contest_ids else []
    return {
        contest.id
        for contest in contests
        if contest.id in contest_ids and shows_counts(contest.phases, moment)
    }
