"""A person's webhooks: added, tried, looked at, given a new secret, removed."""

from collections.abc import Callable

from flask import Response, abort, flash, make_response, redirect, render_template, request, url_for
from flask_login import current_user

from quilt.embeds.desk import list_own
from quilt.embeds.rules import Role
from quilt.extensions import limiter
from quilt.web.clock import entropy, now
from quilt.web.confirming import fresh_only
from quilt.web.guards import signed_in_only
from quilt.web.settings import get_settings
from quilt.web.site import site
from quilt.webhooks import service
from quilt.webhooks.rules import EVENTS, WebhookRefused, may_hear


@site.get("/me/webhooks")
@signed_in_only
def show_webhooks() -> Response:
    """The person's webhooks with what was sent lately, and the form for a new one."""
    return _answer()


@site.post("/me/webhooks")
@fresh_only
@limiter.limit("30 per hour")
def add_webhook() -> Response:
    """A new webhook; its secret is shown this once."""
    url, events = request.form.get("url", ""), request.form.getlist("events")
    brand = request.form.get("brand", "")
    try:
        secret = service.create_webhook(
            current_user.id, url, events, settings=get_settings(), now=now(), entropy=entropy,
            organisation_id=_read_brand(brand),
        )  # fmt: skip
    except WebhookRefused as refusal:
        return _answer(422, error=str(refusal), typed_url=url[:600], typed_events=events, typed_brand=brand)
    return _answer(secret=secret)


@site.post("/me/webhooks/<int:webhook_id>/secret")
@fresh_only
@limiter.limit("30 per hour")
def renew_webhook(webhook_id: int) -> Response:
    """A new secret, shown this once."""
    try:
        secret = service.renew_secret(
            current_user.id, webhook_id, settings=get_settings(), now=now(), entropy=entropy
        )
    except LookupError:
        abort(404)
    return _answer(secret=secret)


@site.post("/me/webhooks/<int:webhook_id>/<any(test, on, remove):act>")
@signed_in_only
@limiter.limit("60 per hour")
def change_webhook(webhook_id: int, act: str) -> Response:
    """Send a test, switch on again, or remove."""
    user_id = current_user.id
    acts: dict[str, tuple[Callable[[], None], str]] = {
        "test": (lambda: service.send_test(user_id, webhook_id, now=now(), entropy=entropy), "A test is on its way."),
        "on": (lambda: service.switch_on(user_id, webhook_id), "It is told again from now on."),
        "remove": (lambda: service.remove_webhook(user_id, webhook_id), "That webhook is removed."),
    }  # fmt: skip
    return _do(*acts[act])


@site.post("/me/webhooks/deliveries/<int:delivery_id>/again")
@signed_in_only
@limiter.limit("60 per hour")
def replay_delivery(delivery_id: int) -> Response:
    """Send one delivery again."""
    return _do(lambda: service.replay(current_user.id, delivery_id, now()), "It is sent again.")


def _read_brand(text: str) -> int | None:
    """The number of a brand; 0, which is nobody's, for what is no number."""
    if not text:
        return None
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


def _do(act: Callable[[], None], words: str) -> Response:
    try:
        act()
    except LookupError:
        abort(404)
    flash(words, "good")
    return make_response(redirect(url_for("site.show_webhooks"), 303))


def _answer(
    status: int = 200, secret: str = "", error: str = "", typed_url: str = "", typed_events: list[str] | None = None,
    typed_brand: str = "",
) -> Response:  # fmt: skip
    hooks = [(hook, service.list_log(hook.id)) for hook in service.list_webhooks(current_user.id)]
    events = {kind: words for kind, (words, _) in EVENTS.items() if may_hear(kind, current_user.is_staff)}
    page = render_template(
        "site/webhooks.html", hooks=hooks, events=events, secret=secret, error=error, typed_url=typed_url,
        typed_events=typed_events or [], typed_brand=typed_brand or request.args.get("brand", ""),
        brands={own.id: own.name for own in list_own(current_user.id) if own.role == Role.OWNER},
    )  # fmt: skip
    response = make_response(page, status)
    response.headers["Cache-Control"] = "private, no-store"
    return response
