"""Finding what an address of the API names: published things only, as on the site."""

from quilt.contests.queries import ContestFacts, find_contest
from quilt.web.api.problems import refuse

MOST_SLUG_CHARACTERS = 80


def get_contest(slug: str) -> ContestFacts:
    """The published contest; answers 404 for hidden ones as for those that never were."""
    contest = find_contest(slug) if len(slug) <= MOST_SLUG_CHARACTERS else None
    if contest is None:
        refuse(404, "not_found", "There is no such contest.")
    return contest
