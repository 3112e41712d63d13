"""Networks where value settles: one folder per kind, the same file names in each, answering `wallet.ports.Network`.

Each kind reads in this order: `address`, `scan`, `fees`, `build`, `submit`, `status`, `observe` (chains only), and
`network`, which joins them; `decode` is what the signer reads. Adapters record facts and decide nothing. Kinds never
import each other; chains share `rpc`.
"""
