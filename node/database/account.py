"""The user that PostgreSQL runs as, and the folder of its socket. PostgreSQL refuses to run as root."""

import contextlib
import hashlib
import os
import pwd
import stat
import subprocess
import tempfile
from pathlib import Path

from node.database.program import DatabaseUnavailable, binary
from node.processes import Account, leash

SOCKET_PATH_BYTES = 107  # what the kernel's sockaddr_un can hold


def account_for(folder: Path) -> Account | None:
    """None unless we are root. Then an account without rights, and if the way to `folder` or to PostgreSQL's programs is
    closed to it, with the one capability that opens the way. No permission of any folder is changed for it."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    for capabilities in ((), ("dac_read_search",), ("dac_override",)):
        account = Account(nobody.pw_uid, nobody.pw_gid, capabilities)
        if _reaches(account, folder):
            return account
    raise DatabaseUnavailable(
        f"PostgreSQL does not run as root, and the user nobody cannot reach {folder} or {binary('postgres')}:"
        " move them, run the node as another user, or give COFFER_DATABASE_URL"
    )


def _reaches(account: Account, folder: Path) -> bool:
    looks = ["/bin/sh", "-c", 'test -d "$0/." && cd "$0" && exec "$1" --version', str(folder), str(binary("postgres"))]
    done = subprocess.run([*leash(account), *looks], check=False, capture_output=True)  # noqa: S603  our own words
    return done.returncode == 0


def socket_folder(data: Path, account: Account | None) -> Path:
    """A short folder that only the server's user and root can enter, the same one for the same cluster."""
    owner = os.geteuid() if account is None else account.uid
    name = f"coffer-{hashlib.sha256(bytes(data)).hexdigest()[:16]}-{owner}"
    sockets = Path(tempfile.gettempdir()) / name
    if len(bytes(sockets / ".s.PGSQL.5432")) > SOCKET_PATH_BYTES:
        sockets = Path("/tmp") / name  # noqa: S108  owner and mode are checked below
    with contextlib.suppress(FileExistsError):
        sockets.mkdir(mode=0o700)
        if account is not None:
            os.chown(sockets, account.uid, account.gid)
    found = sockets.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or stat.S_IMODE(found.st_mode) != 0o700:
        raise DatabaseUnavailable(f"{sockets} was made by somebody else: remove it")
    return sockets
