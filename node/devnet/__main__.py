"""`python -m node.devnet`: has the programs of the development networks ready, so that nothing is fetched while they run."""

import sys

from node.devnet.anvil import find_anvil
from node.devnet.bitcoind import find_bitcoind
from node.devnet.debian import have_ready

if __name__ == "__main__":
    sys.exit(have_ready(find_bitcoind, lambda _say: find_anvil()))
