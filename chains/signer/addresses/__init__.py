"""Addresses of ours, made again from the seed: `rederive` makes them, `certify` vouches for them, `rehearsal` and
`descriptors` tell an independent wallet how to find the same ones."""
