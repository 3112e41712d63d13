"""Fakes that work: small, honest implementations of the core's ports, without a network or a key behind them."""
