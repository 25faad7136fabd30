"""The ways into an account: the address, and accounts at other sites; connecting them is in providers.py."""

from flask import Response, make_response, render_template
from flask_login import current_user

from quilt.accounts.identities import list_identities
from quilt.accounts.providers import PROVIDERS, list_on
from quilt.web.auth import auth
from quilt.web.guards import signed_in_only
from quilt.web.settings import get_settings

WAYS_IN = "/me/ways-in"


@auth.get(WAYS_IN)
@signed_in_only
def show_ways_in() -> Response:
    """What one can sign in with, each with its way out, and what could be added."""
    on = {row.name: row for row in list_on(get_settings())}
    identities = list_identities(current_user.id)
    taken = {identity.provider for identity in identities} - {"mastodon"}  # one may have several servers
    labels = {name: on[name].label if name in on else PROVIDERS[name].label for name in PROVIDERS}
    page = render_template(
        "auth/ways_in.html",
        identities=identities,
        labels=labels,
        others=[row for row in on.values() if row.name not in taken],
    )
    return make_response(page)
