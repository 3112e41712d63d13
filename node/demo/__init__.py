"""The tour: a real node on real development networks, watched from outside.

tour       the story, step by step        outside   wallets and a bank customer that are not the node's
client     the node's API over HTTP       stage     devnet, node process and operator around it
"""
