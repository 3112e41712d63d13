"""The pure code that is changed, and the tests that must notice. No test here needs a server, so that thousands of runs fit
into minutes."""

MUTATED = (
    "wallet/money.py",
    "wallet/ledger/accounts.py",
    "wallet/ledger/templates.py",
    "wallet/ledger/transfers.py",
    "wallet/journal/arrays.py",
    "wallet/journal/batch.py",
    "wallet/journal/body.py",
    "wallet/journal/chain.py",
    "wallet/journal/change.py",
    "wallet/journal/image.py",
    "wallet/journal/judge.py",
    "wallet/journal/lanes.py",
    "wallet/journal/receipts.py",
    "wallet/journal/recent_receipts.py",
    "wallet/journal/remembered.py",
    "wallet/journal/sealing.py",
    "wallet/proofs/batches.py",
    "wallet/proofs/copied.py",
    "wallet/proofs/replay.py",
    "wallet/proofs/seals.py",
    "wallet/proofs/source.py",
    "wallet/proofs/witness.py",
)
TESTS = ("tests/unit/wallet",)
SCORE_LEAST = 90  # of a hundred mutants
