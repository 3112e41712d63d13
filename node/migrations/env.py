"""Alembic's entry: it runs on the connection that `node.migrations.apply` hands over, never on one of its own."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
