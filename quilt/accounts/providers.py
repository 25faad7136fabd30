"""Who may vouch for a sign-in: one row each. A row is off until its keys are in the environment."""

import re
from dataclasses import dataclass, replace
from enum import Enum

from quilt.config import Settings

_TENANT = re.compile(r"[A-Za-z0-9.\-]{1,80}")


class Kind(Enum):
    """How a provider tells who somebody is."""

    OIDC = "OpenID Connect: a signed token, endpoints by discovery"
    OAUTH = "OAuth 2: fixed endpoints, and one question about the account"
    MASTODON = "one of many servers, which registers us when we first come"
    BLUESKY = "AT Protocol: pushed requests, and tokens bound to a key of ours"


class Auth(Enum):
    """How we prove to the token endpoint who we are."""

    POST = "client_secret_post"
    BASIC = "client_secret_basic"
    SIGNED = "a secret that we sign anew each time"  # Apple
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Provider:
    """One row. `needs` are settings that must be there; endpoints are '' where discovery tells them.

    `issuer` names the provider in every identity: it never changes. `subject_at`, `label_at` and `email_at` are
    where the account's own number, its readable name and its address stand in the answer about the account.
    `vouches_for_email`: an address that it calls verified has been verified by it, and by nobody else's word.
    """

    name: str  # in addresses and settings
    label: str
    kind: Kind
    needs: tuple[str, ...]
    issuer: str = ""
    scopes: tuple[str, ...] = ("openid",)
    auth: Auth = Auth.POST
    authorization_endpoint: str = ""
    token_endpoint: str = ""
    account_endpoint: str = ""
    emails_endpoint: str = ""
    subject_at: str = "sub"
    label_at: str = "email"
    email_at: str = "email"
    vouches_for_email: bool = False
    echoes_nonce: bool = True
    answers_by_form: bool = False  # the answer comes as a form from another site instead of an address
    asks_where: str = ""  # what must be known before leaving: the field's label
    extra: tuple[tuple[str, str], ...] = ()
    register_at: str = ""
    costs: str = ""


PROVIDERS: dict[str, Provider] = {
    row.name: row
    for row in (
        Provider(
            "google", "Google", Kind.OIDC, ("google_client_id", "google_client_secret"),
            issuer="https://accounts.google.com", scopes=("openid", "email"), vouches_for_email=True,
            extra=(("prompt", "select_account"),),
            register_at="https://console.cloud.google.com/apis/credentials",
            costs="Free. Publish the consent screen; e-mail and openid need no review.",
        ),
        Provider(
            "apple", "Apple", Kind.OIDC,
            ("apple_client_id", "apple_team_id", "apple_key_id", "apple_private_key"),
            issuer="https://appleid.apple.com", scopes=("openid", "email"), auth=Auth.SIGNED,
            vouches_for_email=True, answers_by_form=True, extra=(("response_mode", "form_post"),),
            register_at="https://developer.apple.com/account/resources/identifiers/list/serviceId",
            costs="Needs the Apple Developer Program (99 USD a year) and an https address.",
        ),
        Provider(
            "microsoft", "Microsoft", Kind.OIDC, ("microsoft_client_id", "microsoft_client_secret"),
            issuer="https://login.microsoftonline.com/{tenant}/v2.0", scopes=("openid", "email", "profile"),
            label_at="preferred_username", extra=(("prompt", "select_account"),),
            register_at="https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps",
            costs="Free. Its e-mail claim is never trusted: whoever runs a tenant can write anything there.",
        ),
        Provider(
            "facebook", "Facebook", Kind.OAUTH, ("facebook_client_id", "facebook_client_secret"),
            issuer="https://www.facebook.com", scopes=("public_profile", "email"),
            authorization_endpoint="https://www.facebook.com/dialog/oauth",
            token_endpoint="https://graph.facebook.com/oauth/access_token",
            account_endpoint="https://graph.facebook.com/me?fields=id,name,email",
            subject_at="id", label_at="name",
            register_at="https://developers.facebook.com/apps",
            costs="Free. The app must be live, with business verification for everybody’s use.",
        ),
        Provider(
            "x", "X", Kind.OAUTH, ("x_client_id", "x_client_secret"),
            issuer="https://x.com", scopes=("users.read", "tweet.read"), auth=Auth.BASIC,
            authorization_endpoint="https://x.com/i/oauth2/authorize",
            token_endpoint="https://api.x.com/2/oauth2/token",
            account_endpoint="https://api.x.com/2/users/me",
            subject_at="data.id", label_at="data.username", email_at="",
            register_at="https://developer.x.com/en/portal/dashboard",
            costs="Pay per use: each sign-in asks the API once. It tells no e-mail address.",
        ),
        Provider(
            "linkedin", "LinkedIn", Kind.OIDC, ("linkedin_client_id", "linkedin_client_secret"),
            issuer="https://www.linkedin.com/oauth", scopes=("openid", "email"), vouches_for_email=True,
            echoes_nonce=False,
            register_at="https://www.linkedin.com/developers/apps",
            costs="Free. Add the product “Sign In with LinkedIn using OpenID Connect”; it needs a company page.",
        ),
        Provider(
            "github", "GitHub", Kind.OAUTH, ("github_client_id", "github_client_secret"),
            issuer="https://github.com/login/oauth", scopes=("user:email",),
            authorization_endpoint="https://github.com/login/oauth/authorize",
            token_endpoint="https://github.com/login/oauth/access_token",
            account_endpoint="https://api.github.com/user",
            emails_endpoint="https://api.github.com/user/emails",
            subject_at="id", label_at="login", vouches_for_email=True,
            register_at="https://github.com/settings/developers",
            costs="Free, without a review.",
        ),
        Provider(
            "oidc", "Single sign-on", Kind.OIDC, ("oidc_issuer", "oidc_client_id", "oidc_client_secret"),
            scopes=("openid", "email"), auth=Auth.BASIC,
            register_at="", costs="Whatever your own provider asks: Keycloak, Authentik, Zitadel, Auth0, Okta …",
        ),
        Provider(
            "mastodon", "Mastodon", Kind.MASTODON, ("mastodon_on",), scopes=("profile",),
            subject_at="id", label_at="acct", email_at="", asks_where="Your server",
            register_at="", costs="Free. Every server registers us by itself when the first person from there comes.",
        ),
        Provider(
            "bluesky", "Bluesky", Kind.BLUESKY, ("bluesky_on",), scopes=("atproto",), auth=Auth.NONE,
            email_at="", asks_where="Your handle", register_at="",
            costs="Free, nothing to register; the site must be reachable under its https address.",
        ),
    )
}  # fmt: skip


def find_provider(name: str, settings: Settings) -> Provider | None:
    """The row of this name as these settings complete it, or None where it is off or unknown."""
    row = PROVIDERS.get(name)
    return None if row is None or list_missing(row, settings) else complete(row, settings)


def list_on(settings: Settings) -> list[Provider]:
    """The providers that one can sign in with here, in the table's order."""
    return [complete(row, settings) for row in PROVIDERS.values() if not list_missing(row, settings)]


def list_missing(provider: Provider, settings: Settings) -> list[str]:
    """The environment variables without which this provider stays off."""
    return [_variable(name) for name in provider.needs if not getattr(settings, name)]


def complete(provider: Provider, settings: Settings) -> Provider:
    """The row with what the settings say of it: the issuer, the name on the button, whom to believe."""
    if provider.name == "oidc":
        return replace(
            provider, issuer=settings.oidc_issuer, label=settings.oidc_name, vouches_for_email=settings.oidc_trusts_email
        )  # fmt: skip
    if provider.name == "microsoft":
        tenant = settings.microsoft_tenant
        if not _TENANT.fullmatch(tenant):
            raise ValueError("QUILT_MICROSOFT_TENANT is a name or an id.")
        return replace(provider, issuer=provider.issuer.format(tenant=tenant))
    return provider


def callback_url(provider: Provider, settings: Settings) -> str:
    """The one redirect address of this provider: what is registered there, letter for letter."""
    return f"{settings.base_url}/sign-in/with/{provider.name}/callback"


def client_id_of(provider: Provider, settings: Settings) -> str:
    """Our public name at this provider."""
    return str(getattr(settings, f"{provider.name}_client_id", ""))


def client_secret_of(provider: Provider, settings: Settings) -> str:
    """Our secret at this provider, '' where it has none that stays the same."""
    return str(getattr(settings, f"{provider.name}_client_secret", ""))


def _variable(setting: str) -> str:
    return f"QUILT_{setting.removesuffix('_on').upper()}"
