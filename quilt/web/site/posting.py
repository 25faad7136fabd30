"""Posting from here: written, seen as the network will show it, confirmed; and what became of it."""

from flask import Response, abort, flash, make_response, redirect, render_template, request, url_for
from flask_login import current_user

from quilt.contests.models import Contest
from quilt.contests.rules import is_over
from quilt.database import db
from quilt.entries.models import Entry
from quilt.extensions import limiter
from quilt.media.models import Video
from quilt.shares.counting import compose, count, shorten
from quilt.shares.kit import find_words
from quilt.shares.posting import (
    Account,
    PostRefused,
    ShownPost,
    check_words,
    find_account,
    list_posts,
    queue_post,
    retry_post,
    tell_fate,
)
from quilt.shares.tasks import deliver
from quilt.web.clock import entropy, now
from quilt.web.events import record_event
from quilt.web.guards import signed_in_only
from quilt.web.lookups import get_head_or_404
from quilt.web.settings import get_settings
from quilt.web.site import site
from quilt.web.visitors import describe_visitor

MOST_TYPED = 10_000


@site.get("/entries/<int:entry_id>/post/<int:connection_id>")
@signed_in_only
def write_post(entry_id: int, connection_id: int) -> Response:
    """The proposed words, to be changed; nothing is posted from here."""
    entry, account = _get_entry(entry_id), _get_account(connection_id)
    link = _find_link(entry_id, account)
    if not link:
        flash("Get a link of your own first: then the tree knows who came through you.", "info")
        return make_response(redirect(url_for("site.show_share", entry_id=entry_id)))
    words = shorten(find_words(entry_id, entry.title), link, account.counting)
    return _answer(entry, account, link, words)


@site.post("/entries/<int:entry_id>/post/<int:connection_id>")
@signed_in_only
@limiter.limit("60 per hour")
def post_entry(entry_id: int, connection_id: int) -> Response:
    """Show the post as it will stand there; once confirmed, queue it."""
    entry, account = _get_entry(entry_id), _get_account(connection_id)
    link = _find_link(entry_id, account)
    if not link:
        return make_response(redirect(url_for("site.show_share", entry_id=entry_id), 303))
    words, group = request.form.get("words", "")[:MOST_TYPED], request.form.get("group", "")[:100]
    form_key = request.form.get("form_key", "")
    if not (len(form_key) == 32 and form_key.isascii() and form_key.isalnum()):
        form_key = entropy(16).hex()
    try:
        check_words(account, words.strip(), link, group)
        if request.form.get("step") != "post":
            return _answer(entry, account, link, words, group, is_preview=True, form_key=form_key)
        post_id = queue_post(
            account, user_id=current_user.id, entry_id=entry_id, contest_id=entry.contest_id, words=words,
            group=group, link=link, form_key=form_key, now=now(),
        )  # fmt: skip
    except PostRefused as refusal:
        return _answer(
            entry, account, link, words, group, problem=str(refusal), form_key=form_key, status=422
        )
    deliver.later(post_id)
    record_event("post_confirmed", by=account.connector.provider.name)
    return make_response(redirect(url_for("site.show_post", post_id=post_id), 303))


@site.get("/me/posts/<int:post_id>")
@signed_in_only
def show_post(post_id: int) -> Response:
    """What became of a post; the page looks again by itself while it is on its way."""
    post = _get_post(post_id)
    response = make_response(render_template("site/post.html", post=post))
    response.headers["Cache-Control"] = "private, no-store"
    if not post.is_settled:
        response.headers["Refresh"] = "3"
    return response


@site.post("/me/posts/<int:post_id>")
@signed_in_only
@limiter.limit("60 per hour")
def change_post(post_id: int) -> Response:
    """Try a post again that did not arrive, or say what became of one that we cannot look for."""
    _get_post(post_id)
    act = request.form.get("act", "")
    if act == "retry" and retry_post(current_user.id, post_id, now()):
        deliver.later(post_id)
    elif act in ("there", "not-there"):
        tell_fate(current_user.id, post_id, act == "there", now())
    return make_response(redirect(url_for("site.show_post", post_id=post_id), 303))


def _get_entry(entry_id: int) -> Entry:
    entry = db.session.get_one(Entry, get_head_or_404(entry_id).id)
    if is_over(db.session.get_one(Contest, entry.contest_id).phases, now()):
        abort(
            409,
            "The contest is over: nothing is posted about it from here any more. You can still copy your link.",
        )
    return entry


def _get_account(connection_id: int) -> Account:
    account = find_account(current_user.id, connection_id, get_settings())
    if account is None:
        abort(404, "That account is not connected any more. Connect it again under “Connected accounts”.")
    return account


def _get_post(post_id: int) -> ShownPost:
    found = list_posts(current_user.id, get_settings(), post_id=post_id)
    if not found:
        abort(404)
    return found[0]


def _find_link(entry_id: int, account: Account) -> str:
    """This person's own link with the network as its channel; '' where they have none in this browser."""
    code = describe_visitor(request).codes.get(entry_id, "")
    return f"{get_settings().base_url}/s/{code}?c={account.connector.channel}" if code else ""


def _answer(
    entry: Entry, account: Account, link: str, words: str, group: str = "", *, problem: str = "",
    is_preview: bool = False, form_key: str = "", status: int = 200,
) -> Response:  # fmt: skip
    text = compose(words, link, account.counting)
    video = db.session.get(Video, entry.video_id) if entry.video_id else None
    page = render_template(
        "site/write_post.html", entry=entry, account=account, label=account.connector.provider.label, words=words,
        group=group, text=text, link=link, problem=problem, is_preview=is_preview,
        length=count(text, account.counting), form_key=form_key or entropy(16).hex(),
        card_url=f"/media/{video.card_key}" if video and video.card_key else "",
    )  # fmt: skip
    response = make_response(page, status)
    response.headers["Cache-Control"] = "private, no-store"
    return response
