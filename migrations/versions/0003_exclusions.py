"""Exclusions: who took a branch out of the figures, or put it back, and why."""

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
