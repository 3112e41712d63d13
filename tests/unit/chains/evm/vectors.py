"""Published vectors, read from tests/vectors."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).parents[3] / "vectors"


def read(name: str) -> Any:
    return json.loads((VECTORS / name).read_text(encoding="utf-8"))


def tx_cases(*folders: str) -> Iterator[tuple[str, bytes, dict[str, str]]]:
    """Name, raw bytes, and what the newest fork says: "hash" and "sender", or "exception"."""
    for folder in folders:
        for path in sorted((VECTORS / "ethereum-tests/TransactionTests" / folder).glob("*.json")):
            for name, case in json.loads(path.read_text(encoding="utf-8")).items():
                if name != "_info" and "Cancun" in case.get("result", {}):
                    yield name, bytes.fromhex(case["txbytes"].removeprefix("0x")), case["result"]["Cancun"]
