"""What the people in charge say about mail domains."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from quilt.database import BigId, Model, UtcDateTime


class MailDomain(Model):
    """A word about a mail domain, with its reason and its end: it wins over the list of disposable domains.

    `verdict` is step_up (an address there needs another proof) or fine. The newest that has not ended counts;
    rows are ended, not deleted.
    """

    __tablename__ = "mail_domain"
    __table_args__ = (CheckConstraint("verdict in ('step_up','fine')", name="verdict"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    domain: Mapped[str] = mapped_column(String(253), index=True)
    verdict: Mapped[str] = mapped_column(String(8))
    reason: Mapped[str] = mapped_column(String(280))
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
