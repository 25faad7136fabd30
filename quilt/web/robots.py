"""Which user agents are robots, by the patterns of isbot (in the package is-bot) and a supplement of our own.

Of the lists that were compared, isbot's loses no browser; others take the build number of a phone, or the browser
inside an app, for a robot.
"""

import re
from functools import cache, lru_cache

from is_bot import Bots

BROWSER = re.compile(r"Mozilla/\d\.\d \(|Opera/\d")  # every browser's name begins like this, also inside apps
LONGEST = 512  # of an agent that is looked through: the cost of the patterns grows with it

# Fetchers that look like a browser but for their name, and that isbot does not know.
SUPPLEMENT = (
    r"\bgoogle[ -](?:favicon|physicalweb|site-verification)\b",
    r"\bplaystore-google\b",
    r"\bgtmetrix\b",
    r"\bminiature\.io/",
    r"\) ylt chrome/",
)


@lru_cache(maxsize=4096)
def is_robot(user_agent: str) -> bool:
    """Whether this agent does not look like a browser, or the list names it; remembered, for the list is long."""
    if not BROWSER.match(user_agent):
        return True
    return bool(_bots().is_bot(user_agent[:LONGEST]))


@cache
def _bots() -> Bots:
    bots = Bots()
    bots.extend(SUPPLEMENT)
    return bots
