"""What frames say, in the languages that they speak."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).with_name("phrases.toml")


@dataclass(frozen=True, slots=True)
class Phrases:
    """One language: `phrases("watch")`, `phrases.count("vote", 3)`."""

    lang: str
    direction: str
    words: dict[str, str]

    def __call__(self, name: str, **parts: object) -> str:
        """The phrase with its parts filled in. Raises KeyError for one that there is not."""
        return self.words[name].format(**parts)

    def count(self, name: str, count: int) -> str:
        """A number of something: 1 vote, 2,310 votes; digits grouped as in English but for de, fr, es."""
        mark = {"de": ".", "es": ".", "fr": "\u202f"}.get(self.lang, ",")
        shown = f"{count:,}".replace(",", mark)
        return self.words[f"{name}_{'one' if count == 1 else 'many'}"].format(count=shown)


def find_phrases(lang: str) -> Phrases:
    """The phrases of a language; English where we do not speak it."""
    spoken = _read_all()
    return spoken.get(lang, spoken["en"])


@cache
def _read_all() -> dict[str, Phrases]:
    tables = tomllib.loads(SOURCE.read_text(encoding="utf-8"))
    return {lang: Phrases(lang, words.pop("dir", "ltr"), words) for lang, words in tables.items()}
