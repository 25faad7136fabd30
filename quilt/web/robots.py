"""Which user agents are robots, by the list of the package crawler-user-agents."""

import re
from functools import cache, lru_cache

from crawleruseragents import CRAWLER_USER_AGENTS_DATA


@lru_cache(maxsize=4096)
def is_robot(user_agent: str) -> bool:
    """Whether the list names this user agent; remembered, for the list is long."""
    return _pattern().search(user_agent[:512]) is not None


@cache
def _pattern() -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{robot['pattern']})" for robot in CRAWLER_USER_AGENTS_DATA))
