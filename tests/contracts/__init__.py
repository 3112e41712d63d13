"""Contracts that misbehave, for tests against a real chain; compiled by `make contracts`."""

from pathlib import Path

from node.devnet.contracts import Artefact, load_artefact

_HERE = Path(__file__).parent


def hostile(name: str) -> Artefact:
    """One of the contracts of HostileTokens.sol, TokenZoo.sol or Payers.sol."""
    return load_artefact(name, _HERE)
