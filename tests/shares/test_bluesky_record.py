"""What a Bluesky server is given; the whole way to a real one is tests/bluesky."""

import base64
import dataclasses
import hashlib
import re

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from quilt.accounts.bluesky import make_key
from quilt.shares.connectors.base import Draft
from quilt.shares.connectors.bluesky import build_record, prove_possession, record_key
from tests.conftest import NOW

LINK = "https://vote.example.org/s/k3v9w2m4?c=bs"
DRAFT = Draft("Für 🧵", f"Für 🧵\n\n{LINK}", LINK, "Title", "Story", "", "key-1", NOW)


def test_a_record_has_a_facet_for_its_link_and_the_card():
    record = build_record(DRAFT, {"ref": "x"})
    (facet,) = record["facets"]
    start, end = facet["index"]["byteStart"], facet["index"]["byteEnd"]
    assert DRAFT.text.encode()[start:end].decode() == LINK == facet["features"][0]["uri"]
    assert record["embed"]["external"] == {
        "uri": LINK,
        "title": "Title",
        "description": "Story",
        "thumb": {"ref": "x"},
    }
    assert record["createdAt"] == "2026-05-10T12:00:00.000Z"
    assert "thumb" not in build_record(DRAFT, None)["embed"]["external"]


def test_a_post_has_one_key_whenever_it_is_tried():
    """A timestamp identifier, the same for every try: so a second record of one post cannot be made."""
    assert record_key(DRAFT) == record_key(dataclasses.replace(DRAFT, words="other"))
    assert re.fullmatch("[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}", record_key(DRAFT))
    assert record_key(dataclasses.replace(DRAFT, key="key-2")) != record_key(DRAFT)


@pytest.mark.parametrize(("token", "nonce"), [("", ""), ("a token", "a nonce")])
def test_a_proof_is_for_one_request_one_token_and_one_key(token, nonce):
    key, url = make_key(), "https://pds.example.org/xrpc/x?y=1"
    proof = prove_possession(key, "POST", url, NOW, token=token, nonce=nonce)
    read = jwt.decode(proof, ECKey.import_key(dict(key.private_key)))
    assert read.header["typ"] == "dpop+jwt" and "d" not in read.header["jwk"]
    assert (read.claims["htm"], read.claims["htu"]) == ("POST", "https://pds.example.org/xrpc/x")
    assert read.claims.get("nonce", "") == nonce
    if token:
        digest = base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=")
        assert read.claims["ath"] == digest.decode()
    again = jwt.decode(
        prove_possession(key, "POST", url, NOW, token=token, nonce=nonce),
        ECKey.import_key(dict(key.private_key)),
    )
    assert again.claims["jti"] != read.claims["jti"]
