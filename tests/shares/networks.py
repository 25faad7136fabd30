"""One server that plays the networks that take posts, as they publish their APIs: it checks every parameter, scope
and header, keeps what it was given, and misbehaves when told to."""

import base64
import hashlib
import html
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlencode, urlsplit

ID, SECRET = "our-client", "our secret"
SCOPES = {
    "x": "tweet.read tweet.write users.read offline.access",
    "linkedin": "openid profile w_member_social",
    "reddit": "identity submit",
    "threads": "threads_basic,threads_content_publish",
    "mastodon": "read:accounts write:statuses",
}


@dataclass
class Played:
    """What one test's server knows. `faults` are taken by the next decisive requests: a status, "lost" (it is
    posted, the answer is not sent), "nothing" (neither), "garbage" (posted, answered with nonsense)."""

    address: str = ""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens: dict[str, dict[str, str]] = field(default_factory=dict)  # access token → network, scope, refresh
    revoked: list[str] = field(default_factory=list)
    posts: list[dict[str, Any]] = field(default_factory=list)
    idempotent: dict[str, dict[str, Any]] = field(default_factory=dict)
    containers: dict[str, dict[str, str]] = field(default_factory=dict)
    clients: dict[str, str] = field(default_factory=dict)
    faults: list[int | str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    refuses_renewal: bool = False
    is_deaf: bool = False  # to tokens that are given back
    granted_scope: str | None = None
    most_characters: int = 640


class Complaint(Exception):
    """Something that the real network would refuse."""

    def __init__(self, words: str, status: int = 400) -> None:
        super().__init__(words)
        self.status = status


@contextmanager
def play_networks() -> Iterator[Played]:
    """The server for the time of the block; a complaint that no test expects fails it at the end."""
    played = Played()
    handler = type("Handler", (_Handler,), {"played": played})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    played.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield played
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    played: Played

    def log_message(self, *_: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        self.handle_all()

    def do_POST(self) -> None:
        self.handle_all()

    def handle_all(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(length)
        self.query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.is_lost = False
        try:
            for (method, path), play in ROUTES.items():
                if method == self.command and (found := _match(path, parts.path)) is not None:
                    status, told, headers = play(self, self.played, **found)
                    break
            else:
                raise Complaint(f"no such address: {self.command} {parts.path}", 404)
        except Complaint as complaint:
            self.played.complaints.append(str(complaint))
            status, told, headers = complaint.status, {"error": str(complaint), "detail": str(complaint)}, {}
        if self.is_lost:
            time.sleep(0.05)
            self.close_connection = True
            return
        content = told if isinstance(told, bytes) else json.dumps(told).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def form(self) -> dict[str, str]:
        if self.headers.get_content_type() != "application/x-www-form-urlencoded":
            raise Complaint("not a form", 415)
        pairs = parse_qsl(self.body.decode(), keep_blank_values=True, strict_parsing=True)
        if len({name for name, _ in pairs}) != len(pairs):
            raise Complaint("a parameter twice")
        return dict(pairs)

    def json(self) -> Any:
        if self.headers.get("Content-Type") != "application/json":
            raise Complaint("not JSON", 415)
        return json.loads(self.body)

    def bearer(self, network: str, scope: str) -> str:
        kind, _, token = self.headers.get("Authorization", "").partition(" ")
        known = self.played.tokens.get(token)
        if kind != "Bearer" or known is None or known["network"] != network or token in self.played.revoked:
            raise Complaint("a token that is not good", 401)
        if scope not in known["scope"].replace(",", " ").split():
            raise Complaint(f"the scope {scope} is missing", 403)
        return token

    def fault(self, keep: Callable[[], Any]) -> tuple[Any, tuple[int, Any, dict[str, str]] | None]:
        """What the next fault does to a decisive request: (what was kept, the answer instead of ours)."""
        fault = self.played.faults.pop(0) if self.played.faults else None
        if isinstance(fault, int):
            return None, (
                fault,
                {"detail": "a made-up refusal"},
                {"Retry-After": "45"} if fault == 429 else {},
            )
        if fault == "nothing":
            self.is_lost = True
            return None, (200, {}, {})
        kept = keep()
        if fault == "lost":
            self.is_lost = True
        if fault == "garbage":
            return kept, (200, b"<html>all is well</html>", {})
        return kept, (200, {}, {}) if self.is_lost else None


def _need(facts: dict[str, str], **wanted: str) -> None:
    for name, value in wanted.items():
        if facts.get(name) != value:
            raise Complaint(f"{name} is {facts.get(name)!r}, not {value!r}")


def _authorize(network: str) -> Callable[..., Any]:
    def play(handler: _Handler, played: Played) -> Any:
        query = handler.query
        _need(query, response_type="code", scope=SCOPES[network], code_challenge_method="S256")
        client = query.get("client_id", "")
        if client != ID and client not in played.clients:
            raise Complaint("an unknown client")
        if len(query.get("state", "")) < 40 or len(query.get("code_challenge", "")) != 43:
            raise Complaint("a state or challenge that is too short")
        code = secrets.token_urlsafe(16)
        played.codes[code] = {**query, "network": network}
        back = f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"
        return 302, b"", {"Location": back}

    return play


def _token(network: str, auth: str) -> Callable[..., Any]:
    def play(handler: _Handler, played: Played) -> Any:
        form = handler.form()
        client = _check_client(handler, played, form, auth)
        if form.get("grant_type") == "refresh_token":
            return _refresh(played, form, network)
        _need(form, grant_type="authorization_code")
        asked = played.codes.pop(form.get("code", ""), None)
        if asked is None or asked["network"] != network or asked["client_id"] != client:
            raise Complaint("invalid_grant")
        _need(form, redirect_uri=asked["redirect_uri"])
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != asked["code_challenge"]:
            raise Complaint("invalid_grant: the verifier")
        scope = played.granted_scope if played.granted_scope is not None else asked["scope"]
        return 200, _issue(played, network, scope), {}

    return play


def _check_client(handler: _Handler, played: Played, form: dict[str, str], auth: str) -> str:
    if auth == "basic":
        wanted = "Basic " + base64.b64encode(f"{ID}:{SECRET}".encode()).decode()
        if handler.headers.get("Authorization") != wanted or "client_secret" in form:
            raise Complaint("invalid_client", 401)
        return ID
    secret = SECRET if form.get("client_id") == ID else played.clients.get(form.get("client_id", ""))
    if secret is None or form.get("client_secret") != secret or handler.headers.get("Authorization"):
        raise Complaint("invalid_client", 401)
    return form["client_id"]


def _refresh(played: Played, form: dict[str, str], network: str) -> Any:
    old = next(
        (token for token, it in played.tokens.items() if it["refresh"] == form.get("refresh_token")), None
    )
    if old is None or old in played.revoked or played.refuses_renewal:
        return 400, {"error": "invalid_grant"}, {}
    scope = played.tokens.pop(old)["scope"]
    return 200, _issue(played, network, scope), {}


def _issue(played: Played, network: str, scope: str, lasts: int = 7200) -> dict[str, Any]:
    access, refresh = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    played.tokens[access] = {"network": network, "scope": scope, "refresh": refresh}
    answer: dict[str, Any] = {"access_token": access, "token_type": "bearer", "scope": scope}
    if network != "mastodon":
        answer["expires_in"] = lasts
    if network in ("x", "reddit"):
        answer["refresh_token"] = refresh
    if network == "threads":
        answer = {"access_token": access, "user_id": 17}
    return answer


def _revoke(network: str, auth: str) -> Callable[..., Any]:
    def play(handler: _Handler, played: Played) -> Any:
        form = handler.form()
        _check_client(handler, played, form, auth)
        if played.is_deaf:
            return 503, {}, {}
        mine = [
            token
            for token, it in played.tokens.items()
            if it["network"] == network and form.get("token") in (token, it["refresh"])
        ]
        played.revoked += mine
        return 200, {}, {}

    return play


def _account(network: str, scope: str, told: dict[str, Any]) -> Callable[..., Any]:
    def play(handler: _Handler, played: Played) -> Any:
        handler.bearer(network, scope)
        return 200, told, {}

    return play


def _tweet(handler: _Handler, played: Played) -> Any:
    handler.bearer("x", "tweet.write")
    body = handler.json()
    if set(body) != {"text"} or any(post["text"] == body["text"] for post in played.posts):
        raise Complaint("You are not allowed to create a Tweet with duplicate content.", 403)
    kept, instead = handler.fault(lambda: _keep(played, "x", text=body["text"]))
    return instead or (201, {"data": {"id": kept["id"], "text": body["text"]}}, {})


def _tweets(handler: _Handler, played: Played, user: str) -> Any:
    handler.bearer("x", "tweet.read")
    handler.bearer("x", "users.read")
    time.strptime(handler.query["start_time"], "%Y-%m-%dT%H:%M:%SZ")
    rows = []
    for post in played.posts:
        urls = [
            {"url": "https://t.co/a", "expanded_url": word} for word in post["text"].split() if "://" in word
        ]
        rows.append({"id": post["id"], "text": "shortened https://t.co/a", "entities": {"urls": urls}})
    return (
        200,
        {"data": rows, "meta": {"result_count": len(rows)}} if rows else {"meta": {"result_count": 0}},
        {},
    )


def _linkedin_post(handler: _Handler, played: Played) -> Any:
    handler.bearer("linkedin", "w_member_social")
    body = handler.json()
    if not handler.headers.get("LinkedIn-Version", "").isdecimal():
        raise Complaint("no version", 400)
    _need(dict(handler.headers), **{"X-Restli-Protocol-Version": "2.0.0"})
    _need(body, author="urn:li:person:li-7", visibility="PUBLIC", lifecycleState="PUBLISHED")
    if set(body["content"]["article"]) != {"source", "title", "description"}:
        raise Complaint("an article that is none")
    text = body["commentary"]
    kept, instead = handler.fault(
        lambda: _keep(played, "linkedin", text=text, link=body["content"]["article"]["source"])
    )
    return instead or (201, b"", {"x-restli-id": f"urn:li:share:{kept['id']}"})


def _submit(handler: _Handler, played: Played) -> Any:
    handler.bearer("reddit", "submit")
    form = handler.form()
    _need(form, api_type="json", kind="link", resubmit="false")
    if not 0 < len(form["title"]) <= 300:
        raise Complaint("a title that does not fit")
    if form["sr"] == "closed":
        return (
            200,
            {"json": {"errors": [["SUBREDDIT_NOTALLOWED", "you aren't allowed to post there.", "sr"]]}},
            {},
        )
    if any(post.get("link") == form["url"] for post in played.posts):
        return 200, {"json": {"errors": [["ALREADY_SUB", "that link has already been submitted", "url"]]}}, {}
    kept, instead = handler.fault(
        lambda: _keep(played, "reddit", text=form["title"], link=form["url"], group=form["sr"])
    )
    data = {
        "url": f"https://www.reddit.com/r/{form['sr']}/comments/{kept['id'] if kept else ''}/",
        "name": "t3_1",
    }
    return instead or (200, {"json": {"errors": [], "data": data}}, {})


def _container(handler: _Handler, played: Played, user: str) -> Any:
    handler.bearer("threads", "threads_content_publish")
    form = handler.form()
    _need(form, media_type="TEXT")
    if len(form["text"]) > 500 or form["link_attachment"] not in form["text"]:
        raise Complaint("a text that does not fit")
    key = str(900 + len(played.containers))
    played.containers[key] = form
    return 200, {"id": key}, {}


def _publish(handler: _Handler, played: Played, user: str) -> Any:
    handler.bearer("threads", "threads_content_publish")
    form = played.containers.get(handler.form()["creation_id"])
    if form is None:
        raise Complaint("no such container")
    kept, instead = handler.fault(
        lambda: _keep(played, "threads", text=form["text"], link=form["link_attachment"])
    )
    return instead or (200, {"id": kept["id"]}, {})


def _thread(handler: _Handler, played: Played, key: str) -> Any:
    handler.bearer("threads", "threads_basic")
    if handler.query.get("fields") == "id,username":
        return 200, {"id": "17", "username": "ana"}, {}
    return 200, {"id": key, "permalink": f"https://www.threads.net/@ana/post/{key}"}, {}


def _threads(handler: _Handler, played: Played) -> Any:
    handler.bearer("threads", "threads_basic")
    int(handler.query["since"])
    rows = [
        {
            "id": post["id"],
            "text": post["text"],
            "permalink": f"https://www.threads.net/@ana/post/{post['id']}",
        }
        for post in played.posts
    ]
    return 200, {"data": rows}, {}


def _lengthen(grant: str) -> Callable[..., Any]:
    def play(handler: _Handler, played: Played) -> Any:
        query = handler.query
        _need(query, grant_type=grant)
        if grant == "th_exchange_token":
            _need(query, client_secret=SECRET)
        old = played.tokens.pop(query.get("access_token", ""), None)
        if old is None or played.refuses_renewal:
            return 400, {"error": {"message": "Session has expired", "code": 190}}, {}
        access = secrets.token_urlsafe(24)
        played.tokens[access] = old
        return 200, {"access_token": access, "token_type": "bearer", "expires_in": 5_184_000}, {}

    return play


def _register(handler: _Handler, played: Played) -> Any:
    form = handler.form()
    _need(form, scopes=SCOPES["mastodon"])
    if not form["redirect_uris"].endswith("/me/connections/mastodon/back") or not form["client_name"]:
        raise Complaint("a registration that is none")
    client, secret = secrets.token_urlsafe(12), secrets.token_urlsafe(12)
    played.clients[client] = secret
    return 200, {"id": "1", "client_id": client, "client_secret": secret}, {}


def _status(handler: _Handler, played: Played) -> Any:
    handler.bearer("mastodon", "write:statuses")
    form, key = handler.form(), handler.headers.get("Idempotency-Key", "")
    if set(form) != {"status", "visibility"} or form["visibility"] != "public" or len(key) < 20:
        raise Complaint("a status that is none", 422)
    if key in played.idempotent:
        return 200, played.idempotent[key], {}
    text = form["status"]
    kept, instead = handler.fault(lambda: _keep(played, "mastodon", text=text))
    if kept:
        kept["url"] = f"{played.address}/@ana/{kept['id']}"
        played.idempotent[key] = {"id": kept["id"], "url": kept["url"]}
    return instead or (200, played.idempotent[key], {})


def _statuses(handler: _Handler, played: Played, user: str) -> Any:
    if handler.headers.get("Authorization"):
        raise Complaint("a token where anybody may ask")
    rows = [
        {"id": post["id"], "url": post["url"], "content": f"<p>{html.escape(post['text'])}</p>"}
        for post in played.posts
    ]
    return 200, rows, {}


def _instance(handler: _Handler, played: Played) -> Any:
    return 200, {"configuration": {"statuses": {"max_characters": played.most_characters}}}, {}


def _keep(played: Played, network: str, **facts: str) -> dict[str, Any]:
    post = {"id": str(1_000 + len(played.posts)), "network": network, **facts}
    played.posts.append(post)
    return post


def _match(pattern: str, path: str) -> dict[str, str] | None:
    wanted, given = pattern.split("/"), path.split("/")
    if len(wanted) != len(given):
        return None
    found = {}
    for one, other in zip(wanted, given, strict=True):
        if one.startswith("{"):
            found[one.strip("{}")] = unquote(other)
        elif one != other:
            return None
    return found


ROUTES: dict[tuple[str, str], Callable[..., Any]] = {
    ("GET", "/x.com/i/oauth2/authorize"): _authorize("x"),
    ("POST", "/api.x.com/2/oauth2/token"): _token("x", "basic"),
    ("POST", "/api.x.com/2/oauth2/revoke"): _revoke("x", "basic"),
    ("GET", "/api.x.com/2/users/me"): _account("x", "users.read", {"data": {"id": "42", "username": "ana"}}),
    ("POST", "/api.x.com/2/tweets"): _tweet,
    ("GET", "/api.x.com/2/users/{user}/tweets"): _tweets,
    ("GET", "/www.linkedin.com/oauth/v2/authorization"): _authorize("linkedin"),
    ("POST", "/www.linkedin.com/oauth/v2/accessToken"): _token("linkedin", "post"),
    ("POST", "/www.linkedin.com/oauth/v2/revoke"): _revoke("linkedin", "post"),
    ("GET", "/api.linkedin.com/v2/userinfo"): _account("linkedin", "profile", {"sub": "li-7", "name": "Ana"}),
    ("POST", "/api.linkedin.com/rest/posts"): _linkedin_post,
    ("GET", "/www.reddit.com/api/v1/authorize"): _authorize("reddit"),
    ("POST", "/www.reddit.com/api/v1/access_token"): _token("reddit", "basic"),
    ("POST", "/www.reddit.com/api/v1/revoke_token"): _revoke("reddit", "basic"),
    ("GET", "/oauth.reddit.com/api/v1/me"): _account("reddit", "identity", {"id": "r1", "name": "ana"}),
    ("POST", "/oauth.reddit.com/api/submit"): _submit,
    ("GET", "/threads.net/oauth/authorize"): _authorize("threads"),
    ("POST", "/graph.threads.net/oauth/access_token"): _token("threads", "post"),
    ("GET", "/graph.threads.net/access_token"): _lengthen("th_exchange_token"),
    ("GET", "/graph.threads.net/refresh_access_token"): _lengthen("th_refresh_token"),
    ("GET", "/graph.threads.net/v1.0/me/threads"): _threads,
    ("GET", "/graph.threads.net/v1.0/{key}"): _thread,
    ("POST", "/graph.threads.net/v1.0/{user}/threads"): _container,
    ("POST", "/graph.threads.net/v1.0/{user}/threads_publish"): _publish,
    ("GET", "/.well-known/oauth-authorization-server"): lambda *_: (404, {}, {}),  # as before Mastodon 4.3
    ("POST", "/api/v1/apps"): _register,
    ("GET", "/oauth/authorize"): _authorize("mastodon"),
    ("POST", "/oauth/token"): _token("mastodon", "post"),
    ("POST", "/oauth/revoke"): _revoke("mastodon", "post"),
    ("GET", "/api/v1/accounts/verify_credentials"): _account(
        "mastodon", "read:accounts", {"id": "5", "acct": "ana"}
    ),
    ("POST", "/api/v1/statuses"): _status,
    ("GET", "/api/v1/accounts/{user}/statuses"): _statuses,
    ("GET", "/api/v2/instance"): _instance,
}
