"""Several providers of one network: `providers` asks them, `agreement` puts together what they say, `quorum` is the network
that the core sees, `coins` the same where payments are shown before they are in a block."""
