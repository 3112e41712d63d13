"""Withdrawals that people must approve: who asks for it, who may, and what exactly they sign.

    requested ──▶ waits (approvals_missing > 0) ──▶ goes on, when so many people have signed this very act
                    ├──▶ cancelled  by its owner: what was signed is worth nothing any more
                    └──▶ rejected   by an operator; the money is back

Two ask for it: the policy of these books (`wallet.policy`) when a withdrawal is requested, and the signer, by a threshold
in a file of its own, before anything is reserved. An approval is an operator's Ed25519 signature over the digest of the act
(`act`): the withdrawal's id, network, asset, destination and units, so it is good for nothing else. A withdrawal never
changes, so there is nothing to edit. What this prevents: one person, or whoever holds their API key, that lets money out
(I14). Read: `approvers`, `act`, `demand`, `approve`, `reject`, `find`, `signatures`.
"""
