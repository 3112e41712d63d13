"""Signing on a machine that has the seed and nothing else: the `order` that goes there and comes back, and `psbt`, the same
for wallets that are not ours."""
