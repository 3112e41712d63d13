"""`python -m node.devnet`: has the programs of the development networks ready, so that nothing is fetched while they run."""

import sys

from node.devnet.anvil import find_anvil
from node.devnet.bitcoind import find_bitcoind
from node.devnet.debian import ProgramUnavailable


def say(line: str) -> None:
    sys.stdout.write(f"setup: {line}\n")
    sys.stdout.flush()


def main() -> int:
    try:
        find_bitcoind(say)
        find_anvil()
    except ProgramUnavailable as missing:
        say(str(missing))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
