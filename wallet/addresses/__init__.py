"""Deposit addresses (at a bank: payment references), derived from public keys and never given to two customers."""
