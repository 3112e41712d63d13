"""A file that is made whole before its first byte is sent, so that its digest can stand before it: on disk, not in memory."""

import asyncio
import base64
import hashlib
import tempfile
from collections.abc import AsyncGenerator

MEMORY_BYTES = 1 << 20  # smaller files never see the disk
_READ_BYTES = 1 << 17


async def spooled(parts: AsyncGenerator[bytes, None], headers: dict[str, str]) -> AsyncGenerator[bytes, None]:
    """The same file. Before its first part `headers` get its digest (RFC 9530) and its length. The file on disk has no name and
    is gone with this process, whatever ends it."""
    digest, size = hashlib.sha256(), 0
    with tempfile.SpooledTemporaryFile(max_size=MEMORY_BYTES) as file:
        async for part in parts:
            digest.update(part)
            size += len(part)
            await asyncio.to_thread(file.write, part)
        file.seek(0)
        headers["Repr-Digest"] = f"sha-256=:{base64.b64encode(digest.digest()).decode('ascii')}:"
        headers["Content-Length"] = str(size)
        while part := await asyncio.to_thread(file.read, _READ_BYTES):
            yield part
