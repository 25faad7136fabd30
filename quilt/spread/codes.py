"""The code in a link: every arrival has its own, and so have entries, named links and embeds."""

from collections.abc import Callable
from typing import TypeGuard

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
CODE_LENGTH = 11
ENTROPY_BYTES = 8

Entropy = Callable[[int], bytes]  # so many bytes of chance; in production `secrets.token_bytes`


def new_code(entropy: Entropy) -> str:
    """Return a fresh code of 11 letters and digits that carries 64 bits of chance.

    Raises ValueError when `entropy` returns another number of bytes, since the code would be guessable.
    """
    drawn = entropy(ENTROPY_BYTES)
    if len(drawn) != ENTROPY_BYTES:
        raise ValueError(f"a code needs {ENTROPY_BYTES} random bytes, got {len(drawn)}")
    return _spell(int.from_bytes(drawn))


def is_code(text: object) -> TypeGuard[str]:
    """Tell whether `text` has the shape of a code. It says nothing about whether the code exists."""
    return isinstance(text, str) and len(text) == CODE_LENGTH and text.isascii() and text.isalnum()


def _spell(number: int) -> str:
    # 62**11 is larger than 2**64, so eleven characters hold any eight bytes without a remainder.
    letters = []
    for _ in range(CODE_LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[digit])
    return "".join(reversed(letters))
