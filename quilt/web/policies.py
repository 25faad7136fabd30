"""What may be cast in a contest, as the faces that take votes know it: kept, with our words about mail domains."""

from quilt.accounts.domains import Words as DomainWords
from quilt.accounts.domains import list_domain_words
from quilt.arrivals.heads import EntryHead
from quilt.contests.models import Contest
from quilt.database import database_key, db
from quilt.votes.queries import build_policy
from quilt.votes.rules import Policy
from quilt.web.pages import Memo, VersionedCache
from quilt.web.settings import get_settings

DOMAIN_FRESHNESS = 25  # times that of pages: words about mail domains count within five seconds
_policies: VersionedCache[Policy] = VersionedCache(most=200)
_domains: Memo[DomainWords] = Memo()


def get_policy(head: EntryHead) -> Policy:
    """The ballot policy of the entry's contest, kept by the contest's version, with our words about mail domains."""
    key = (database_key(), head.contest_id)
    policy = _policies.get(
        key, head.contest_version, lambda: build_policy(db.session.get_one(Contest, head.contest_id))
    )
    freshness = get_settings().page_freshness * DOMAIN_FRESHNESS
    words = _domains.get(database_key(), freshness, lambda: list_domain_words(db.session.connection()))
    return policy._replace(domains=words) if words else policy
