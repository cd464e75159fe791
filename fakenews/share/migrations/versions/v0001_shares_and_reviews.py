"""Shares, their reviews, and which objects of the bucket are in the index."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the first three tables."""
    op.create_table(
        "shares",
        sa.Column("id_hash", sa.String(64), primary_key=True),
        sa.Column("owner_hash", sa.String(64), nullable=False, index=True),
        sa.Column("nonce", sa.String(32), nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False, index=True),
        sa.Column("blind", sa.Boolean, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("snapshot", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "reviews",
        sa.Column("id_hash", sa.String(64), primary_key=True),
        sa.Column(
            "share_hash",
            sa.String(64),
            sa.ForeignKey("shares.id_hash", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("begun", sa.BigInteger, nullable=False),
        sa.Column("first_verdict", sa.String(16)),
        sa.Column("finished", sa.BigInteger),
        sa.Column("body", sa.Text),
    )
    op.create_table("applied", sa.Column("name", sa.String(200), primary_key=True))


def downgrade() -> None:
    """Take them away again."""
    for table in ("applied", "reviews", "shares"):
        op.drop_table(table)
