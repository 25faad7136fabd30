"""What the pages of a contest show at one moment, and the pieces of HTML they are joined from."""

import hashlib
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from flask import abort, get_template_attribute
from markupsafe import Markup

from quilt.contests.queries import ContestFacts, find_contest
from quilt.contests.rules import Action, find_phase, is_voting_over, may, shows_counts
from quilt.database import database_key
from quilt.entries.exposure import SEEDS, Epoch, get_epoch, sort_fairly
from quilt.entries.queries import EntryCard, list_cards
from quilt.standings.queries import list_figures
from quilt.standings.rules import Figures, Totals, build_totals, find_spread_step, hide_few
from quilt.web.clock import now
from quilt.web.context import format_duration, patch, plural
from quilt.web.pages import Memo, VersionedCache
from quilt.web.settings import get_settings

PAGE_SIZE = 24
MOST_PATCHES = 300  # of one picture; the newest of a larger contest
EPOCH_FRESHNESS = 25  # an order changes every ten minutes: it is looked for less often than figures are


@dataclass(frozen=True)
class CardView:
    """A card as the macros of the patches take it."""

    url: str
    title: str
    cause: str
    votes_text: str
    reach_text: str
    poster_url: str
    patch_svg: Markup
    spread_step: int
    duration_text: str
    state: str = "published"


@dataclass(frozen=True)
class Gallery:
    """A contest's entries with their figures.

    `serial` is another whenever anything of it is; `head_serial` only when more than the figures is.
    """

    contest: ContestFacts
    cards: dict[int, EntryCard]  # in the order of publication
    figures: dict[int, Figures]
    phase_name: str
    may_vote: bool
    may_enter: bool
    shows_counts: bool
    is_final: bool
    serial: int = field(default=0, compare=False)
    head_serial: int = field(default=0, compare=False)
    _html: dict[int, bytes] = field(default_factory=dict, compare=False, repr=False)
    _late: dict[int, dict[int, int]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def has_result(self) -> bool:
        """Whether the count is closed and open to all."""
        return self.is_final and self.shows_counts

    @cached_property
    def causes(self) -> list[str]:
        """The causes, each once, in the order of the alphabet."""
        return sorted({card.cause for card in self.cards.values()}, key=str.casefold)

    @property
    def totals(self) -> Totals:
        """What the contest has moved altogether."""
        return build_totals(list(self.figures.values()), len(self.causes))

    def list_late(self, epoch: Epoch) -> dict[int, int]:
        """The entries that an epoch does not know, with the millisecond of their publication."""
        if epoch.number not in self._late:
            self._late[epoch.number] = {
                card.id: math.ceil(card.published_at.timestamp() * 1000)
                for card in self.cards.values()
                if card.id not in epoch.buckets
            }
        return self._late[epoch.number]

    def build_card(self, entry_id: int) -> CardView:
        """One entry's card."""
        card, figures = self.cards[entry_id], self.figures[entry_id]
        return CardView(
            url=f"/entries/{card.id}-{card.slug}",
            title=card.title,
            cause=card.cause,
            votes_text=self._say_votes(figures),
            reach_text=f"reached {figures.reach:,}" if hide_few(figures.reach) else "",
            poster_url=f"/media/{card.thumbnail_key}" if card.thumbnail_key else "",
            patch_svg=patch(card.cause),
            spread_step=find_spread_step(figures.reach),
            duration_text=format_duration(card.duration_seconds),
        )

    def join_cards(self, entry_ids: Sequence[int]) -> bytes:
        """The HTML of these entries' cards, one list item each; every piece is built once."""
        html = self._html
        for entry_id in entry_ids:
            if entry_id not in html:
                html[entry_id] = self._render(entry_id)
        return b"".join([html[entry_id] for entry_id in entry_ids])

    def _say_votes(self, figures: Figures) -> str:
        if not self.shows_counts:
            return ""
        if self.is_final or hide_few(figures.votes):
            return plural(figures.votes, "vote")
        return "New"

    def _render(self, entry_id: int) -> bytes:
        view = self.build_card(entry_id)

        def build() -> bytes:
            return str(get_template_attribute("site/_cards.html", "card_item")(view)).encode()

        return _fragments.get((database_key(), entry_id), view, build)


@dataclass(frozen=True, slots=True)
class Order:
    """Which fair order a visit follows: carried by the links between its pages."""

    epoch: Epoch
    seed: int
    at: int  # milliseconds: of the entries that the epoch does not know, later ones wait for the next visit
    late: tuple[int, ...]  # the entries published until then that the epoch does not know

    @property
    def query(self) -> str:
        """As it stands in a link's HTML."""
        return f"epoch={self.epoch.number}&amp;seed={self.seed}&amp;at={self.at}"


_serials = itertools.count(1)
_galleries: Memo[Gallery | None] = Memo()
_newest: dict[tuple[int, str], Gallery] = {}
_epochs: Memo[Epoch] = Memo()
_fragments: VersionedCache[bytes] = VersionedCache(most=6_000)
_orders: VersionedCache[list[int]] = VersionedCache(most=1_000)
_quilts: VersionedCache[Markup] = VersionedCache(most=50)


def get_gallery_or_404(slug: str) -> Gallery:
    """The published contest's gallery, a fraction of a second old at the most."""
    gallery = find_gallery(slug)
    if gallery is None:
        abort(404, "We cannot find that contest. It may have another name now.")
    return gallery


def find_gallery(slug: str) -> Gallery | None:
    """The gallery of a published contest. Large ones are read less often: a read must stay a small part."""
    key = (database_key(), slug)
    known = _newest.get(key)
    freshness = get_settings().page_freshness * (1 + (len(known.cards) if known else 0) / 1_000)
    return _galleries.get(key, freshness, lambda: _read_gallery(slug))


def build_quilt(gallery: Gallery) -> Markup:
    """The picture of all entries, built anew when a patch or its border changes."""
    newest = list(gallery.cards)[-MOST_PATCHES:]
    views = [gallery.build_card(entry_id) for entry_id in newest]
    version = (gallery.may_enter, *((view.url, view.title, view.cause, view.spread_step) for view in views))

    def build() -> Markup:
        macro = get_template_attribute("macros/patches.html", "quilt")
        label = f"The quilt: {plural(len(views), 'entry', 'entries')}"
        return Markup(macro(views, label, "/submit" if gallery.may_enter else None))

    return _quilts.get((database_key(), gallery.contest.id), version, build)


def find_order(gallery: Gallery, epoch: int | None, seed: int, at: int | None) -> Order:
    """The order that a link asks for; where it asks for none, or for one that is gone, the newest."""
    stored = _find_epoch(gallery.contest.id, epoch)
    late = gallery.list_late(stored)
    if at is not None and epoch == stored.number:
        late = {entry_id: moment for entry_id, moment in late.items() if moment <= at}
    return Order(stored, seed % SEEDS, max(late.values(), default=0), tuple(late))


def sort_gallery(gallery: Gallery, order: Order) -> list[int]:
    """Every entry in the fair order; among them may be some that are not shown any more."""
    return _orders.get(
        (database_key(), gallery.contest.id, order.seed),
        (order.epoch.number, order.late),
        lambda: sort_fairly(order.epoch, order.late, order.seed),
    )


def find_seed(address: str, agent: str, today: int) -> int:
    """A visitor's seed, 0 to 255: the same all day, from no cookie, and no way back to the address."""
    key = hashlib.blake2b(get_settings().secret_key.encode(), digest_size=32, person=b"gallery seed").digest()
    told = f"{address}\n{agent}\n{today}".encode(errors="replace")
    return hashlib.blake2b(told, digest_size=1, key=key).digest()[0]


def _find_epoch(contest_id: int, number: int | None) -> Epoch:
    freshness = get_settings().page_freshness * EPOCH_FRESHNESS
    newest = _epochs.get((database_key(), contest_id), freshness, lambda: get_epoch(contest_id))
    if number is None or number == newest.number:
        return newest
    return get_epoch(contest_id, number)


def _read_gallery(slug: str) -> Gallery | None:
    key = (database_key(), slug)
    contest = find_contest(slug)
    if contest is None:
        _newest.pop(key, None)
        return None
    fresh, known = _make_gallery(contest, now()), _newest.get(key)
    if known == fresh:
        return known
    if known is not None and _is_same_head(known, fresh):
        fresh = replace(fresh, head_serial=known.head_serial)
    _newest[key] = fresh
    return fresh


def _make_gallery(contest: ContestFacts, moment: datetime) -> Gallery:
    cards = {card.id: card for card in list_cards(contest.id)}
    figures = {each.entry_id: each for each in list_figures(contest.id) if each.entry_id in cards}
    phase = find_phase(contest.phases, moment)
    serial = next(_serials)
    return Gallery(
        contest=contest,
        cards={entry_id: card for entry_id, card in cards.items() if entry_id in figures},
        figures=figures,
        phase_name=phase.name if phase else "",
        may_vote=may(contest.phases, Action.VOTE, moment),
        may_enter=may(contest.phases, Action.SUBMIT, moment),
        shows_counts=shows_counts(contest.phases, moment),
        is_final=is_voting_over(contest.phases, moment),
        serial=serial,
        head_serial=serial,
    )


def _is_same_head(known: Gallery, fresh: Gallery) -> bool:
    return replace(known, figures={}) == replace(fresh, figures={})
