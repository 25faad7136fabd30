"""Which user agents are robots, by the list of the package crawler-user-agents."""

import re
from functools import cache, lru_cache

from crawleruseragents import CRAWLER_USER_AGENTS_DATA

BROWSER = re.compile(r"Mozilla/\d\.\d \(|Opera/\d")  # every browser's name begins like this, also inside apps


@lru_cache(maxsize=4096)
def is_robot(user_agent: str) -> bool:
    """Whether this agent does not look like a browser, or the list names it; remembered, for the list is long."""
    if not BROWSER.match(user_agent):
        return True
    return _pattern().search(user_agent[:512]) is not None


@cache
def _pattern() -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{robot['pattern']})" for robot in CRAWLER_USER_AGENTS_DATA))
