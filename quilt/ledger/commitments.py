"""What stands in a leaf for a voter and their vote, and what opens it."""

import hashlib


def blind_voter(salt: bytes, voter_key: bytes) -> bytes:
    """Return what stands for a voter in one commitment: 32 bytes that no other vote of theirs shares.

    Two receipts of one person cannot be told to belong together by it. Raises ValueError unless `salt` has 32
    bytes; it has to be drawn anew for each vote.
    """
    if len(salt) != 32:
        raise ValueError("a salt has 32 bytes")
    return hashlib.sha256(b"quilt voter\n" + salt + voter_key).digest()


def commit_to_vote(salt: bytes, voter: bytes, contest: str, entry: int, period: str) -> bytes:
    """Return the 32 bytes of a vote leaf that only the holder of `salt` and `voter` (32 bytes each) can open."""
    if len(salt) != 32 or len(voter) != 32:
        raise ValueError("the salt and the voter have 32 bytes each")
    return hashlib.sha256(b"quilt vote\n" + salt + voter + f"{contest}\n{entry}\n{period}".encode()).digest()
