"""What the demo contest is made of, read from stories.toml."""

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Story:
    """One entry as its entrant tells it; `hours` is the hour of the contest at which it is sent in."""

    title: str
    cause: str
    entrant: str
    email: str
    hours: float
    story: str
    thanks: str
    seconds: float = 5.0
    password: str | None = None
    is_upright: bool = False
    is_eligible: bool = True
    spread: dict[str, Any] | None = None
    comments: tuple[str, ...] = ()
    answer: str = ""
    reason: str = ""
    words: str = ""
    file_name: str = ""

    @property
    def texts(self) -> dict[str, str]:
        """The four texts of the entry's form."""
        return {"title": self.title, "cause": self.cause, "story": self.story, "thanks": self.thanks}


@dataclass(frozen=True)
class Book:
    """The contest's own words, and its entries by what becomes of them."""

    contest: dict[str, str]
    published: tuple[Story, ...]
    waiting: tuple[Story, ...]
    needs_changes: Story
    draft: Story
    first_names: tuple[str, ...]
    last_names: tuple[str, ...]


@lru_cache(maxsize=1)
def read_book() -> Book:
    """All of it; the same object each time."""
    told = tomllib.loads((Path(__file__).parent / "stories.toml").read_text(encoding="utf-8"))
    return Book(
        contest={name: text.strip() for name, text in told["contest"].items()},
        published=tuple(map(_read, told["entry"])),
        waiting=tuple(map(_read, told["waiting"])),
        needs_changes=_read(told["needs_changes"][0]),
        draft=_read(told["draft"][0]),
        first_names=tuple(told["crowd"]["first_names"].split()),
        last_names=tuple(told["crowd"]["last_names"].split()),
    )


def _read(told: dict[str, Any]) -> Story:
    plain: dict[str, Any] = {
        name: value.strip() if isinstance(value, str) else value for name, value in told.items()
    }
    return Story(**{**plain, "comments": tuple(plain.get("comments", ()))})
