"""A node as a process that carries one network's submissions one step further, as it was pickled for it; a test kills it on the
way.

`python -m tests.scenario.crashes.pay_once PICKLE BOOKS_DSN OPS_DSN FOLDER NETWORK`
"""

import asyncio
import pickle
import sys
from pathlib import Path

from node.database import Dsns
from tests.fakes.world import opened_world
from wallet.ids import NetworkId
from wallet.treasury.drive import drive_submissions


async def step(brought: bytes, books: str, ops: str, folder: str, network: str) -> None:
    networks, signer = pickle.loads(brought)
    async with opened_world(Dsns(owner=books, books=books, ops=ops), Path(folder), signer, networks) as world:
        await drive_submissions(world.context, world.networks[NetworkId(network)])


if __name__ == "__main__":
    asyncio.run(step(Path(sys.argv[1]).read_bytes(), *sys.argv[2:]))
