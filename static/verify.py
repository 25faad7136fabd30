"""Recount a contest from its public files, and check a vote's receipt. Needs Python 3.9 or newer, nothing else.

    python3 verify.py https://vote.example.org/contests/courage/ledger
    python3 verify.py downloaded-folder --receipt my-receipt.json --head head-from-an-old-mail.json

It reads policy.json, public_key, heads.ndjson, ledger.ndjson and results.json, and recomputes every hash, every
signature, the state of each vote, the tally, the places and the draw. Exit code 0: everything agrees. 1: something
does not. 2: it could not be checked (a file is missing, or a receipt is not due yet).

This file stands alone: nothing in it comes from the program that it checks. The formats are in docs/integrity.md.
"""

import argparse
import array
import collections
import hashlib
import http.client
import json
import os
import re
import sys
import urllib.error
import urllib.parse
import urllib.request
from fractions import Fraction


class Wrong(Exception):
    """The files do not agree with one another."""


class Unknown(Exception):
    """It cannot be told."""


# ---- where the files come from ----------------------------------------------------------------------------------

LONGEST_LINE = 65536
LARGEST_FILE = 64 * 1024 * 1024  # of those that are read whole


class Source:
    """A folder or an address."""

    def __init__(self, place):
        self.place = place.rstrip("/")
        self.is_remote = place.startswith(("http://", "https://"))

    def open(self, name, size=None):
        try:
            if not self.is_remote:
                return open(os.path.join(self.place, name), "rb")
            query = "" if size is None else f"?size={size}"
            return urllib.request.urlopen(self.place + "/" + name + query, timeout=60)
        except (OSError, urllib.error.URLError) as error:
            raise Unknown(f"{name} cannot be read: {error}")

    def read(self, name, size=None):
        with self.open(name, size) as stream:
            content = stream.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise Wrong(f"{name} is larger than any such file should be")
        return content

    def lines(self, name, size=None):
        with self.open(name, size) as stream:
            while True:
                line = stream.readline(LONGEST_LINE + 1)
                if not line:
                    return
                if not line.endswith(b"\n"):
                    raise Wrong(f"{name}: a line is too long, or the file ends in the middle of one")
                yield line[:-1]


def read_json(content, name):
    def once(pairs):
        if len({key for key, _ in pairs}) != len(pairs):
            raise ValueError("a name comes twice")
        return dict(pairs)

    try:
        fields = json.loads(content.decode("utf-8"), object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        raise Wrong(f"{name} is not proper JSON: {error}")
    if not isinstance(fields, dict):
        raise Wrong(f"{name} is not a JSON object")
    return fields


def write_json(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


# ---- Ed25519, RFC 8032 section 5.1 ------------------------------------------------------------------------------

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)
NEUTRAL = (0, 1, 1, 0)


def add_points(a, b):
    # Extended coordinates (X, Y, Z, T) with x = X/Z, y = Y/Z, x·y = T/Z; the formulas of section 5.1.4.
    e = (a[1] - a[0]) * (b[1] - b[0]) % P
    f = (a[1] + a[0]) * (b[1] + b[0]) % P
    g = 2 * D * a[3] * b[3] % P
    h = 2 * a[2] * b[2] % P
    i, j, k, m = f - e, h - g, h + g, f + e
    return i * j % P, k * m % P, j * k % P, i * m % P


def find_x(y, sign):
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    return P - x if x & 1 != sign else x


def decode_point(data):
    number = int.from_bytes(data, "little")
    y, sign = number & (2**255 - 1), number >> 255
    x = find_x(y, sign) if y < P else None
    return None if x is None else (x, y, 1, x * y % P)


def encode_point(point):
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def make_multiples(point):
    """For each of the 64 hexadecimal places of a factor, what its sixteen digits add."""
    rows = []
    for _ in range(64):
        row = [NEUTRAL]
        for _ in range(15):
            row.append(add_points(row[-1], point))
        rows.append(row)
        point = add_points(row[-1], point)
    return rows


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE = (find_x(BASE_Y, 0), BASE_Y, 1, find_x(BASE_Y, 0) * BASE_Y % P)
BASE_MULTIPLES = make_multiples(BASE)


class Key:
    """A public key; the multiples of its point are computed once, since many signatures are checked with it."""

    def __init__(self, data):
        self.data = data
        self.name = hashlib.sha256(data).hexdigest()[:16]
        point = decode_point(data)
        if point is None:
            raise Wrong("public_key: a line is not an Ed25519 key")
        x, y, z, t = point
        self.multiples = make_multiples((P - x, y, z, P - t))

    def has_signed(self, message, signature):
        factor = int.from_bytes(signature[32:], "little")
        if len(signature) != 64 or factor >= ORDER:
            return False
        digest = hashlib.sha512(signature[:32] + self.data + message).digest()
        challenge = int.from_bytes(digest, "little") % ORDER
        total = NEUTRAL
        for place in range(64):
            total = add_points(total, BASE_MULTIPLES[place][factor >> 4 * place & 15])
            total = add_points(total, self.multiples[place][challenge >> 4 * place & 15])
        return encode_point(total) == signature[:32]


def read_public_keys(content):
    if not re.fullmatch(rb"([0-9a-f]{64}\n)+", content):
        raise Wrong("public_key is not lines of 64 hex digits")
    keys = [Key(bytes.fromhex(line.decode())) for line in content.splitlines()]
    return {key.name: key for key in keys}


# ---- the Merkle tree, RFC 9162 section 2.1 ----------------------------------------------------------------------


def sha256(data):
    return hashlib.sha256(data).digest()


class Tree:
    """The complete subtrees at the right edge, each with how many leaves it has."""

    def __init__(self):
        self.parts = []

    def add(self, leaf_hash):
        width, node = 1, leaf_hash
        while self.parts and self.parts[-1][0] == width:
            node = sha256(b"\x01" + self.parts.pop()[1] + node)
            width *= 2
        self.parts.append((width, node))

    def root(self):
        if not self.parts:
            return sha256(b"")
        node = self.parts[-1][1]
        for _, left in reversed(self.parts[:-1]):
            node = sha256(b"\x01" + left + node)
        return node


def follow_path(leaf_hash, index, size, path):
    """The root to which a path leads, or None when it has not the right length. Written from the definition."""
    if size == 1:
        return leaf_hash if not path else None
    if not path:
        return None
    left = 1 << (size - 1).bit_length() - 1
    if index < left:
        below = follow_path(leaf_hash, index, left, path[:-1])
        return below and sha256(b"\x01" + below + path[-1])
    below = follow_path(leaf_hash, index - left, size - left, path[:-1])
    return below and sha256(b"\x01" + path[-1] + below)


# ---- the lines --------------------------------------------------------------------------------------------------

NUMBER = rb"(0|[1-9][0-9]{0,18})"
CONTEST = rb"([a-z0-9][a-z0-9-]{0,63})"
TAG = rb"([a-z0-9][a-z0-9_.-]{0,31})"
ACTOR = rb"(rules|voter|reviewer|appeal)"
DAY = rb"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
HOUR = rb"(" + DAY + rb"T(?:[01][0-9]|2[0-3])Z)"
TIME = rb"(" + DAY + rb"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z)"
PERIOD = rb"(|" + DAY + rb"|[0-9]{4}-W(?:0[1-9]|[1-4][0-9]|5[0-3]))"
HASH = rb"([0-9a-f]{64})"
PAIR = rb"\[(?:0|[1-9][0-9]{0,18}),(?:0|[1-9][0-9]{0,18})\]"
LARGEST_NUMBER = 2**63 - 1
MOST_RANGES = 1000

# Every line has one possible spelling, so one pattern says both what it means and that it is spelt so.
VOTE = re.compile(
    rb'\{"at":"' + HOUR + rb'","commit":"' + HASH + rb'","contest":"' + CONTEST + rb'","entry":' + NUMBER
    + rb',"kind":"vote","period":"' + PERIOD + rb'","tier":"' + TAG + rb'","v":1\}'
)  # fmt: skip
DECISION = re.compile(
    rb'\{"actor":"' + ACTOR + rb'","contest":"' + CONTEST + rb'","kind":"decision","reason":"' + TAG
    + rb'","rules":"' + TAG + rb'","state":"(counted|held|rejected|withdrawn)","v":1,"votes":\[('
    + PAIR + rb"(?:," + PAIR + rb')*)\]\}'
)  # fmt: skip
RUNNING = re.compile(
    rb'\{"actor":"' + ACTOR + rb'","contest":"' + CONTEST + rb'","entry":' + NUMBER
    + rb',"kind":"entry","reason":"' + TAG + rb'","running":(true|false),"v":1\}'
)  # fmt: skip
JUDGES = re.compile(
    rb'\{"contest":"' + CONTEST + rb'","entry":' + NUMBER + rb',"kind":"judges","points":' + NUMBER
    + rb',"v":1\}'
)  # fmt: skip
HEAD = re.compile(
    rb'(\{"at":"' + TIME + rb'","contest":"' + CONTEST + rb'","key":"([0-9a-f]{16})","policy":"' + HASH
    + rb'","previous":"' + HASH + rb'","root":"' + HASH + rb'",)"signature":"([0-9a-f]{128})",("size":' + NUMBER
    + rb',"v":1\})'
)  # fmt: skip

STATES = ("recorded", "counted", "held", "rejected", "withdrawn")
NO_VOTE = 9
MAY = {
    "recorded counted": "rules reviewer",
    "recorded held": "rules reviewer",
    "counted held": "rules reviewer",
    "held counted": "rules voter reviewer appeal",
    "held rejected": "reviewer appeal",
    "rejected held": "reviewer appeal",
    "rejected counted": "appeal",
    "recorded withdrawn": "voter",
    "counted withdrawn": "voter",
    "held withdrawn": "voter",
}


def read_number(text):
    number = int(text)
    if number > LARGEST_NUMBER:
        raise Wrong("a number is too large")
    return number


Head = collections.namedtuple(
    "Head", "at contest key policy previous root size signature message digest line"
)


def read_head(line, where):
    match = HEAD.fullmatch(line)
    if match is None:
        raise Wrong(f"{where} is not a tree head")
    begin, at, contest, key, policy, previous, root, signature, end, size = match.groups()
    message = b"quilt tree head\n" + begin + end
    return Head(
        at.decode(), contest.decode(), key.decode(), policy.decode(), previous.decode(), root.decode(),
        read_number(size), bytes.fromhex(signature.decode()), message, sha256(message).hex(), line,
    )  # fmt: skip


def check_heads(lines, keys, policy_digest, contest):
    heads = []
    for number, line in enumerate(lines):
        where = f"heads.ndjson, line {number + 1}"
        head = read_head(line, where)
        if head.key not in keys or not keys[head.key].has_signed(head.message, head.signature):
            raise Wrong(f"{where}: the signature is not by a key in public_key")
        if head.contest != contest or head.policy != policy_digest:
            raise Wrong(f"{where}: the head is of another contest, or of another policy.json")
        if head.previous != (heads[-1].digest if heads else "0" * 64):
            raise Wrong(f"{where}: the head does not name the one before it")
        if heads and (head.size < heads[-1].size or head.at < heads[-1].at):
            raise Wrong(f"{where}: the head is smaller or older than the one before")
        heads.append(head)
    if not heads:
        raise Wrong("heads.ndjson holds no head")
    return heads


# ---- the leaves, one after the other ----------------------------------------------------------------------------


class Count:
    """What the leaves say."""

    def __init__(self, contest):
        self.contest = contest.encode()
        self.states = bytearray()
        self.entries = array.array("q")
        self.tiers = array.array("q")
        self.tier_names = []
        self.commitments = set()
        self.out = set()
        self.points = {}
        self.decisions = 0
        self.moves = 0
        self.gifts = 0

    def add(self, line):
        match = VOTE.fullmatch(line)
        if match is not None:
            self.add_vote(*match.groups()[1:4], tier=match.group(6).decode())
            return
        for pattern, take in ((DECISION, self.decide), (RUNNING, self.move), (JUDGES, self.give)):
            match = pattern.fullmatch(line)
            if match is not None:
                take(*match.groups())
                self.put(NO_VOTE, 0, 0)
                return
        raise Wrong("it is no leaf: {}".format(line[:200].decode("ascii", "replace")))

    def put(self, code, entry, tier):
        self.states.append(code)
        self.entries.append(entry)
        self.tiers.append(tier)

    def belong(self, contest):
        if contest != self.contest:
            raise Wrong("it is of another contest")

    def add_vote(self, commitment, contest, entry, tier):
        self.belong(contest)
        data = bytes.fromhex(commitment.decode())
        if data in self.commitments:
            raise Wrong("it repeats the commitment of an earlier vote")
        self.commitments.add(data)
        if tier not in self.tier_names:
            self.tier_names.append(tier)
        self.put(0, read_number(entry), self.tier_names.index(tier))

    def decide(self, actor, contest, reason, rules, state, votes):
        self.belong(contest)
        pairs = json.loads(b"[" + votes + b"]")
        end = -2
        if len(pairs) > MOST_RANGES:
            raise Wrong("it decides about too many ranges of votes")
        for first, last in pairs:
            if first <= end + 1 or last < first or last >= len(self.states):
                raise Wrong("its ranges are out of order, or not before it")
            end = last
            for code in set(self.states[first : last + 1]):
                before = "?" if code == NO_VOTE else STATES[code]
                allowed = MAY.get(before + " " + state.decode(), "")
                if actor.decode() not in allowed.split():
                    raise Wrong(f"{actor.decode()} may not make a {before} vote {state.decode()}")
        for first, last in pairs:
            self.states[first : last + 1] = bytes([STATES.index(state.decode())]) * (last + 1 - first)
        self.decisions += 1

    def move(self, actor, contest, entry, reason, running):
        self.belong(contest)
        number = read_number(entry)
        if (running == b"false") == (number in self.out):
            raise Wrong("it says of an entry what is so already")
        (self.out.remove if running == b"true" else self.out.add)(number)
        self.moves += 1

    def give(self, contest, entry, points):
        self.belong(contest)
        self.points[read_number(entry)] = read_number(points)
        self.gifts += 1


def walk_leaves(lines, heads, count, wanted):
    """Feed the leaves to `count`, compare the root at each head, return where the wanted leaf hash stands."""
    tree, size, place, found = Tree(), 0, 0, None

    def compare():
        nonlocal place
        while place < len(heads) and heads[place].size == size:
            if heads[place].root != tree.root().hex():
                raise Wrong(f"the first {size} leaves have another root than head {place + 1} says")
            place += 1

    compare()
    for line in lines:
        leaf_hash = sha256(b"\x00" + line)
        try:
            count.add(line)
        except Wrong as error:
            raise Wrong(f"ledger.ndjson, line {size + 1}: {error}")
        tree.add(leaf_hash)
        if leaf_hash == wanted:
            found = size
        size += 1
        compare()
        if place == len(heads) and size > heads[-1].size:
            raise Wrong("ledger.ndjson has leaves behind those of the last head")
    if place < len(heads):
        raise Wrong(f"ledger.ndjson has {size} leaves, head {place + 1} says {heads[place].size}")
    return found


# ---- tally, places, draw ----------------------------------------------------------------------------------------


def is_name(value):
    return isinstance(value, str) and re.fullmatch(TAG.decode(), value) is not None


def is_count(value):
    return type(value) is int and 0 <= value <= LARGEST_NUMBER


def check_policy(policy):
    contest = policy.get("contest")
    ties = policy.get("tie_breaks")
    source = policy.get("draw_source")
    rules = {
        "v": type(policy.get("v")) is int and policy["v"] == 1,
        "contest": isinstance(contest, str) and re.fullmatch(CONTEST.decode(), contest) is not None,
        "places": is_count(policy.get("places")) and policy["places"] > 0,
        "runners_up": is_count(policy.get("runners_up")),
        "judges_share": is_count(policy.get("judges_share")) and policy["judges_share"] <= 100,
        "tie_breaks": ties in (["draw"], ["stronger", "draw"]),
        "draw_source": isinstance(source, str) and 0 < len(source) <= 500,
    }
    for name in ("tiers", "strong_tiers"):
        tiers = policy.get(name)
        rules[name] = isinstance(tiers, list) and all(map(is_name, tiers)) and len(set(tiers)) == len(tiers)
    rules["tiers"] = rules["tiers"] and bool(policy["tiers"])
    for name, is_right in rules.items():
        if not is_right:
            raise Wrong(f"policy.json: {name} is missing or not what it has to be")


def tally_votes(count, policy):
    votes = {}
    stronger = collections.Counter()
    groups = collections.Counter(zip(count.entries, count.states, count.tiers))
    for (entry, code, tier), number in groups.items():
        if code == NO_VOTE:
            continue
        votes.setdefault(entry, dict.fromkeys(STATES, 0))[STATES[code]] += number
        if STATES[code] == "counted":
            if count.tier_names[tier] not in policy["tiers"]:
                raise Wrong(f"votes of the tier {count.tier_names[tier]} are counted against policy.json")
            if count.tier_names[tier] in policy["strong_tiers"]:
                stronger[entry] += number
    return votes, stronger


def rank_entries(votes, stronger, points, out, policy):
    """Groups of entries that only the draw can tell apart, the best first."""
    share = policy["judges_share"]
    running = {entry for entry in set(votes) | (set(points) if share else set()) if entry not in out}
    counted = {entry: votes[entry]["counted"] if entry in votes else 0 for entry in running}
    best_votes = max([1] + list(counted.values()))
    best_points = max([1] + [points.get(entry, 0) for entry in running])
    groups = {}
    for entry in running:
        score = Fraction(counted[entry])
        if share:
            score = (100 - share) * score / best_votes + share * Fraction(points.get(entry, 0)) / best_points
        if score:
            by_proof = stronger[entry] if "stronger" in policy["tie_breaks"] else 0
            groups.setdefault((score, by_proof), []).append(entry)
    return [sorted(groups[key]) for key in sorted(groups, reverse=True)]


def draw(pool, key):
    """RFC 3797, section 4, with SHA-256: selection i is (hash of i, key, i) modulo how many are left."""
    pool, order = list(pool), []
    while pool:
        mark = len(order).to_bytes(2, "big")
        order.append(pool.pop(int.from_bytes(sha256(mark + key + mark), "big") % len(pool)))
    return order


def find_places(groups, policy, digest, value):
    """The order of all places that count, and whether the draw was needed for it."""
    wanted = policy["places"] + policy["runners_up"]
    order, is_drawn = [], False
    for group in groups:
        if len(order) >= wanted:
            break
        if len(group) > 1:
            is_drawn = True
            if value is None:
                raise Wrong(f"results.json is final, but entries {group} are level and nothing was drawn")
            group = draw(group, (f"{digest}./{value}./{len(order) + 1}./").encode())
        order += group
    return order[:wanted], is_drawn


def check_results(results, count, policy, heads):
    votes, stronger = tally_votes(count, policy)
    is_final = results.get("final")
    if not isinstance(is_final, bool):
        raise Wrong("results.json does not say whether it is final")
    drawn = results.get("draw")
    value = drawn.get("value") if isinstance(drawn, dict) else None
    if value is not None and not (isinstance(value, str) and re.fullmatch("[A-Za-z0-9.]{1,256}", value)):
        raise Wrong("results.json: the drawn value is not letters, digits and dots")
    places, is_drawn = [], False
    if is_final:
        if any(states["recorded"] for states in votes.values()):
            raise Wrong("results.json is final, but some votes have no decision")
        groups = rank_entries(votes, stronger, count.points, count.out, policy)
        places, is_drawn = find_places(groups, policy, heads[-1].digest, value)
    expected = {
        "v": 1,
        "contest": policy["contest"],
        "size": heads[-1].size,
        "head": heads[-1].digest,
        "final": is_final,
        "draw": {"source": policy["draw_source"], "value": value} if is_drawn else None,
        "tally": [dict(votes[entry], entry=entry) for entry in sorted(votes)],
        "points": [{"entry": entry, "points": count.points[entry]} for entry in sorted(count.points)],
        "out": sorted(count.out),
        "places": places,
    }
    for name in sorted(set(expected) | set(results)):
        if name not in results or name not in expected:
            raise Wrong(f"results.json: the field {name} is missing, or should not be there")
        if write_json(results[name]) != write_json(expected[name]):
            raise Wrong(f"results.json: {name} should be {write_json(expected[name])[:300]}")
    return votes, places, value if is_drawn else None


# ---- a receipt --------------------------------------------------------------------------------------------------

RECEIPT = {
    "contest": CONTEST.decode(), "number": "[A-Za-z0-9_-]{1,32}", "period": PERIOD.decode(), "tier": TAG.decode(),
    "at": TIME.decode(), "due": TIME.decode(), "salt": "[0-9a-f]{64}", "voter": "[0-9a-f]{64}",
    "key": "[0-9a-f]{16}", "leaf": ".{1,1000}", "signature": "[0-9a-f]{128}",
}  # fmt: skip


def check_receipt(content, keys):
    """Whether the receipt opens its leaf and is signed. Its fields are returned."""
    line = content[:-1] if content.endswith(b"\n") else content
    fields = read_json(line, "the receipt")
    if write_json(fields).encode("ascii") != line:
        raise Wrong("the receipt has been written anew by another program, or changed")
    if set(fields) - {"proof"} != set(RECEIPT) | {"v", "entry"}:
        raise Wrong("the receipt has not the fields of a receipt")
    if type(fields["v"]) is not int or fields["v"] != 1 or not is_count(fields["entry"]):
        raise Wrong("the receipt is of another version, or names no entry")
    for name, pattern in RECEIPT.items():
        if not isinstance(fields[name], str) or not re.fullmatch(pattern, fields[name]):
            raise Wrong(f"the receipt: {name} is not what it has to be")
    salt, voter = bytes.fromhex(fields["salt"]), bytes.fromhex(fields["voter"])
    about = "{}\n{}\n{}".format(fields["contest"], fields["entry"], fields["period"])
    leaf = {
        "v": 1, "kind": "vote", "contest": fields["contest"], "entry": fields["entry"], "tier": fields["tier"],
        "period": fields["period"], "at": fields["at"][:13] + "Z",
        "commit": sha256(b"quilt vote\n" + salt + voter + about.encode()).hex(),
    }  # fmt: skip
    if write_json(leaf) != fields["leaf"]:
        raise Wrong("the receipt does not open its leaf")
    promise = {name: fields[name] for name in ("v", "contest", "number", "at", "due", "key")}
    promise["leaf_hash"] = sha256(b"\x00" + fields["leaf"].encode()).hex()
    message = b"quilt receipt\n" + write_json(promise).encode()
    key = keys.get(fields["key"])
    if key is None or not key.has_signed(message, bytes.fromhex(fields["signature"])):
        raise Wrong("the receipt is not signed by a key in public_key")
    return fields


def find_receipt(fields, found, heads, count):
    """What became of the vote, in words."""
    if found is None:
        if fields["due"] <= heads[-1].at:
            raise Wrong(
                "the vote of the receipt is not in the ledger, though it was promised for {}. "
                "Keep the receipt: it is signed, and proves that the promise was broken".format(fields["due"])
            )
        raise Unknown(
            "the vote of the receipt is not in the ledger yet; it is due at {}".format(fields["due"])
        )
    if "proof" in fields:
        check_path(fields["proof"], fields, found, heads)
    return "number {} is leaf {}, for entry {}: {}".format(
        fields["number"], found, fields["entry"], STATES[count.states[found]],
    )  # fmt: skip


def check_path(proof, fields, found, heads):
    is_proof = isinstance(proof, dict) and set(proof) == {"index", "size", "path"}
    if not is_proof or not isinstance(proof["path"], list) or len(proof["path"]) > 63:
        raise Wrong("the proof in the receipt has not the fields of a proof")
    if not all(isinstance(node, str) and re.fullmatch("[0-9a-f]{64}", node) for node in proof["path"]):
        raise Wrong("the proof in the receipt holds something that is no hash")
    if not is_count(proof["index"]) or proof["index"] != found:
        raise Wrong("the proof in the receipt is for another leaf")
    roots = {head.size: head.root for head in heads}
    if not is_count(proof["size"]) or proof["size"] not in roots or found >= proof["size"]:
        raise Wrong("the proof in the receipt is for no signed head")
    leaf_hash = sha256(b"\x00" + fields["leaf"].encode())
    root = follow_path(leaf_hash, found, proof["size"], [bytes.fromhex(node) for node in proof["path"]])
    if root is None or root.hex() != roots[proof["size"]]:
        raise Wrong("the proof in the receipt does not lead to the head")


# ---- the report -------------------------------------------------------------------------------------------------


def say(topic, words):
    print(f"{topic:<9} {words}")


def verify(place, receipt=None, saved_head=None):
    source = Source(place)
    policy_bytes = source.read("policy.json")
    policy = read_json(policy_bytes, "policy.json")
    check_policy(policy)
    keys = read_public_keys(source.read("public_key"))
    digest = sha256(policy_bytes).hex()
    say("contest", "{}; policy {}".format(policy["contest"], digest))
    heads = check_heads(source.lines("heads.ndjson"), keys, digest, policy["contest"])
    last = heads[-1]
    say("heads", f"{len(heads)}, each signed and naming the one before")
    say("root", f"{last.root}, the fingerprint in the last head")
    say("last", f"signed at {last.at}, key {last.key}; the head itself has the hash {last.digest}")
    if saved_head is not None:
        compare_saved(saved_head, heads, keys)
    fields = None if receipt is None else check_receipt(receipt, keys)
    wanted = None if fields is None else sha256(b"\x00" + fields["leaf"].encode())
    count = Count(policy["contest"])
    found = walk_leaves(source.lines("ledger.ndjson", last.size), heads, count, wanted)
    say("leaves", f"{last.size} ({describe_leaves(count)}); every head has the root of its leaves")
    results = read_json(source.read("results.json", last.size), "results.json")
    if source.is_remote and results.get("head") != last.digest:
        heads = read_newer(source, heads)
    votes, places, value = check_results(results, count, policy, heads)
    report_results(votes, places, value, results["final"], policy)
    if fields is not None:
        say("receipt", find_receipt(fields, found, heads, count))


def read_newer(source, heads):
    """The heads once more, up to the last of this size: one over the same leaves may be signed during a download."""
    keys = read_public_keys(source.read("public_key"))
    newer = check_heads(source.lines("heads.ndjson"), keys, heads[-1].policy, heads[-1].contest)
    if [head.line for head in newer[: len(heads)]] != [head.line for head in heads]:
        raise Wrong("heads.ndjson was read twice, and what came later does not go on from what came before")
    newer = [head for head in newer if head.size <= heads[-1].size]
    if any(head.root != heads[-1].root for head in newer[len(heads) :]):
        raise Wrong("a head that was signed during the download has another root for the same leaves")
    say("heads", f"{len(newer) - len(heads)} more, signed meanwhile over the same leaves")
    return newer


def describe_leaves(count):
    """How many leaves there are of each kind."""
    return (
        f"{len(count.commitments)} votes, {count.decisions} decisions, "
        f"{count.moves} about who is in the running, {count.gifts} of the judges"
    )


def compare_saved(content, heads, keys):
    head = read_head(content[:-1] if content.endswith(b"\n") else content, "the saved head")
    if any(head.line == known.line for known in heads):
        say("saved", f"the head of {head.at} is in the chain")
        return
    if head.key in keys and keys[head.key].has_signed(head.message, head.signature):
        raise Wrong(
            "the saved head is signed by the same key and not in the chain: there are two versions of this "
            "ledger. Keep the saved head, it is the proof"
        )
    raise Wrong("the saved head is not signed by a key in public_key")


def report_results(votes, places, value, is_final, policy):
    totals = {state: sum(states[state] for states in votes.values()) for state in STATES}
    say("votes", ", ".join(f"{totals[state]} {state}" for state in STATES))
    best = sorted(votes, key=lambda entry: (-votes[entry]["counted"], entry))
    for entry in best[:20]:
        say("", "entry {}: {} counted, {} held, {} rejected".format(
            entry, votes[entry]["counted"], votes[entry]["held"], votes[entry]["rejected"],
        ))  # fmt: skip
    if len(best) > 20:
        say("", f"and {len(best) - 20} more entries")
    if not is_final:
        say("results", "not final yet")
        return
    say(
        "places",
        ", ".join(f"{place}. entry {entry}" for place, entry in enumerate(places, 1)) or "none",
    )
    if value is not None:
        say("draw", "by {}. Compare it with its source: {}".format(value, policy["draw_source"]))


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("place", help="the folder or the address of the public files")
    parser.add_argument("--receipt", help="the file of your receipt")
    parser.add_argument("--head", help="a file with a tree head that you kept, as it stood in a mail")
    options = parser.parse_args(arguments)
    try:
        here = Source(".")
        receipt = here.read(os.path.abspath(options.receipt)) if options.receipt else None
        head = here.read(os.path.abspath(options.head)) if options.head else None
        verify(options.place, receipt, head)
    except Wrong as error:
        print(f"\nIT DOES NOT AGREE: {error}.")
        return 1
    except (Unknown, OSError, http.client.HTTPException) as error:
        print(f"\nIt could not be checked: {error}.")
        return 2
    print("\nEverything agrees.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
