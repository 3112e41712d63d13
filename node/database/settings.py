"""What a server must promise before money is kept in it. Each setting refused here has lost acknowledged work elsewhere."""

import asyncpg

_REQUIRED = {
    "fsync": ("on", "a power cut would corrupt the books"),
    "data_checksums": (
        "on",
        "a bit that flips on the disk would be served as a balance; stop it and run pg_checksums --enable",
    ),
    "full_page_writes": ("on", "a power cut would corrupt the books"),
    "default_transaction_isolation": (
        "read committed",
        "the Journal reads what others committed, after taking its lock",
    ),
    "server_encoding": ("UTF8", "the books keep text as Unicode"),
}


class UnsafeDatabase(Exception):
    """The server would lose money that it said it has. One line that names the setting and the reason."""

    def __init__(self, setting: str, value: str, reason: str) -> None:
        self.setting, self.value = setting, value
        super().__init__(f"the database has {setting} = {value}: {reason}; change it, or give another database")


async def refuse_unsafe_settings(connection: asyncpg.Connection) -> None:
    """Raises `UnsafeDatabase` for the first setting, as this connection's role sees it, that would lose money."""
    for setting, (required, reason) in _REQUIRED.items():
        value = await connection.fetchval("SELECT current_setting($1)", setting)
        if value != required:
            raise UnsafeDatabase(setting, value, reason)
    value = await connection.fetchval("SELECT current_setting('synchronous_commit')")
    if value == "off":
        raise UnsafeDatabase("synchronous_commit", value, "a crash would lose what was answered with yes")
    if await connection.fetchval("SELECT pg_is_in_recovery()"):
        raise UnsafeDatabase("in_recovery", "on", "it is a replica, and balances are judged on the primary only")
