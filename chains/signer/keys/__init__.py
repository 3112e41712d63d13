"""The seed and what comes of it: `keystore` (sealed, on the disk) under a `passphrase`, `words` (on paper), `keys` (each key
that is derived from it), `paths` (which of them is whose)."""
