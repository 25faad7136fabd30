"""Who is vouched for by a provider: one identity stands behind one voter of a contest, also once it is disconnected."""

from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from quilt.accounts.models_identity import Identity
from quilt.database import insert_if_new
from quilt.prepared import Prepared
from quilt.votes.casting_models import VoterIdentity
from quilt.votes.rules import IdentityUsed, Policy, WrongTier, make_identity_key

_identity, _used = Identity.__table__, VoterIdentity.__table__
_OF_USER = Prepared(
    select(_identity.c.issuer, _identity.c.subject).where(_identity.c.user_id == bindparam("user_id"))
)
_COLUMNS = ("contest_id", "key", "voter_id", "created_at")
_ADD = Prepared(lambda dialect: insert_if_new(_used, dialect, "voter_id"), _COLUMNS)
_OWNER = Prepared(
    select(_used.c.voter_id).where(
        _used.c.contest_id == bindparam("contest_id"), _used.c.key == bindparam("key")
    )
)


def is_vouched(connection: Connection, user_id: int) -> bool:
    """Whether a provider vouches for this person now."""
    return _OF_USER.first(connection, {"user_id": user_id}) is not None


def bind_identities(
    connection: Connection, user_id: int, voter_id: int, policy: Policy, secret: str, now: datetime
) -> None:
    """Note that the identities which this person has stand behind this voter, as keyed hashes.

    To be called in the transaction of a vote that counts by them. Raises IdentityUsed where one of them stands
    behind another voter of the contest, and WrongTier where nobody vouches for this person.
    """
    identities = _OF_USER.rows(connection, {"user_id": user_id})
    if not identities:
        raise WrongTier
    keys = {make_identity_key(secret, policy.voter_salt, one.issuer, one.subject) for one in identities}
    for key in sorted(
        keys
    ):  # in one order for all, so that parallel votes wait for each other and not in a ring
        row = {"contest_id": policy.contest_id, "key": key}
        if _ADD.first(connection, {**row, "voter_id": voter_id, "created_at": now}) is not None:
            continue
        if _OWNER.scalar(connection, row) != voter_id:
            raise IdentityUsed
