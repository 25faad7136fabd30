"""Asking for a name where one is first needed: with the first entry, with the first comment."""

from flask import request
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import StringField

from quilt.accounts import service as accounts
from quilt.accounts.rules import AccountRefused
from quilt.community.service import refresh_pages_naming
from quilt.web.words import describe_account_refusal

MOST_KEPT = 400  # characters of a name that will not do, to be mended


class NameForm(FlaskForm):  # type: ignore[misc]
    """The name that others see."""

    name = StringField("Your name")


def build_name_form() -> NameForm | None:
    """A form for the name of whoever is signed in, with what they have typed; None where they have one."""
    return None if current_user.name else NameForm()


def take_name(typed: str | None = None) -> NameForm | None:
    """Give the person who is signed in the name that came with the request, or `typed`, unless they have one already.

    An empty name is ignored. Returns None, or the form with what was typed and why it will not do.
    """
    typed = request.form.get("name", "") if typed is None else typed
    if current_user.name or not typed.strip():
        return None
    return change_name(typed)


def change_name(typed: str) -> NameForm | None:
    """Give the person who is signed in this name, or take theirs away with ''; the pages that show it are made anew.

    Returns None, or the form with what was typed and why it will not do.
    """
    try:
        accounts.rename(current_user.id, typed)
    except AccountRefused as refusal:
        form = NameForm(formdata=None, name=typed[:MOST_KEPT])
        form.name.errors = [describe_account_refusal(refusal)[1]]
        return form
    refresh_pages_naming(current_user.id)
    return None
