"""Signing in through a provider, connecting one with an account, and taking it away again."""

from urllib.parse import urlencode

from flask import Response, abort, flash, jsonify, make_response, redirect, render_template, request, url_for
from flask_login import current_user

from quilt.accounts import bluesky
from quilt.accounts.flows import Finished, finish_sign_in
from quilt.accounts.identities import connect_identity, disconnect_identity, sign_in_by_identity
from quilt.accounts.passkeys import list_passkeys
from quilt.accounts.proofs import LastWayIn, NotFresh, ServerUnknown, SignInRefused
from quilt.accounts.providers import PROVIDERS, Kind, Provider, callback_url, find_provider
from quilt.accounts.rules import AccountRefused, safe_next
from quilt.extensions import csrf, limiter
from quilt.letters import composer
from quilt.shares.connectors.bluesky import SCOPE as POSTING_SCOPE
from quilt.shares.connectors.table import callback_url as posting_callback_url
from quilt.shares.connectors.table import find_connector
from quilt.web.auth import auth
from quilt.web.auth.ways_in import WAYS_IN
from quilt.web.clock import now
from quilt.web.events import record_event
from quilt.web.guards import signed_in_only
from quilt.web.leaving import find_browser, leave_for
from quilt.web.provider_words import describe_provider_refusal
from quilt.web.resuming import find_kept, go_on
from quilt.web.settings import get_settings
from quilt.web.signing_in import is_fresh, sign_in

MOST_TYPED = 300
MOST_ARGUMENT = 8_192


@auth.get("/sign-in/with/<name>")
def show_provider(name: str) -> Response:
    """The button that leads to one provider, with a field for the server or the handle where it needs one."""
    return _answer_where(_get_provider(name), safe_next(request.args.get("next")))


@auth.post("/sign-in/with/<name>")
@limiter.limit("60 per 5 minutes")
def start_with_provider(name: str) -> Response:
    """Leave for the provider; with `connect`, somebody signed in adds it to the ways into their account."""
    provider, next_path = _get_provider(name), safe_next(request.form.get("next"))
    wished = request.form.get("redirect_uri")
    if wished not in (None, callback_url(provider, get_settings())):
        abort(400, "The address to come back to is fixed. Start again from the sign-in page.")
    user_id = None
    if "connect" in request.form and current_user.is_authenticated:
        if not is_fresh(current_user.id):
            return _refuse(provider, NotFresh(), WAYS_IN)
        user_id, next_path = current_user.id, WAYS_IN
    where = request.form.get("where")
    if provider.asks_where and where is None:
        return _answer_where(provider, next_path, is_connecting=user_id is not None)
    return _leave(provider, next_path, (where or "")[:MOST_TYPED], user_id)


@auth.get("/sign-in/with/<name>/callback")
@limiter.limit("120 per 5 minutes")
def come_back(name: str) -> Response:
    """Take the provider's answer: sign in, or connect, and go on with what was waiting."""
    provider, settings = _get_provider(name), get_settings()
    try:
        finished = finish_sign_in(
            provider, _read_arguments(), settings=settings, browser=find_browser(), now=now()
        )
    except SignInRefused as refusal:
        return _refuse(provider, refusal, refusal.next_path)
    try:
        if finished.user_id is not None:
            return _connect(provider, finished)
        user, is_new = sign_in_by_identity(finished.proof, now())
    except AccountRefused as refusal:
        return _refuse(provider, refusal, finished.next_path)
    sign_in(user, way="provider")
    record_event("signed_in", by=provider.name, is_new=is_new)
    return go_on(finished.next_path)


@auth.post("/sign-in/with/<name>/callback")
@csrf.exempt  # type: ignore[untyped-decorator]  # it changes nothing: the answer comes once more, as an address
def bounce(name: str) -> Response:
    """Some providers answer by a form, which brings no cookie of ours: the same answer as an address does."""
    if not _get_provider(name).answers_by_form:
        abort(405)
    kept = {
        key: request.form[key][:MOST_ARGUMENT]
        for key in ("state", "code", "error", "iss")
        if key in request.form
    }
    return make_response(redirect(f"{url_for('auth.come_back', name=name)}?{urlencode(kept)}", 303))


@auth.get("/sign-in/with/bluesky/client.json")
def show_bluesky_client() -> Response:
    """Who we are, for servers that sign people in with Bluesky."""
    settings = get_settings()
    poster = find_connector("bluesky", settings)
    uris, scope = [callback_url(PROVIDERS["bluesky"], settings)], bluesky.SIGN_IN_SCOPE
    if poster is None:
        _get_provider("bluesky")
    else:  # one client for signing in and for posting: each trip asks for what it needs alone
        uris.append(posting_callback_url(poster, settings))
        scope = f"{POSTING_SCOPE} transition:generic"
    return jsonify(bluesky.describe_client(settings, uris, scope))


@auth.post(f"{WAYS_IN}/<int:identity_id>/remove")
@signed_in_only
@limiter.limit("30 per hour")
def disconnect(identity_id: int) -> Response:
    """Take one way to sign in away; never the last."""
    user_id = current_user.id
    try:
        disconnect_identity(
            user_id, identity_id, is_fresh=is_fresh(user_id), has_other_way=bool(list_passkeys(user_id)),
            compose=composer(get_settings()), now=now(),
        )  # fmt: skip
    except LookupError:
        abort(404)
    except (LastWayIn, NotFresh) as refusal:
        return _refuse(None, refusal, WAYS_IN)
    record_event("identity_removed")
    flash("It is disconnected: nobody can sign in with it here any more.", "good")
    return make_response(redirect(WAYS_IN))


def _get_provider(name: str) -> Provider:
    provider = find_provider(name, get_settings())
    if provider is None:
        abort(404, "One cannot sign in with that here. A code by e-mail always works.")
    return provider


def _read_arguments() -> dict[str, str]:
    """The answer's parameters; one that stands there twice is as good as none."""
    found = request.args
    return {key: found[key][:MOST_ARGUMENT] for key in found if len(found.getlist(key)) == 1}


def _leave(provider: Provider, next_path: str, where: str, user_id: int | None) -> Response:
    try:
        return leave_for(provider, next_path, where=where, user_id=user_id)
    except ServerUnknown as refusal:
        status, words = describe_provider_refusal(refusal, provider.label)
        record_event("provider_refused", by=provider.name, why=refusal.why)
        return _answer_where(provider, next_path, status, words, where, user_id is not None)
    except SignInRefused as refusal:
        return _refuse(provider, refusal, next_path)


def _connect(provider: Provider, finished: Finished) -> Response:
    """Connect what was proven with the account that began it, if that is still the one signed in."""
    if not current_user.is_authenticated or current_user.id != finished.user_id:
        return _refuse(provider, NotFresh(), WAYS_IN)
    connect_identity(
        current_user.id, finished.proof, is_fresh=is_fresh(current_user.id),
        compose=composer(get_settings()), now=now(),
    )  # fmt: skip
    record_event("identity_added", by=provider.name)
    flash(f"{provider.label} is connected: from now on you can sign in with it.", "good")
    return make_response(redirect(WAYS_IN))


def _answer_where(
    provider: Provider, next_path: str, status: int = 200, words: str = "", where: str = "",
    is_connecting: bool = False,
) -> Response:  # fmt: skip
    page = render_template(
        "auth/provider.html", provider=provider, next_path=next_path, words=words, where=where,
        is_connecting=is_connecting, is_mastodon=provider.kind is Kind.MASTODON, kept=find_kept(),
    )  # fmt: skip
    return make_response(page, status)


def _refuse(provider: Provider | None, refusal: AccountRefused, next_path: str) -> Response:
    """What happened, what is kept, what to do; nothing that the provider said stands on the page."""
    label = provider.label if provider else ""
    status, words = describe_provider_refusal(refusal, label)
    record_event(
        "provider_refused", by=provider.name if provider else "", why=getattr(refusal, "why", type(refusal).__name__)
    )  # fmt: skip
    page = render_template(
        "auth/provider_refused.html", provider=provider, words=words, next_path=safe_next(next_path),
        kept=find_kept(), refusal=type(refusal).__name__,
    )  # fmt: skip
    return make_response(page, status)
