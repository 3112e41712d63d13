"""The schema's history, by alembic. Forward only; each migration runs in one transaction under the owner's role."""
