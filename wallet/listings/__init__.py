"""Listings: which contracts a network carries for us, as what they were when people looked at them.

A token is (network, contract, decimals, code): never its symbol, which anybody can give to anything. Those of the
configuration are there from the first start; others are listed while the node runs, by two operators (`wallet.proposals`).
Either way the code is written down, that of a proxy's implementation too, and looked at again at each final block:

    listed ──▶ suspended ──▶ listed      code, implementation or decimals changed: nothing of this token is credited, paid or
                                         withdrawn on this network until two operators have looked at what it is now

What this prevents: a second contract by the same name, a symbol in look-alike letters, and a token that is replaced behind
its proxy after it was trusted (DPE-16). Read: `draft`, `list_token`, `watch`, `carried`, `adopt`.
"""
