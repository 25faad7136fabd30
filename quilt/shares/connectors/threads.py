"""Threads: a container first, then its publication. https://developers.facebook.com/docs/threads/posts"""

from quilt.accounts.providers import Auth, Kind, Provider
from quilt.shares.connectors.base import Connector, Draft, Errand, Published, Renewal, read_json
from quilt.shares.counting import Counting, Unit

API = "https://graph.threads.net"
ACCOUNT = "/v1.0/me?fields=id,username"


def publish(errand: Errand, draft: Draft) -> Published:
    """Make the container, publish it, and ask for its address."""
    api = f"{_api(errand)}/v1.0"
    form = {"media_type": "TEXT", "text": draft.text, "link_attachment": draft.link}
    container = errand.read(errand.ask("POST", f"{api}/{errand.subject}/threads", form=form), "id")
    answer = errand.ask(
        "POST", f"{api}/{errand.subject}/threads_publish", form={"creation_id": container}, is_decisive=True
    )
    key = errand.read(answer, "id", is_decisive=True)
    told = errand.ask("GET", f"{api}/{key}", query={"fields": "permalink"}, is_decisive=True)
    return Published(key, errand.read(told, "permalink", is_decisive=True))


def find(errand: Errand, draft: Draft) -> Published | None:
    """The account's newest posts, searched for the link that only this post has."""
    query = {"fields": "id,text,permalink", "since": str(int(draft.queued_at.timestamp()) - 120)}
    answer = errand.ask("GET", f"{_api(errand)}/v1.0/me/threads", query=query)
    facts = read_json(answer)
    rows = facts.get("data") if isinstance(facts, dict) else None
    if not isinstance(rows, list):
        raise errand.doubt(is_decisive=False)
    mine = (row for row in rows if isinstance(row, dict) and draft.link in str(row.get("text", "")))
    found = next(mine, None)
    return Published(str(found["id"]), str(found["permalink"])) if found else None


def _api(errand: Errand) -> str:
    return errand.connector.provider.account_endpoint.removesuffix(ACCOUNT)


THREADS = Connector(
    Provider(
        "threads", "Threads", Kind.OAUTH, ("threads_client_id", "threads_client_secret"),
        issuer="https://www.threads.net", scopes=("threads_basic", "threads_content_publish"), auth=Auth.POST,
        authorization_endpoint="https://threads.net/oauth/authorize",
        token_endpoint=f"{API}/oauth/access_token", account_endpoint=f"{API}{ACCOUNT}",
        subject_at="id", label_at="username", register_at="https://developers.facebook.com/apps",
    ),
    "th", Counting(Unit.BYTES_OF_EMOJI, 500),
    ("read your name", "see your own posts, to look whether one arrived", "post what you have confirmed here"),
    publish, find,
    renewal=Renewal.EXCHANGE, scope_separator=",", handle_sign="@", code_ending="#_",
    farewell="Threads has no door for it: end it there too, under Settings → Account → Website permissions.",
    costs="Free.", review="Meta’s app review for both permissions, with business verification.",
)  # fmt: skip
