"""The forms of the sign-in pages. What may be typed is decided by quilt.accounts.rules."""

from flask_wtf import FlaskForm
from wtforms import EmailField, HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired

MOST_SHOWN = 400  # characters of what was typed that an error page shows again


class AddressForm(FlaskForm):  # type: ignore[misc]
    """Where the code goes, and where to go afterwards."""

    email = EmailField("Your e-mail address", [InputRequired()])
    next = HiddenField()


class CodeForm(FlaskForm):  # type: ignore[misc]
    """The code from the mail."""

    code = StringField("The code from the mail", [InputRequired()])


class PasswordForm(FlaskForm):  # type: ignore[misc]
    """The other way in. Its address has an id of its own: both forms stand on one page."""

    email = EmailField("Your e-mail address", [InputRequired()], id="password-email")
    password = PasswordField("Your password", [InputRequired()])
    next = HiddenField(id="password-next")


def shorten(form: FlaskForm) -> None:
    """Cut what was typed to what an error page may show."""
    for part in form:
        if isinstance(part.data, str):
            part.data = part.data[:MOST_SHOWN]
