"""What a visitor asks a contest's page for, read from the query string."""

import re
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import abort
from werkzeug.datastructures import MultiDict

from quilt.entries.folding import fold_words

VIEWS = ("quilt", "grid", "standings")
SORTS = {
    "fair": "Least shown first, so that every story gets a fair chance. Your order stays as you turn the pages.",
    "votes": "Most votes first: the count is closed.",
    "newest": "Newest first.",
}
LONGEST_QUERY = 8_192
LEAST_LETTERS = 2
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Wish:
    """What a visitor asked the contest page for. An empty `view` or `sort` leaves it to the phase."""

    view: str = ""
    page: int = 1
    q: str = ""
    cause: str = ""
    sort: str = ""
    epoch: int | None = None
    seed: int | None = None
    at: int | None = None


def read_wish(query: bytes, arguments: MultiDict[str, str]) -> Wish:
    """The query string as a wish. Aborts with 414 or 422 where it is none; order links gone stale are fine."""
    if not query:
        return Wish()
    if len(query) > LONGEST_QUERY:
        abort(414, "That search is too long. Try a few words.")
    told = arguments.to_dict()
    view, sort, page = told.get("view", ""), told.get("sort", ""), told.get("page", "1")
    if view not in ("", *VIEWS) or sort not in ("", *SORTS) or "order" in told:
        abort(422, "There is no such view or order. The contest’s own page has those there are.")
    if not _is_number(page):
        abort(422, "A page has a number.")
    return Wish(
        view=view,
        page=int(page),
        q=_clean(told.get("q", "")),
        cause=_clean(told.get("cause", "")),
        sort=sort,
        epoch=_number_or_none(told.get("epoch", "")),
        seed=_number_or_none(told.get("seed", "")),
        at=_number_or_none(told.get("at", "")),
    )


def read_words(query: str) -> tuple[list[str], str]:
    """The words to look for, or what to say to somebody whose query has none."""
    words = fold_words(query)
    if not query.strip() or sum(map(len, words)) >= LEAST_LETTERS:
        return words, ""
    return [], f"Type at least {LEAST_LETTERS} letters or digits to search. Here are all the entries."


def build_page_query(wish: Wish) -> str:
    """What the links between pages carry, but for the page and the order."""
    kept = {"view": "grid", "q": wish.q, "cause": wish.cause, "sort": wish.sort}
    return urlencode({name: value for name, value in kept.items() if value})


def _clean(text: str) -> str:
    return _CONTROL.sub(" ", text).strip()[:200]


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 16


def _number_or_none(text: str) -> int | None:
    return int(text) if _is_number(text) else None
