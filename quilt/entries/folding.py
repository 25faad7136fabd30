"""Texts as the search compares them: the same letters for whoever types them, on whatever keyboard."""

import unicodedata

MOST_WORDS = 8
_APOSTROPHES = "'’‘ʼ`´"
# Letters of other scripts that look like a Latin one: a name typed with them is found by its looks.
_CYRILLIC = dict(zip("аеорсухіјѕԁһкмтвԛԝ", "aeopcyxijsdhkmtbqw", strict=True))
_GREEK = dict(zip("οανιρυκτ", "oavipykt", strict=True))
_TABLE = str.maketrans({**_CYRILLIC, **_GREEK, "ı": "i", **dict.fromkeys(_APOSTROPHES, "")})


def fold_text(text: str) -> str:
    """Small letters and digits without marks, one space between words.

    Compatibility forms (full-width digits, ligatures), letter case in every language (İ, ı, ß), accents,
    spellings of one letter as one code point or two, and look-alikes of other scripts all fold together;
    whatever is neither letter nor digit parts words, but for apostrophes, which vanish.
    """
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    bare = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return " ".join("".join(map(_keep, bare.translate(_TABLE))).split())


def fold_words(text: str) -> list[str]:
    """The first eight different words of a query, folded; empty where it holds no letter or digit."""
    return list(dict.fromkeys(fold_text(text).split()))[:MOST_WORDS]


def _keep(letter: str) -> str:
    """Letters, digits, and the vowel signs that are part of a word; a space for everything else."""
    return letter if letter.isalnum() or unicodedata.category(letter)[0] == "M" else " "
