"""Review sets: their articles, their reviewers, and what each said of each article."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make four tables."""
    op.create_table(
        "review_sets",
        sa.Column("id_hash", sa.String(64), primary_key=True),
        sa.Column("owner_hash", sa.String(64), nullable=False, index=True),
        sa.Column("nonce", sa.String(32), nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False, index=True),
        sa.Column("closed", sa.BigInteger),
        sa.Column("blind", sa.Boolean, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("instructions", sa.Text, nullable=False),
        sa.Column("models", sa.Text, nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("n_first", sa.Integer, nullable=False),
        sa.Column("n_begun", sa.Integer, nullable=False),
        sa.Column("decided", sa.BigInteger, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("claimed", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "set_items",
        sa.Column(
            "set_hash", sa.String(64), sa.ForeignKey("review_sets.id_hash", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("analyzed", sa.BigInteger, index=True),
        sa.Column("label", sa.String(16)),
        sa.Column("corpus", sa.Text, nullable=False),
        sa.Column("article", sa.Text, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("models", sa.Text),
        sa.Column("problem", sa.Text),
        sa.Column("text", sa.LargeBinary),
        sa.Column("snapshot", sa.LargeBinary),
    )
    op.create_table(
        "set_reviewers",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("key_hash", sa.String(64), nullable=False, index=True),
        sa.Column(
            "set_hash",
            sa.String(64),
            sa.ForeignKey("review_sets.id_hash", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("begun", sa.BigInteger, nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "set_answers",
        sa.Column(
            "reviewer_id", sa.String(32), sa.ForeignKey("set_reviewers.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("confidence", sa.Integer),
        sa.Column("seconds", sa.Float),
        sa.Column("after", sa.String(16)),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("saved", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Take them away again."""
    for table in ("set_answers", "set_reviewers", "set_items", "review_sets"):
        op.drop_table(table)
