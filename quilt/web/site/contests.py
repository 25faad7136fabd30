"""A contest's pages: the quilt, the grid, the standings, the rules."""

from flask import Response, abort, render_template, request
from markupsafe import Markup

from quilt.contests.desk import list_rules
from quilt.contests.policy_text import describe_policy, describe_result
from quilt.contests.rules import hash_rules, name_place
from quilt.entries.folding import fold_text
from quilt.entries.queries import search_entry_ids
from quilt.extensions import limiter
from quilt.standings.rules import build_standings
from quilt.web.clock import now
from quilt.web.pages import slot
from quilt.web.site import site
from quilt.web.site.contest_heads import render_contest
from quilt.web.site.galleries import (
    MOST_PATCHES,
    PAGE_SIZE,
    Gallery,
    build_quilt,
    find_order,
    find_seed,
    get_gallery_or_404,
    sort_gallery,
)
from quilt.web.site.impressions import count_page
from quilt.web.site.kept import answer, answer_fresh, answer_kept, this_minute
from quilt.web.site.standings import show_standings
from quilt.web.site.wishes import SORTS, Wish, build_page_query, read_wish, read_words


@site.get("/contests/<slug>")
def show_contest(slug: str) -> Response:
    """The contest as a quilt, as a grid or as standings; by default what the phase is about."""
    wish = read_wish(request.query_string, request.args)
    gallery = get_gallery_or_404(slug)
    view = wish.view or ("standings" if gallery.has_result else "grid")
    return {"quilt": _show_quilt, "grid": _show_grid, "standings": show_standings}[view](gallery, wish)


@site.get("/contests/<slug>/rules")
def show_rules(slug: str) -> Response:
    """The rules: the policy in plain words, the text, its version and its hash."""
    contest = get_gallery_or_404(slug).contest
    return answer(
        render_template(
            "site/rules.html",
            contest=contest,
            policy=describe_policy(contest.policy, contest.time_zone),
            result=describe_result(contest.policy),
            versions=[version for version in list_rules(contest.id) if version.text],
            place=name_place(contest.time_zone),
            digest=hash_rules(contest.rules_text),
        )
    )


def _show_quilt(gallery: Gallery, wish: Wish) -> Response:
    picture = build_quilt(gallery)
    return answer_kept(
        (gallery.contest.id, "quilt"),
        (gallery.head_serial, picture, this_minute()),
        lambda: render_contest(gallery, "quilt", picture=picture, most_patches=MOST_PATCHES),
    )


def _show_grid(gallery: Gallery, wish: Wish) -> Response:
    words, help_text = read_words(wish.q)
    sort = _choose_sort(gallery, wish)
    agent = request.headers.get("User-Agent", "")
    seed = find_seed(request.remote_addr or "", agent, now().toordinal()) if wish.seed is None else wish.seed
    order = find_order(gallery, wish.epoch, seed, wish.at)
    entries = sort_gallery(gallery, order) if sort == "fair" else _sort(gallery, sort)
    if words or wish.cause:
        entries = _filter(gallery, entries, words, wish.cause)
    page_count = max(1, -(-len(entries) // PAGE_SIZE))
    if not 1 <= wish.page <= page_count:
        abort(404, "There are no more entries. The first page has those there are.")
    on_page = entries[(wish.page - 1) * PAGE_SIZE : wish.page * PAGE_SIZE]
    shown = [entry_id for entry_id in on_page if entry_id in gallery.cards]
    count_page(shown, agent)

    def render() -> str:
        return render_contest(
            gallery,
            "grid",
            wish=wish,
            sort=sort,
            order_text=SORTS[sort],
            help_text=help_text,
            found_count=len(entries),
            page_count=page_count,
            page_query=build_page_query(wish),
            cards=Markup(slot("cards")),
            order=Markup(slot("order")) if sort == "fair" else "",
        )

    values = {"cards": gallery.join_cards(shown), "order": order.query.encode()}
    if wish.q or wish.cause:
        return answer_fresh(render, **values)
    version = (gallery.head_serial, sort, page_count, this_minute())
    return answer_kept((gallery.contest.id, "grid", wish.page, wish.sort), version, render, **values)


def _choose_sort(gallery: Gallery, wish: Wish) -> str:
    if wish.sort == "votes" and not gallery.has_result:
        abort(422, "Sorting by votes waits for the end of the vote, so that nobody is lifted by the crowd.")
    return wish.sort or ("fair" if gallery.may_vote else "votes" if gallery.has_result else "newest")


def _sort(gallery: Gallery, sort: str) -> list[int]:
    if sort == "votes":
        return [standing.entry_id for standing in build_standings(gallery.figures.values(), True)]
    return list(reversed(gallery.cards))


def _filter(gallery: Gallery, entries: list[int], words: list[str], cause: str) -> list[int]:
    """Those of the entries that hold all the words and speak for the cause (whichever is asked for)."""
    kept = [entry_id for entry_id in entries if entry_id in gallery.cards]
    if cause:
        folded = fold_text(cause)
        kept = [entry_id for entry_id in kept if fold_text(gallery.cards[entry_id].cause) == folded]
    if words:
        hits = _search(gallery.contest.id, words)
        kept = [entry_id for entry_id in kept if entry_id in hits]
    return kept


@limiter.limit("5 per second; 200 per 5 minutes")
def _search(contest_id: int, words: list[str]) -> set[int]:
    """A search reads every text of the contest: its limit stands here, so that nobody else pays for it."""
    return search_entry_ids(contest_id, words)
