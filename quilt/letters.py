"""The words of our mails: one text and one HTML template each, rendered without a web request.

A template's first line is its subject. What each letter must be told:

sign_in_code         code, minutes, link_key
vote_code            code, minutes, link_key, title, entry_id
password_changed     name
security_changed     name, title, words
email_change_old     name, email, link_key
email_change_new     link_key
email_change_taken   nothing
export_ready         name, days
account_leaving      name, day
entry_received       name, title, contest_title, entry_url
entry_published      name, title, contest_title, entry_url
entry_needs_changes  name, title, contest_title, entry_url, reason, words
entry_rejected       name, title, contest_title, entry_url, reason, words
entry_taken_out      name, title, contest_title, entry_url, reason, words
branch_grew          name, title, people, direct, branch_url, off_url
tree_head            name, contest_title, head_line, ledger_url, off_url
vote_check           title, check_url
appeal_answered      title, is_upheld, is_about_entry, words, page_url
brand_invitation     organisation, role, join_url, days
brand_report         name, organisation, week, seen, opens, people, votes, lines, report_url, desk_url
judge_invited        name, contest_title, judge_url
judge_reminded       name, contest_title, missing, judge_url
result_published     name, contest_title, entries (each with title, place or None, is_paid), result_url, appeals_until
result_withdrawn     name, contest_title, entries, words, result_url
webhook_off          name, url, failures

`reason` is a sentence from the list of reasons and may be empty, `words` are the moderator's own and may
be empty; `entry_url` is a whole address: where the entrant sees the entry's state, or the public page once
it is published. `people` and `direct` are numbers, `direct` None where it is too small to be told; `off_url`
switches these letters off. Every letter also needs site_name and
base_url, which `composer` fills in.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from quilt.config import ROOT, Settings

NAMES = (
    "sign_in_code",
    "vote_code",
    "password_changed",
    "security_changed",
    "email_change_old",
    "email_change_new",
    "email_change_taken",
    "export_ready",
    "account_leaving",
    "entry_received",
    "entry_published",
    "entry_needs_changes",
    "entry_rejected",
    "entry_taken_out",
    "branch_grew",
    "tree_head",
    "vote_check",
    "appeal_answered",
    "brand_invitation",
    "brand_report",
    "judge_invited",
    "judge_reminded",
    "result_published",
    "result_withdrawn",
    "webhook_off",
)


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail's words: the subject, the text, and the same as HTML."""

    name: str
    subject: str
    text: str
    html: str


Compose = Callable[..., Letter]  # letter(name, **facts) with the site's own facts filled in


def composer(settings: Settings) -> Compose:
    """`letter` for this site: what services are handed, from a request, a worker or the command line."""
    return partial(letter, site_name=settings.site_name, base_url=settings.base_url)


def letter(letter_name: str, /, **facts: object) -> Letter:
    """The letter of this name with these facts; raises jinja2.UndefinedError when one is missing."""
    if letter_name not in NAMES:
        raise ValueError(f"There is no letter called {letter_name!r}.")
    first, _, text = _environment().get_template(f"{letter_name}.txt").render(facts).partition("\n")
    subject = one_line(first, 150)
    html = _environment().get_template(f"{letter_name}.html").render(facts, subject=subject)
    return Letter(letter_name, subject, text.strip() + "\n", html)


def one_line(text: object, most: int = 120) -> str:
    """Somebody's text as one line of a mail: no breaks, no runs of space, cut at `most` characters."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in str(text)).split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(ROOT / "templates" / "emails"),
        autoescape=lambda name: name is not None and name.endswith(".html"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["one_line"] = one_line
    return environment
