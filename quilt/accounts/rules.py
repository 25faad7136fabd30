"""Who a person is, proven by what: addresses, codes, passwords, names, and where to go afterwards."""

import base64
import hmac
import re
import unicodedata
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote

ROLES = ("member", "moderator", "admin")
MOST_ADDRESS_CHARACTERS = 320
MOST_LOCAL_BYTES = 64
CODE_DIGITS = 8
CODE_LIFE = timedelta(minutes=10)
MOST_TRIES = 6
MOST_CODES = 5  # codes an address may ask for in CODE_WINDOW
CODE_WINDOW = timedelta(hours=1)
FEWEST_PASSWORD_CHARACTERS = 8
MOST_PASSWORD_CHARACTERS = 256
MOST_DRESSING_CHARACTERS = 6  # digits and signs around a common word that do not make it a good password
MOST_NAME_CHARACTERS = 60
MOST_MARKS_IN_A_ROW = 4
MOST_PATH_CHARACTERS = 500
RECENT_PROOF = timedelta(minutes=30)
# How long a session lasts without a visit, and at most: members, and those who decide about others.
IDLE_LIMITS = {"member": timedelta(days=14), "moderator": timedelta(hours=12), "admin": timedelta(hours=12)}
LONGEST_SESSIONS = {"member": timedelta(days=30), "moderator": timedelta(days=7), "admin": timedelta(days=7)}

_DOTLESS = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\u00a1-\U0010ffff]+"
_LOCAL = re.compile(rf"{_DOTLESS}(?:\.{_DOTLESS})*")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?")
_PATH = re.compile(r"/[A-Za-z0-9\-._~!$&'()*+,;=:@%/?\[\]#]*")
_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_INVISIBLE = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs")
# Domains under which a provider delivers the same name to the same mailbox.
_FAMILIES = {
    "googlemail.com": "gmail.com",
    "me.com": "icloud.com", "mac.com": "icloud.com",
    "protonmail.com": "proton.me", "protonmail.ch": "proton.me", "pm.me": "proton.me",
}  # fmt: skip
_TAGGED = re.compile(
    r"gmail\.com|icloud\.com|fastmail\.(com|fm)|proton\.me|(outlook|hotmail|live)\.((com?\.)?[a-z]{2}|com)"
)
_LEET = str.maketrans("@4031!5$7", "aaoeiisst")
_RUNS = ("01234567890", "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl", "zxcvbnm", "1qaz2wsx3edc4rfv",
         "1q2w3e4r5t6y7u8i9o0p", "qazwsxedcrfvtgbyhnujmikolp")  # fmt: skip


class AccountRefused(Exception):
    """Something about a person's account that cannot be done; nothing was changed."""


class AddressMissing(AccountRefused):
    """No e-mail address was given."""


class AddressTooLong(AccountRefused):
    """More than 320 characters: no such address exists."""


class NotAnAddress(AccountRefused):
    """Not an address that mail could reach."""


class TooManyCodes(AccountRefused):
    """This address asked for several codes already; the newest still works, another may be had at `next_at`."""

    def __init__(self, next_at: datetime) -> None:
        super().__init__("too many codes")
        self.next_at = next_at


class CodeRefused(AccountRefused):
    """The code does not open anything."""


class NotACode(CodeRefused):
    """Not eight digits; this costs no try."""


class WrongCode(CodeRefused):
    """Eight digits, but others; `tries_left` more may be tried."""

    def __init__(self, tries_left: int) -> None:
        super().__init__("wrong code")
        self.tries_left = tries_left


class TooManyTries(CodeRefused):
    """Six wrong tries: this code is dead, a new one is needed."""


class CodeExpired(CodeRefused):
    """Ten minutes are over."""


class CodeUsed(CodeRefused):
    """The code did its work once already."""


class UnknownCode(CodeRefused):
    """This browser asked for no code."""


class WrongPassword(AccountRefused):
    """Address or password is wrong; which of them is not said."""


class PasswordRefused(AccountRefused):
    """A new password that will not do."""


class PasswordTooShort(PasswordRefused):
    """Under eight characters."""


class PasswordTooLong(PasswordRefused):
    """Over 256 characters."""


class PasswordTooCommon(PasswordRefused):
    """On the lists that guessers try first, or the person's own address."""


class ProofTooOld(AccountRefused):
    """A password is set by somebody who knows the old one, or has just proven the address."""


class FactorRefused(AccountRefused):
    """A second factor that cannot be set up so: an app counts already."""


class NoFactor(FactorRefused):
    """There is no app to be confirmed, asked or removed."""


class WrongDigits(FactorRefused):
    """Digits or a code that are wrong, too old or used."""


class PasskeyRefused(AccountRefused):
    """What a device sent proves nothing: another site's, altered, replayed, too late, or of nobody here."""


class TooManyPasskeys(PasskeyRefused):
    """As many as one account may have."""


class AddressTaken(AccountRefused):
    """The address is the person's own already."""


class ExportUnderWay(AccountRefused):
    """A copy is being made already."""


class TooManyExports(AccountRefused):
    """Three copies were made since yesterday."""


class StaffStays(AccountRefused):
    """Who decides about others hands that over before they leave."""


class ChangeOver(AccountRefused):
    """The wish for another address was carried out, stopped or forgotten."""


class NameRefused(AccountRefused):
    """A name that will not do."""


class NameTooLong(NameRefused):
    """Over 60 characters, or marks piled up."""


class NameHidesDirection(NameRefused):
    """Characters that turn the reading direction of what follows."""


class NameUnreadable(NameRefused):
    """Line breaks or control characters."""


def clean_email(text: str) -> str:
    """The address as it is stored, compared and written to: trimmed, NFKC, its domain in ASCII (IDNA).

    Raises AddressMissing, AddressTooLong (tested before anything costly) or NotAnAddress: quoted
    local parts, addresses with an IP number for a domain, control characters.
    """
    if len(text) > MOST_ADDRESS_CHARACTERS:
        raise AddressTooLong
    address = unicodedata.normalize("NFKC", text.strip(" \t"))
    if not address:
        raise AddressMissing
    local, at, domain = address.rpartition("@")
    if not at or not _is_local_part(local):
        raise NotAnAddress
    return f"{local}@{_ascii_domain(domain)}"


def email_key(text: str) -> str:
    """The form under which an address is unique among accounts: `clean_email`, casefolded."""
    key = unicodedata.normalize("NFKC", clean_email(text).casefold())
    if len(key) > MOST_ADDRESS_CHARACTERS:  # casefolding can lengthen
        raise AddressTooLong
    return key


@lru_cache(maxsize=8192)
def person_key(email: str) -> str:
    """The form that stands for one person where one person counts once.

    Drops what a large provider ignores: dots at Gmail, `+tag` at the providers known to do so, and which of its
    domains was typed. At other domains dots and tags may belong to different people, so they stay.
    """
    local, _, domain = email_key(email).rpartition("@")
    domain = _FAMILIES.get(domain, domain)
    if _TAGGED.fullmatch(domain):
        local = local.partition("+")[0] or local
    if domain == "gmail.com":
        local = local.replace(".", "") or local
    return f"{local}@{domain}"


def has_lookalikes(email: str) -> bool:
    """Whether a local part mixes letters of several scripts, as look-alike addresses do."""
    letters = [letter for letter in email.rpartition("@")[0] if letter.isalpha()]
    kinds = {unicodedata.name(letter, "?").partition(" ")[0] for letter in letters}
    return len(kinds) > 1


def read_code(text: str) -> str:
    """The eight digits of what was typed, spaces and dashes apart; raises NotACode."""
    if len(text) > 64:
        raise NotACode
    digits = re.sub(r"[\s\-\u2010-\u2015.]", "", unicodedata.normalize("NFKC", text))
    if not (digits.isascii() and digits.isdecimal() and len(digits) == CODE_DIGITS):
        raise NotACode
    return digits


def make_code(chance: bytes) -> str:
    """Eight digits out of at least eight random bytes."""
    return f"{int.from_bytes(chance[:8]) % 10**CODE_DIGITS:0{CODE_DIGITS}}"


def hash_code(code: str, token: str, secret: str) -> str:
    """What is stored of a code: useless without the site's secret, and for any other token."""
    return hmac.new(secret.encode(), f"e-mail code {token} {code}".encode(), sha256).hexdigest()


def check_code(
    code: str, token: str, secret: str, *, code_hash: str, tries: int, expires_at: datetime,
    used_at: datetime | None, now: datetime,
) -> None:  # fmt: skip
    """Raise the CodeRefused that applies, if any; the comparison takes the same time for every code."""
    fits = hmac.compare_digest(hash_code(code, token, secret), code_hash)
    if used_at is not None:
        raise CodeUsed
    if tries >= MOST_TRIES:
        raise TooManyTries
    if now >= expires_at:
        raise CodeExpired
    if not fits:
        raise WrongCode(MOST_TRIES - tries - 1)


def make_key(entropy: Callable[[int], bytes]) -> str:
    """128 random bits for a cookie or a link: 22 URL-safe characters."""
    return base64.urlsafe_b64encode(entropy(16)).rstrip(b"=").decode()


def hash_key(key: str) -> bytes:
    """What is stored of a random key that a cookie or a link carries: SHA-256, 32 bytes.

    A key of 128 random bits needs no salt and no slow hash: there is nothing to guess.
    """
    return sha256(key.encode("utf-8", "replace")).digest()


def check_password(password: str, email: str) -> None:
    """Raise the PasswordRefused that applies to a new password, if any."""
    if len(password) > MOST_PASSWORD_CHARACTERS:
        raise PasswordTooLong
    if len(password) < FEWEST_PASSWORD_CHARACTERS:
        raise PasswordTooShort
    if is_common(password) or _is_own_address(password, email):
        raise PasswordTooCommon


def is_common(password: str) -> bool:
    """Whether a guesser's first lists hold this: known ones, also with digits behind or letters disguised."""
    folded = password.casefold()
    core = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", folded)
    forms = {folded, folded.translate(_LEET)}
    if len(folded) - len(core) <= MOST_DRESSING_CHARACTERS:
        forms |= {core, core.translate(_LEET)}
    return bool(forms & _common_passwords()) or _is_run(folded) or _is_repetition(folded)


def check_name(text: str) -> str:
    """The name as it is kept: trimmed, else exactly as typed; '' takes the name away. Raises NameRefused."""
    name = text.strip()
    if len(name) > MOST_NAME_CHARACTERS or _piles_marks(name):
        raise NameTooLong
    if _DIRECTIONS & set(name):
        raise NameHidesDirection
    if any(unicodedata.category(letter) in ("Cc", "Cs", "Cn", "Zl", "Zp") for letter in name):
        raise NameUnreadable
    return "" if all(unicodedata.category(letter) in _INVISIBLE for letter in name) else name


def safe_next(path: str | None) -> str:
    """`path` when it is a plain path on this site, else '/'.

    Plain: one slash first, printable ASCII, no backslash, no empty segment, and nothing of the kind
    hidden behind percent signs.
    """
    if not path or len(path) > MOST_PATH_CHARACTERS or not _PATH.fullmatch(path):
        return "/"
    place = unquote(re.split(r"[?#]", path)[0])
    if "//" in place or "\\" in place or _has_hidden(place) or _has_control(unquote(path)):
        return "/"
    return path


def is_recent_proof(proved_at: datetime | None, now: datetime) -> bool:
    """Whether the address was proven just now, so that the old password need not be known."""
    return proved_at is not None and now - proved_at <= RECENT_PROOF


def _is_local_part(local: str) -> bool:
    is_short = len(local.encode("utf-8", "replace")) <= MOST_LOCAL_BYTES
    return is_short and bool(_LOCAL.fullmatch(local)) and not _has_hidden(local)


def _ascii_domain(domain: str) -> str:
    try:
        name = domain.encode("idna").decode("ascii").lower() if len(domain) <= 253 else ""
    except UnicodeError:
        raise NotAnAddress from None
    labels = name.split(".")
    if len(labels) < 2 or len(name) > 253 or not all(map(_LABEL.fullmatch, labels)) or labels[-1].isdigit():
        raise NotAnAddress
    return name


def _has_hidden(text: str) -> bool:
    return any(unicodedata.category(letter) in _INVISIBLE for letter in text)


def _has_control(text: str) -> bool:
    return any(unicodedata.category(letter) == "Cc" for letter in text)


def _is_own_address(password: str, email: str) -> bool:
    local, _, _domain = email.casefold().rpartition("@")
    return password.casefold() in (email.casefold(), local)


def _is_run(folded: str) -> bool:
    """12345678, qwertyuiop, hgfedcba: a stretch of a row of keys, either way."""
    return any(folded in row or folded in row[::-1] for row in (run * 2 for run in _RUNS))


def _is_repetition(folded: str) -> bool:
    """abcabcabc, 12341234: a short piece again and again."""
    sizes = range(1, min(4, len(folded) // 2) + 1)
    return any(folded == (folded[:size] * len(folded))[: len(folded)] for size in sizes)


def _piles_marks(name: str) -> bool:
    in_a_row = 0
    for letter in name:
        in_a_row = in_a_row + 1 if unicodedata.combining(letter) else 0
        if in_a_row > MOST_MARKS_IN_A_ROW:
            return True
    return False


@lru_cache(maxsize=1)
def _common_passwords() -> frozenset[str]:
    text = (Path(__file__).parent / "common_passwords.txt").read_text(encoding="utf-8")
    return frozenset(text.split())
