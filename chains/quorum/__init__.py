"""Several providers of one network: `providers` asks them, `agreement` puts together what they say, `quorum` is the network
that the core sees, with `readers` of blocks and the `dispute` of two who contradict each other. `coins` is the same where
payments are shown before they are in a block, `contracts` where there are tokens."""
