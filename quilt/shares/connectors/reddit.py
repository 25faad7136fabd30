"""Reddit: POST /api/submit, a link in a community. https://www.reddit.com/dev/api#POST_api_submit"""

import re
from typing import Any

from quilt.accounts.providers import Auth, Kind, Provider
from quilt.shares.connectors.base import Connector, Draft, Errand, NotPosted, Published, read_json
from quilt.shares.counting import Counting, Unit

API = "https://oauth.reddit.com"
_COMMUNITY = re.compile(r"(?:/?r/)?([A-Za-z0-9_]{3,21})")


def publish(errand: Errand, draft: Draft) -> Published:
    """Post the link with the words as its title.

    Reddit takes an address once in a community (`resubmit=false`), and this address is this post's alone: so
    "already submitted" means that an earlier try has arrived.
    """
    community = _COMMUNITY.fullmatch(draft.group.strip())
    if community is None:
        raise NotPosted("Name the community that it goes to, like r/volunteer.")
    form = {
        "api_type": "json", "kind": "link", "sr": community[1], "title": draft.text, "url": draft.link,
        "resubmit": "false", "sendreplies": "true",
    }  # fmt: skip
    api = errand.connector.provider.account_endpoint.removesuffix("/api/v1/me")
    answer = errand.ask("POST", f"{api}/api/submit", form=form, is_decisive=True)
    told = read_json(answer)
    facts: Any = told.get("json") if isinstance(told, dict) else None
    errors = facts.get("errors") if isinstance(facts, dict) else None
    if not isinstance(errors, list):
        raise errand.doubt(is_decisive=True)
    if any(isinstance(error, list) and error[:1] == ["ALREADY_SUB"] for error in errors):
        return Published("", f"https://www.reddit.com/r/{community[1]}/")
    if errors:
        words = " ".join(str(error[1]) for error in errors if isinstance(error, list) and len(error) > 1)
        raise NotPosted(f"Reddit did not accept the post: {words[:200]}")
    key = errand.read(answer, "json", "data", "name", is_decisive=True)
    return Published(key, errand.read(answer, "json", "data", "url", is_decisive=True))


REDDIT = Connector(
    Provider(
        "reddit", "Reddit", Kind.OAUTH, ("reddit_client_id", "reddit_client_secret"),
        issuer="https://www.reddit.com", scopes=("identity", "submit"), auth=Auth.BASIC,
        authorization_endpoint="https://www.reddit.com/api/v1/authorize",
        token_endpoint="https://www.reddit.com/api/v1/access_token",
        account_endpoint=f"{API}/api/v1/me", subject_at="id", label_at="name",
        extra=(("duration", "permanent"),), register_at="https://www.reddit.com/prefs/apps",
    ),
    "rd", Counting(Unit.CHARACTER, 300, has_link=False),
    ("read your name", "post what you have confirmed here, in the community that you name"),
    publish, publish,  # sending again is looking: Reddit takes one address once
    revoke="https://www.reddit.com/api/v1/revoke_token", group_label="Community",
    costs="Free for little use.", review="Ask for API access under the Responsible Builder Policy first.",
)  # fmt: skip
