"""`coffer address verify`: offline, with nothing but the certificate and a key."""

import json
import sys
from pathlib import Path

from wallet.addresses.certificate import Certificate, CertificateRefused, verify_certificate


def check_certificate(file: Path, key: str, customer: str | None, *, as_json: bool) -> int:
    """Exit status 0 if it holds, 1 with one line if it does not."""
    try:
        text = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        found = Certificate.from_json(text)
        verify_certificate(found, key, customer)
    except (CertificateRefused, OSError) as refusal:
        sys.stderr.write(f"coffer: {refusal}\n")
        return 1
    entry = found.entry
    if as_json:
        print(json.dumps({"valid": True, **found.fields()["entry"]}))  # noqa: T201 (a command's result)
    else:
        whose = "an owner that you did not name" if customer is None else customer
        print(f"valid: {entry.address} on {entry.network} is the signer's, for {whose}, since {entry.at}")  # noqa: T201
    return 0
