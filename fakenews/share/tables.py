"""The tables of the index, as `migrations/` makes them; ids are stored as SHA-256 only, times as milliseconds UTC."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

METADATA = MetaData()

SHARES = Table(
    "shares",
    METADATA,
    Column("id_hash", String(64), primary_key=True),
    Column("owner_hash", String(64), nullable=False, index=True),
    Column("nonce", String(32), nullable=False),  # with the owner's key it gives the id, for the owner's list
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False, index=True),
    Column("blind", Boolean, nullable=False),
    Column("size", Integer, nullable=False),  # bytes of the snapshot's JSON
    Column("snapshot", LargeBinary, nullable=False),  # the JSON, zlib
)

REVIEWS = Table(
    "reviews",
    METADATA,
    Column("id_hash", String(64), primary_key=True),
    Column("share_hash", ForeignKey("shares.id_hash", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("begun", BigInteger, nullable=False),
    Column("first_verdict", String(16)),  # before the models' answers were shown; null where they were seen at once
    Column("finished", BigInteger),
    Column("body", Text),  # JSON of what was said once the models' answers were seen
)

SETS = Table(
    "review_sets",
    METADATA,
    Column("id_hash", String(64), primary_key=True),
    Column("owner_hash", String(64), nullable=False, index=True),
    Column("nonce", String(32), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False, index=True),
    Column("closed", BigInteger),  # null while reviewers may answer
    Column("blind", Boolean, nullable=False),
    Column("title", Text, nullable=False),
    Column("instructions", Text, nullable=False),
    Column("models", Text, nullable=False),  # JSON, names of the models asked; empty for the default ones
    Column("seed", BigInteger, nullable=False),  # with a reviewer's, of the order in which articles are shown
    Column("n_first", Integer, nullable=False),  # articles it was made with; reviewers begin once these are analyzed
    Column("n_begun", Integer, nullable=False),  # reviewers that ever began, of whom some may have been deleted
    Column("decided", BigInteger, nullable=False),  # when it was last closed or opened again
    Column("size", Integer, nullable=False),  # bytes of texts and analyses
    Column("claimed", BigInteger, nullable=False),  # until when a server is analyzing its articles; not in the bucket
)

ITEMS = Table(
    "set_items",
    METADATA,
    Column("set_hash", ForeignKey("review_sets.id_hash", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),  # from 0, in the order of adding
    # When it was analyzed, with or without a problem; null until then. Here in front of the long columns, so that
    # counting does not read them.
    Column("analyzed", BigInteger, index=True),
    Column("label", String(16)),
    Column("corpus", Text, nullable=False),  # with `article` where the text can be found again; empty if nowhere
    Column("article", Text, nullable=False),
    Column("digest", String(64), nullable=False),  # SHA-256 of the text
    Column("models", Text),  # JSON of the models' answers; null where there is no analysis
    Column("problem", Text),  # why there is none
    Column("text", LargeBinary),  # zlib; null where only the ids may be kept
    Column("snapshot", LargeBinary),  # the JSON without its text, zlib
)

REVIEWERS = Table(
    "set_reviewers",
    METADATA,
    Column("id", String(32), primary_key=True),  # random: a key may begin again after its reviewer was deleted
    Column("key_hash", String(64), nullable=False, index=True),
    Column("set_hash", ForeignKey("review_sets.id_hash", ondelete="CASCADE"), nullable=False, index=True),
    Column("number", Integer, nullable=False),  # from 1, in the order of coming
    Column("name", Text, nullable=False),
    Column("begun", BigInteger, nullable=False),
    Column("seed", BigInteger, nullable=False),
)

ANSWERS = Table(
    "set_answers",
    METADATA,
    Column("reviewer_id", ForeignKey("set_reviewers.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),  # of the item
    Column("verdict", String(16), nullable=False),  # in a blind set the one given before the models' answers were shown
    Column("confidence", Integer),  # 1 to 5
    Column("seconds", Float),  # until the verdict was given
    Column("after", String(16)),  # the verdict with the models' answers in sight, in a blind set
    Column("body", Text, nullable=False),  # JSON of marked stretches and the comment
    Column("saved", BigInteger, nullable=False),
)

APPLIED = Table(  # objects of the bucket that are in the index
    "applied",
    METADATA,
    Column("name", String(200), primary_key=True),
)
