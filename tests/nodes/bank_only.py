"""A node with one bank account and no chains, as a file: for tests that need a configuration and never start it."""

from pathlib import Path

from node.config import Config, read_config

_CONFIG = """[node]
mode = "dev"
folder = "data"
[networks.sepa]
kind = "sepa"
folder = "bank"
iban = "DE89370400440532013000"
holder_name = "Coffer Test"
[networks.sepa.assets]
EUR = { decimals = 2 }
[signer]
socket = "signer.sock"
"""


def configured(folder: Path) -> Config:
    """In a new folder."""
    folder.mkdir(mode=0o700)
    for part in ("in", "out", "refused"):
        (folder / "bank" / part).mkdir(parents=True)
    file = folder / "coffer.toml"
    file.touch(mode=0o600)
    file.write_text(_CONFIG)
    return read_config(file, {})
