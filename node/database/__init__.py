"""PostgreSQL, the one engine: our own embedded server, or one that the operator gives.

In reading order: `embedded` (a server as our child; its parts are `program`, `account`, `cluster`, `leftover`), `roles` (owner,
books, operations and their connection strings), `settings` (what a server must promise before money is kept in it).
"""

from node.database.embedded import EmbeddedPostgres
from node.database.program import DatabaseUnavailable, binary
from node.database.roles import Dsns, RolesUnavailable, prepare_roles
from node.database.settings import UnsafeDatabase, refuse_unsafe_settings

__all__ = [
    "DatabaseUnavailable",
    "Dsns",
    "EmbeddedPostgres",
    "RolesUnavailable",
    "UnsafeDatabase",
    "binary",
    "prepare_roles",
    "refuse_unsafe_settings",
]
