"""Contracts for development networks, compiled in advance: nobody needs a compiler to run them.

`make contracts` compiles them again from the sources here.
"""

import json
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Artefact:
    """`abi` as the compiler writes it; `bytecode` is what creates the contract, in hexadecimal; its constructor takes
    nothing. `stale` tells that the source was changed after the last compilation."""

    name: str
    abi: list[Any]
    bytecode: str
    stale: bool


@cache
def load_artefact(name: str, folder: Path = _HERE) -> Artefact:
    written = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    source = (folder / written["source"]).read_bytes()
    return Artefact(name, written["abi"], written["bytecode"], sha256(source).hexdigest() != written["source_sha256"])


def dev_dollar() -> Artefact:
    """DUSD: an ordinary ERC-20 of six decimals, with `mint(address,uint256)` for everybody."""
    return load_artefact("DevDollar")
