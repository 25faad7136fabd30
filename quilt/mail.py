"""Mail: written into an outbox table by the transaction that causes it, sent afterwards by the worker."""

import smtplib
import ssl
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from urllib.parse import unquote, urlsplit

from sqlalchemy import Index, String, Text, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from quilt.config import Settings
from quilt.database import BigId, Model, UtcDateTime, db, transaction
from quilt.letters import Letter

NOWHERE = ".invalid"  # the end of an address that leads nowhere (RFC 2606): accounts that told none have one
LEASE = timedelta(minutes=2)
FIRST_WAIT = timedelta(seconds=15)  # doubled after each failure
MOST_ATTEMPTS = 8


class MailMessage(Model):
    """One mail. States: waiting → sent | kept (no SMTP server is set) | parked (it failed too often)."""

    __tablename__ = "mail_message"
    __table_args__ = (Index("ix_mail_message_state_due_at", "state", "due_at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(24))  # sign_in_code | vote_code | entry_decided | …
    recipient: Mapped[str] = mapped_column(String(320))
    subject: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(Text)
    html: Mapped[str] = mapped_column(Text)
    off_url: Mapped[str] = mapped_column(
        String(500), default="", server_default=""
    )  # where one click ends these
    state: Mapped[str] = mapped_column(String(8), default="waiting")
    attempts_count: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


def put_in_outbox(
    session: Session,
    letter: Letter,
    recipient: str,
    now: datetime,
    *,
    off_url: str = "",
    due_at: datetime | None = None,
) -> MailMessage | None:
    """Add a letter to the caller's transaction and return its row: it leaves if, and only if, that commits.

    `off_url` is for letters that nobody asked for one by one: a POST to it ends them (RFC 8058). Nothing is
    written to an address that leads nowhere (None).
    """
    if recipient.endswith(NOWHERE):
        return None
    mail = MailMessage(
        kind=letter.name, recipient=recipient, subject=letter.subject[:200], text=letter.text, html=letter.html,
        off_url=off_url, state="waiting", due_at=due_at or now, created_at=now,
    )  # fmt: skip
    session.add(mail)
    return mail


def list_kept(limit: int = 50) -> list[MailMessage]:
    """The newest mails whose words are still here, newest first: the outbox page of a demo."""
    statement = select(MailMessage).where(MailMessage.text != "").order_by(MailMessage.id.desc())
    return list(db.session.scalars(statement.limit(limit)))


def find_mail(mail_id: int) -> MailMessage | None:
    """The mail with this id, or None."""
    return db.session.get(MailMessage, mail_id)


def deliver_due(now: datetime, settings: Settings, limit: int = 200) -> dict[str, int]:
    """Send, or keep, the mails that are due; returns how many came to which state.

    Any number of workers may do so at once: each mail is claimed by one of them. The round ends at the
    first mail that has to wait: where the server is away or slow, asking it again and again helps nobody.
    """
    send = None if settings.keeps_mail else Postman(settings.smtp_url)
    states: Counter[str] = Counter()
    try:
        for mail_id in list_due_ids(now, limit):
            state = deliver(mail_id, send, settings.mail_from, now)
            states[state] += 1
            if state == "waiting":
                break
    finally:
        if send is not None:
            send.close()
    return dict(states)


def list_due_ids(now: datetime, limit: int = 50) -> list[int]:
    """The ids of mails that should go out now, oldest first."""
    statement = select(MailMessage.id).where(MailMessage.state == "waiting", MailMessage.due_at <= now)
    return list(db.session.scalars(statement.order_by(MailMessage.id).limit(limit)))


def deliver(mail_id: int, send: Callable[[EmailMessage], None] | None, sender: str, now: datetime) -> str:
    """Send one mail, at most one worker at a time, and return its new state.

    `send` hands a message to the SMTP server; None keeps the mail for the outbox page. A mail that
    was really sent loses its body: codes do not stay in the database.
    """
    with transaction() as session:
        claim = (
            update(MailMessage)
            .where(MailMessage.id == mail_id, MailMessage.state == "waiting", MailMessage.due_at <= now)
            .values(due_at=now + LEASE, attempts_count=MailMessage.attempts_count + 1)
        )
        if session.execute(claim).rowcount == 0:  # type: ignore[attr-defined]
            return "taken"
    mail = db.session.get_one(MailMessage, mail_id, populate_existing=True)
    if send is None:
        return _finish(mail_id, state="kept", sent_at=now)
    attempts = mail.attempts_count
    try:
        message = build_message(mail, sender)
        db.session.rollback()  # no transaction stays open while the server is slow
        send(message)
    except (smtplib.SMTPNotSupportedError, ValueError):  # never deliverable: trying again changes nothing
        return _finish(mail_id, state="parked")
    except (OSError, smtplib.SMTPException) as error:
        if attempts >= MOST_ATTEMPTS or _is_final(error):
            return _finish(mail_id, state="parked")
        return _finish(mail_id, state="waiting", due_at=now + FIRST_WAIT * 2 ** (attempts - 1))
    return _finish(mail_id, state="sent", sent_at=now, text="", html="", off_url="")


def build_message(mail: MailMessage, sender: str) -> EmailMessage:
    """The mail as text and HTML, safe against header injection (EmailMessage refuses line breaks)."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = mail.recipient
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(mail.created_at)
    message["Auto-Submitted"] = "auto-generated"
    message["Message-ID"] = (
        f"<quilt-{mail.id}-{mail.kind}@{parseaddr(sender)[1].rpartition('@')[2] or 'localhost'}>"
    )
    if mail.off_url:
        message["List-Unsubscribe"] = f"<{mail.off_url}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    return message


class Postman:
    """Hands messages to `smtp://user:password@host:port`, over one connection that the first one opens.

    `smtps://` speaks TLS from the start, `smtp+starttls://` after the greeting. After an error the
    connection is given up; the next message opens another.
    """

    def __init__(self, url: str, timeout: float = 20.0) -> None:
        self._parts = urlsplit(url)
        self._timeout = timeout
        self._server: smtplib.SMTP | None = None

    def __call__(self, message: EmailMessage) -> None:
        """Send one message; raises OSError or smtplib.SMTPException."""
        try:
            self._server = self._server or self._connect()
            self._server.send_message(message)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Say goodbye, if there is still somebody to say it to."""
        server, self._server = self._server, None
        if server is not None:
            with suppress(OSError, smtplib.SMTPException):
                server.quit()

    def _connect(self) -> smtplib.SMTP:
        parts, trust = self._parts, ssl.create_default_context()
        host, port = parts.hostname or "localhost", parts.port or 0
        server = (
            smtplib.SMTP_SSL(host, port, timeout=self._timeout, context=trust)
            if parts.scheme == "smtps"
            else smtplib.SMTP(host, port, timeout=self._timeout)
        )
        try:
            if parts.scheme == "smtp+starttls":
                server.starttls(context=trust)
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
        except BaseException:
            server.close()
            raise
        return server


def _is_final(error: Exception) -> bool:
    """Whether the server refused this recipient for good (5xx), rather than for now (4xx)."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(500 <= code < 600 for code, _ in error.recipients.values())
    return False


def _finish(mail_id: int, **values: object) -> str:
    with transaction() as session:
        session.execute(update(MailMessage).where(MailMessage.id == mail_id).values(**values))
    return str(values["state"])
