"""Bluesky: a record in the person's own repository, by tokens bound to a key of ours.

https://docs.bsky.app/docs/advanced-guides/posts and https://atproto.com/specs/oauth
"""

import base64
import hashlib
import json
import time
from datetime import UTC, datetime
from typing import Any

from quilt.accounts.bluesky import unpack_key
from quilt.accounts.providers import Auth, Kind, Provider
from quilt.outbound import Answer
from quilt.shares.connectors.base import Connector, Draft, Errand, Published, read_json
from quilt.shares.counting import Counting, Unit, find_links

COLLECTION = "app.bsky.feed.post"
SCOPE = "atproto repo:app.bsky.feed.post?action=create blob:image/*"
OLD_SCOPE = "atproto transition:generic"  # for servers that know no finer ones
MOST_CARD_BYTES = 1_000_000
_TID = "234567abcdefghijklmnopqrstuvwxyz"


def publish(errand: Errand, draft: Draft) -> Published:
    """Write the record under a key made from the post's own, so that a second try cannot make a second post."""
    record = build_record(draft, _send_card(errand, draft.card))
    body = {"repo": errand.subject, "collection": COLLECTION, "rkey": record_key(draft), "record": record}
    answer = _call(errand, "POST", "com.atproto.repo.createRecord", json_body=body, is_decisive=True)
    return _tell(errand, errand.read(answer, "uri", is_decisive=True))


def find(errand: Errand, draft: Draft) -> Published | None:
    """The record of this post's key, if it is there."""
    query = f"repo={errand.subject}&collection={COLLECTION}&rkey={record_key(draft)}"
    url = f"{errand.host}/xrpc/com.atproto.repo.getRecord?{query}"  # public: no token is needed
    answer = errand.send("GET", url, {"Accept": "application/json"}, b"", False)
    if answer.is_good:
        return _tell(errand, errand.read(answer, "uri"))
    facts = read_json(answer)
    if answer.status in (400, 404) and isinstance(facts, dict) and facts.get("error") == "RecordNotFound":
        return None
    raise errand.doubt(is_decisive=False)


def build_record(draft: Draft, thumb: object | None) -> dict[str, Any]:
    """The post: its text, a facet for every link in it, and the entry's card as an external embed."""
    external: dict[str, Any] = {"uri": draft.link, "title": draft.title, "description": draft.description}
    if thumb is not None:
        external["thumb"] = thumb
    facets = [
        {
            "index": {"byteStart": start, "byteEnd": end},
            "features": [{"$type": "app.bsky.richtext.facet#link", "uri": address}],
        }
        for start, end, address in find_links(draft.text)
    ]
    return {
        "$type": COLLECTION,
        "text": draft.text,
        "facets": facets,
        "embed": {"$type": "app.bsky.embed.external", "external": external},
        "createdAt": draft.queued_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
    }


def record_key(draft: Draft) -> str:
    """A timestamp identifier (https://atproto.com/specs/tid) of the moment it was queued; the clock's own part is
    made from the post's key."""
    clock = int.from_bytes(hashlib.sha256(draft.key.encode()).digest()[:4]) % 1_024
    micros = int(draft.queued_at.timestamp()) * 1_000_000
    value = (micros << 10) | clock
    signs = []
    for _ in range(13):
        signs.append(_TID[value & 31])
        value >>= 5
    return "".join(reversed(signs))


def prove_possession(
    key: Any, method: str, url: str, now: datetime, *, token: str = "", nonce: str = ""
) -> str:
    """A proof that we hold a key, for one request; with `token`, for that one too (RFC 9449, sections 4.2 and 7)."""
    from joserfc import jwt
    from joserfc.jwk import ECKey

    facts = dict(key.private_key)
    public = {name: facts[name] for name in ("kty", "crv", "x", "y")}
    seconds = int(now.timestamp())
    claims: dict[str, Any] = {
        "jti": hashlib.sha256(f"{url} {time.monotonic_ns()} {nonce}".encode()).hexdigest(),
        "htm": method, "htu": url.partition("?")[0], "iat": seconds, "exp": seconds + 60,
    }  # fmt: skip
    if token:
        digest = hashlib.sha256(token.encode()).digest()
        claims["ath"] = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    if nonce:
        claims["nonce"] = nonce
    return jwt.encode({"alg": "ES256", "typ": "dpop+jwt", "jwk": public}, claims, ECKey.import_key(facts))


def _send_card(errand: Errand, card: bytes) -> object | None:
    """The card as a blob of the account's own server; a post without a picture is better than none."""
    if not card or len(card) > MOST_CARD_BYTES:
        return None
    answer = _call(errand, "POST", "com.atproto.repo.uploadBlob", body=card, kind="image/jpeg")
    facts = read_json(answer)
    return facts.get("blob") if isinstance(facts, dict) else None


def _call(
    errand: Errand, method: str, name: str, *, json_body: object = None, body: bytes = b"", kind: str = "application/json",
    is_decisive: bool = False,
) -> Answer:  # fmt: skip
    """A call with the bound token; a server that wants a fresh nonce says so once."""
    url = f"{errand.host}/xrpc/{name}"
    content = json.dumps(json_body).encode() if json_body is not None else body
    key, token = unpack_key(errand.tokens["key"]), errand.tokens["access_token"]
    nonce = errand.tokens.get("nonce", "")
    for is_last in (False, True):
        proof = prove_possession(key, method, url, errand.now, token=token, nonce=nonce)
        headers = {
            "Authorization": f"DPoP {token}",
            "DPoP": proof,
            "Content-Type": kind,
            "Accept": "application/json",
        }
        answer = errand.send(method, url, headers, content, is_decisive)
        nonce = errand.tokens["nonce"] = answer.headers.get("dpop-nonce", nonce)
        if (
            is_last
            or answer.status != 401
            or "use_dpop_nonce" not in answer.headers.get("www-authenticate", "")
        ):
            break
    if answer.is_good:
        return answer
    raise errand.refuse(answer, is_decisive)


def _tell(errand: Errand, uri: str) -> Published:
    return Published(uri, f"https://bsky.app/profile/{errand.subject}/post/{uri.rpartition('/')[2]}")


BLUESKY = Connector(
    Provider(
        "bluesky", "Bluesky", Kind.BLUESKY, (), scopes=tuple(SCOPE.split()), auth=Auth.NONE,
        asks_where="Your handle", register_at="",
    ),
    "bs", Counting(Unit.GRAPHEME, 300),
    ("read your name", "post what you have confirmed here, with its picture"),
    publish, find, revoke="discovered",
    costs="Free.", review="None; the site must be reachable under its https address.",
)  # fmt: skip
