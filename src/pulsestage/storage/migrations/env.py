"""Run by Alembic for every command; the connection and its transaction are the caller's (see `migrate.py`)."""

from alembic import context

from pulsestage.storage.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
