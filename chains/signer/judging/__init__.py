"""May this be signed? Each step refuses or passes on, and none of them signs or writes a signature.

policy, hot                    what this signer's own file allows, and which hot key pays
weigh_evm, weigh_payout,
weigh_bitcoin, weigh_sepa      decode the payload, derive what is ours, and tell what it would do: an `effect`
judge, approvals               limits, ids that are used up, people above a threshold
guard                          the stops, and the breaker, which stops by itself
"""
