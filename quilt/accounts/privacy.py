"""What accounts know of a person, and how they let go: the number stays, for other rows lead to it; nothing else."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from quilt.accounts.belongings import OwnFile, Row, cuts, forgets, keeps_files, tells
from quilt.accounts.models import EmailCode, User
from quilt.accounts.models_api import ApiToken
from quilt.accounts.models_identity import Identity, SignInFlow
from quilt.accounts.models_security import (
    AccountExport,
    Authenticator,
    EmailChange,
    Passkey,
    PasskeyChallenge,
    RecoveryCode,
    UserSession,
)
from quilt.mail import NOWHERE, MailMessage

_OWN = (
    UserSession, Passkey, PasskeyChallenge, Authenticator, RecoveryCode, EmailChange, AccountExport, Identity, SignInFlow,
    ApiToken,
)  # fmt: skip


@tells("account")
def tell_account(session: Session, user_id: int) -> Iterable[Row]:
    """The account itself."""
    user = session.get_one(User, user_id)
    yield {
        "number": user.id, "email": user.email, "name": user.name, "role": user.role, "since": user.created_at,
        "has_password": user.password_hash is not None, "letters_about_branches": user.has_branch_letters,
        "named_among_spreaders": user.is_named_spreader, "leaving_at": user.leaving_at,
    }  # fmt: skip


@tells("sessions")
def tell_sessions(session: Session, user_id: int) -> Iterable[Row]:
    """Where the person is signed in."""
    for row in session.scalars(select(UserSession).where(UserSession.user_id == user_id)):
        yield {"device": row.device, "way": row.way, "since": row.started_at, "last_seen": row.seen_at}


@tells("passkeys")
def tell_passkeys(session: Session, user_id: int) -> Iterable[Row]:
    """Their passkeys, and the app if there is one."""
    for row in session.scalars(select(Passkey).where(Passkey.user_id == user_id)):
        yield {"kind": "passkey", "name": row.name, "since": row.created_at, "last_used": row.used_at}
    app = session.get(Authenticator, user_id)
    if app is not None:
        yield {"kind": "app", "name": "", "since": app.created_at, "last_used": None}


@tells("identities")
def tell_identities(session: Session, user_id: int) -> Iterable[Row]:
    """The providers by which they sign in."""
    for row in session.scalars(select(Identity).where(Identity.user_id == user_id)):
        yield {
            "provider": row.provider, "issuer": row.issuer, "subject": row.subject, "label": row.label,
            "since": row.created_at, "last_used": row.used_at,
        }  # fmt: skip


@tells("api_tokens")
def tell_tokens(session: Session, user_id: int) -> Iterable[Row]:
    """Their tokens for the API, of which we keep a hash alone."""
    for row in session.scalars(select(ApiToken).where(ApiToken.user_id == user_id)):
        yield {"name": row.name, "scopes": row.scopes, "since": row.created_at, "last_used": row.used_at}


@tells("letters")
def tell_letters(session: Session, user_id: int) -> Iterable[Row]:
    """What was mailed to them, as long as it is known; the words of what was sent are not kept."""
    user = session.get_one(User, user_id)
    for row in session.scalars(select(MailMessage).where(MailMessage.recipient == user.email)):
        yield {"kind": row.kind, "subject": row.subject, "written": row.created_at, "sent": row.sent_at}


@keeps_files
def list_exports(session: Session, user_id: int) -> Iterable[OwnFile]:
    """The copies that lie ready; they are not part of the next copy."""
    for row in session.scalars(select(AccountExport).where(AccountExport.user_id == user_id)):
        if row.file_name:
            yield OwnFile("export", row.file_name, "")


@cuts("accounts")
def cut_tokens(session: Session, user_id: int) -> None:
    """No token for the API is left."""
    session.execute(delete(ApiToken).where(ApiToken.user_id == user_id))


@forgets("accounts")
def forget_account(session: Session, user_id: int, now: datetime) -> None:
    """Nobody can sign in any more, and nothing says who it was."""
    user = session.get_one(User, user_id)
    session.execute(delete(EmailCode).where(EmailCode.email_key == user.email_key))
    session.execute(delete(MailMessage).where(MailMessage.recipient == user.email))
    for table in _OWN:
        session.execute(delete(table).where(table.user_id == user_id))
    nowhere = f"gone-{user_id}@deleted{NOWHERE}"
    gone: dict[str, object] = {
        "email": nowhere,
        "email_key": nowhere,
        "name": "",
        "password_hash": None,
        "role": "member",
    }
    gone |= {"is_gone": True, "leaving_at": None, "has_branch_letters": False, "is_named_spreader": False}
    statement = update(User).where(User.id == user_id)
    session.execute(statement.values(**gone, session_epoch=User.session_epoch + 1))
