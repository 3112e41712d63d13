"""Stops: the signer signs nothing within a scope, and the node pauses what belongs to it, so that customers read why.

    operator ──▶ signer (from its answer on, nothing is signed) ──▶ mirror: assets paused, networks halted
    breaker  ──▶    "                                                  │
    two enrolled operators, at the signer ──▶ resumed ─────────────────┴▶ what was paused because of it goes on

The signer decides alone; the node only follows. `stop` (a person says it here), `mirror` (what follows from it).
"""
