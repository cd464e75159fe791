"""Run by Alembic: upgrades over the connection that `store` hands in."""

from alembic import context

from fakenews.share.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
with context.begin_transaction():
    context.run_migrations()
