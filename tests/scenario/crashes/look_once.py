"""A node as a process that looks at one network once, as it was pickled for it; a test kills it on the way.

`python -m tests.scenario.crashes.look_once PICKLE BOOKS_DSN OPS_DSN FOLDER NETWORK`
"""

import asyncio
import pickle
import sys
from pathlib import Path

from node.database import Dsns
from tests.fakes.world import opened_world
from wallet.ids import NetworkId


async def look(brought: bytes, books: str, ops: str, folder: str, network: str) -> None:
    networks, signer = pickle.loads(brought)
    async with opened_world(Dsns(owner=books, books=books, ops=ops), Path(folder), signer, networks) as world:
        await world.look(NetworkId(network))


if __name__ == "__main__":
    asyncio.run(look(Path(sys.argv[1]).read_bytes(), *sys.argv[2:]))
