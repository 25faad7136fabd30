"""Mastodon: POST /api/v1/statuses at the person's own server. https://docs.joinmastodon.org/methods/statuses/"""

from quilt.accounts.providers import Kind, Provider
from quilt.outbound import Answer
from quilt.shares.connectors.base import Connector, Draft, Errand, NotPosted, Published, read_json
from quilt.shares.counting import Counting, Unit

MOST, LONGEST = 500, 10_000  # characters: what a server says it takes is believed up to the second


def publish(errand: Errand, draft: Draft) -> Published:
    """Post the text under the post's own idempotency key: for an hour a server takes the same key once."""
    form = {"status": draft.text, "visibility": "public"}
    answer = errand.ask(
        "POST",
        f"{errand.host}/api/v1/statuses",
        form=form,
        headers={"Idempotency-Key": draft.key},
        is_decisive=True,
    )
    key = errand.read(answer, "id", is_decisive=True)
    return Published(key, errand.read(answer, "url", is_decisive=True))


def find(errand: Errand, draft: Draft) -> Published | None:
    """The account's newest public posts, searched for the link that only this post has.

    Asked as anybody could: our token may not read posts. A server that shows them to nobody cannot be searched.
    """
    url = f"{errand.host}/api/v1/accounts/{errand.subject}/statuses?limit=20&exclude_replies=true"
    answer = errand.send("GET", url, {"Accept": "application/json"}, b"", False)
    rows = read_json(answer) if answer.is_good else None
    if not isinstance(rows, list):
        raise errand.doubt(is_decisive=False)
    link = draft.link.replace("&", "&amp;")
    found = next((row for row in rows if isinstance(row, dict) and link in str(row.get("content", ""))), None)
    if found is None:
        return None
    return Published(str(found.get("id", "")), str(found.get("url", "")))


def ask_most(errand: Errand) -> int:
    """How many signs a post may have at this server; 500, as everywhere, where it does not say."""
    try:
        answer = errand.send(
            "GET", f"{errand.host}/api/v2/instance", {"Accept": "application/json"}, b"", False
        )
    except NotPosted:
        return MOST
    return read_most(answer)


def read_most(answer: Answer) -> int:
    """The limit in a server's description of itself."""
    found = read_json(answer)
    for name in ("configuration", "statuses", "max_characters"):
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, int) and 0 < found <= LONGEST else MOST


MASTODON = Connector(
    Provider(
        "mastodon", "Mastodon", Kind.MASTODON, (), scopes=("read:accounts", "write:statuses"),
        subject_at="id", label_at="acct", asks_where="Your server", register_at="",
    ),
    "ma", Counting(Unit.SIGN, MOST),
    ("read your name", "post what you have confirmed here"),
    publish, find, revoke="/oauth/revoke",
    costs="Free.", review="None: each server registers us by itself when the first person from there comes.",
)  # fmt: skip
