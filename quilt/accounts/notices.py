"""The letter after every change to what guards an account, so that nobody does it behind its owner's back."""

from datetime import datetime

from sqlalchemy.orm import Session

from quilt.accounts.models import User
from quilt.letters import Compose
from quilt.mail import put_in_outbox

# What happened: the letter's subject, and a sentence.
CHANGES = {
    "passkey_added": ("A passkey was added", "A passkey, “{what}”, was added to your account. Whoever holds that device and can unlock it can sign in."),
    "passkey_removed": ("A passkey was removed", "The passkey “{what}” was removed from your account and opens it no more."),
    "app_added": ("Your authenticator app is set up", "An authenticator app was set up for your account. From now on its digits are asked for."),
    "app_removed": ("Your authenticator app was removed", "The authenticator app was removed from your account, and its recovery codes with it."),
    "codes_renewed": ("You have new recovery codes", "New recovery codes were made for your account. The ones before open nothing any more."),
    "code_used": ("A recovery code was used", "Somebody signed in with one of your recovery codes. {what} are left."),
    "factors_reset": ("Your second factor was reset", "The people who run this site took your authenticator app and passkeys off your account. Sign in and set up new ones."),
    "email_changed": ("Your address was changed", "Your account goes by {what} from now on, and you were signed out everywhere. Letters no longer come to this mailbox."),
    "email_is_new": ("This is your address now", "Your account goes by this address from now on. Sign in with it."),
    "change_stopped": ("The change of your address was stopped", "Somebody with access to your account wanted to change its address, and it was stopped from this mailbox. Everybody was signed out. If it was not you who asked, choose a new password."),
    "identity_added": ("Another way to sign in was added", "An account at another site, {what}, was connected with yours. Whoever holds it can sign in."),
    "identity_removed": ("A way to sign in was taken away", "The account at another site, {what}, was disconnected from yours and opens it no more."),
    "staying": ("Your account stays", "Your account is not deleted. Everything is as it was."),
}  # fmt: skip


def tell_change(
    session: Session,
    user: User,
    change: str,
    *,
    compose: Compose,
    now: datetime,
    what: object = "",
    to: str = "",
) -> None:
    """Write to a person, in the caller's transaction, what was changed; `to` another address than theirs."""
    title, words = CHANGES[change]
    letter = compose("security_changed", name=user.name, title=title, words=words.format(what=what))
    put_in_outbox(session, letter, to or user.email, now)
