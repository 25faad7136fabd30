"""What the letters over time remember: which milestone was told to whom, and how far an entry was looked through."""

from datetime import date, datetime

from sqlalchemy import Date, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from quilt.database import BigId, Model, UtcDateTime


class BranchMilestone(Model):
    """A person's branch of an entry has grown to `people`: once for ever, whatever happens to the branch later."""

    __tablename__ = "branch_milestone"

    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), primary_key=True)
    people: Mapped[int] = mapped_column(primary_key=True)  # 10, 100 or 1,000
    reached_at: Mapped[datetime] = mapped_column(UtcDateTime)


class BranchCheck(Model):
    """The version of an entry's spread up to which its branches were looked through for milestones."""

    __tablename__ = "branch_check"

    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id"), primary_key=True)
    spread_version: Mapped[int] = mapped_column(BigId)


class BrandReport(Model):
    """An organisation was told of one week (its Monday): once for ever."""

    __tablename__ = "brand_report"

    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    week: Mapped[date] = mapped_column(Date, primary_key=True)
    sent_at: Mapped[datetime] = mapped_column(UtcDateTime)
