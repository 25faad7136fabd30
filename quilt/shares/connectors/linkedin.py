"""LinkedIn: the Posts API. https://learn.microsoft.com/linkedin/marketing/community-management/shares/posts-api"""

import re
from urllib.parse import quote

from quilt.accounts.providers import Auth, Kind, Provider
from quilt.shares.connectors.base import Connector, Draft, Errand, Published
from quilt.shares.counting import Counting, Unit

API = "https://api.linkedin.com"
VERSION = "202609"  # of their API: each is kept for a year
_RESERVED = re.compile(r"([\\|{}@\[\]()<>#*_~])")  # signs that mean something in their little text format


def publish(errand: Errand, draft: Draft) -> Published:
    """Post the words with the entry as an article beside them."""
    api = errand.connector.provider.account_endpoint.removesuffix("/v2/userinfo")
    body = {
        "author": f"urn:li:person:{errand.subject}",
        "commentary": _RESERVED.sub(r"\\\1", draft.text),
        "visibility": "PUBLIC",
        "distribution": {"feedDistribution": "MAIN_FEED", "targetEntities": [], "thirdPartyDistributionChannels": []},
        "content": {"article": {"source": draft.link, "title": draft.title, "description": draft.description}},
        "lifecycleState": "PUBLISHED",
        "isReshareDisabledByAuthor": False,
    }  # fmt: skip
    headers = {"LinkedIn-Version": VERSION, "X-Restli-Protocol-Version": "2.0.0"}
    answer = errand.ask("POST", f"{api}/rest/posts", json_body=body, headers=headers, is_decisive=True)
    key = answer.headers.get("x-restli-id", "")
    if not key.startswith("urn:li:"):
        raise errand.doubt(is_decisive=True)
    return Published(key, f"https://www.linkedin.com/feed/update/{quote(key, safe=':')}/")


LINKEDIN = Connector(
    Provider(
        "linkedin", "LinkedIn", Kind.OAUTH, ("linkedin_client_id", "linkedin_client_secret"),
        issuer="https://www.linkedin.com/oauth", scopes=("openid", "profile", "w_member_social"), auth=Auth.POST,
        authorization_endpoint="https://www.linkedin.com/oauth/v2/authorization",
        token_endpoint="https://www.linkedin.com/oauth/v2/accessToken",
        account_endpoint=f"{API}/v2/userinfo", subject_at="sub", label_at="name",
        register_at="https://www.linkedin.com/developers/apps",
    ),
    "li", Counting(Unit.CHARACTER, 3_000, has_link=False),
    ("read your name", "post what you have confirmed here"),
    publish, revoke="https://www.linkedin.com/oauth/v2/revoke",
    costs="Free.", review="Add the product “Share on LinkedIn”; it needs a company page.",
)  # fmt: skip
