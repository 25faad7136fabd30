"""X: POST /2/tweets with the person's own token. https://docs.x.com/x-api/posts/create-post"""

from datetime import timedelta
from typing import Any

from quilt.accounts.providers import Auth, Kind, Provider
from quilt.shares.connectors.base import Connector, Draft, Errand, Published, read_json
from quilt.shares.counting import Counting, Unit

API = "https://api.x.com"


def publish(errand: Errand, draft: Draft) -> Published:
    """Post the text. X makes the card from the link's own page."""
    api = errand.connector.provider.account_endpoint.removesuffix("/2/users/me")
    answer = errand.ask("POST", f"{api}/2/tweets", json_body={"text": draft.text}, is_decisive=True)
    key = errand.read(answer, "data", "id", is_decisive=True)
    return Published(key, _address(errand, key))


def find(errand: Errand, draft: Draft) -> Published | None:
    """The account's newest posts, searched for the link that only this post has."""
    api = errand.connector.provider.account_endpoint.removesuffix("/2/users/me")
    since = (draft.queued_at - timedelta(minutes=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    query = {"max_results": "20", "start_time": since, "tweet.fields": "entities"}
    answer = errand.ask("GET", f"{api}/2/users/{errand.subject}/tweets", query=query)
    facts = read_json(answer)
    rows = facts.get("data", []) if isinstance(facts, dict) else None
    if not isinstance(rows, list):
        raise errand.doubt(is_decisive=False)
    found = next((row for row in rows if isinstance(row, dict) and draft.link in _list_links(row)), None)
    return Published(str(found["id"]), _address(errand, str(found["id"]))) if found else None


def _list_links(row: dict[str, Any]) -> list[str]:
    entities = row.get("entities")
    urls = entities.get("urls") if isinstance(entities, dict) else None
    return [str(url.get("expanded_url")) for url in urls or () if isinstance(url, dict)]


def _address(errand: Errand, key: str) -> str:
    return f"https://x.com/{errand.handle.lstrip('@')}/status/{key}"


X = Connector(
    Provider(
        "x", "X", Kind.OAUTH, ("x_client_id", "x_client_secret"),
        issuer="https://x.com", scopes=("tweet.read", "tweet.write", "users.read", "offline.access"),
        auth=Auth.BASIC, authorization_endpoint="https://x.com/i/oauth2/authorize",
        token_endpoint=f"{API}/2/oauth2/token", account_endpoint=f"{API}/2/users/me",
        subject_at="data.id", label_at="data.username",
        register_at="https://developer.x.com/en/portal/dashboard",
    ),
    "x", Counting(Unit.WEIGHT, 280),
    ("read your name", "see your own posts, to look whether one arrived", "post what you have confirmed here"),
    publish, find, handle_sign="@", revoke=f"{API}/2/oauth2/revoke",
    costs="Pay per use: each post costs the site.", review="None for posting by its own users.",
)  # fmt: skip
