"""The treasury: the node's own side of money that moves on networks.

    states        of a submission, signed bytes that we author: reserved ─▶ signed ─▶ submitted ─▶ included ─▶ final | dead
    plan          one that could be made; `reserve` makes it the only one that may use its nonce, inputs or file name
    record        each later step, with the withdrawals that it pays, in one Change
    submissions   what is stored of them, looked up
    sources       where the next submission spends from: a nonce, inputs, a file name
    coins         credited outputs and change where a network has them: free, reserved, spent, gone
    begin         one that pays no customer: asked, reserved, signed
    drive         one step for each that is open: sign, store, submit, follow
    variants      the bytes that may stand on the network for one: whichever a block shows counts
    replace       what no block takes is replaced at a higher fee; `dry_run` before, `alarm` where that cannot be, `urge`
    self_cancel   a nonce that the signer would sign nothing for is used up by nothing
    settle        how one ends: paid, reverted, or provably dead
    doubt         a block has one, and nobody can say whether it paid: a person decides
    offline       signed bytes that came from a machine without a network
    uproot        those that were final until a reorg took their block: followed again
    recoveries    what the signer is shown when a stray goes back
    gas           the hot address pays gas to a deposit address
    sweeps        customers' deposits to the hot address, with gas funding where a token cannot pay for itself
    gather        small coins become one while fees are low
    rotation      another hot address pays, and what the earlier one holds goes to it

What this prevents: two submissions on one nonce or input (reservations are primary keys), bytes that leave before they
are durable, and a payment made again because the first answer was lost.
"""
