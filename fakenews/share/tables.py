"""The tables of the index, as `migrations/` makes them; ids are stored as SHA-256 only, times as milliseconds UTC."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Integer, LargeBinary, MetaData, String, Table, Text

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

APPLIED = Table(  # objects of the bucket that are in the index
    "applied",
    METADATA,
    Column("name", String(200), primary_key=True),
)
