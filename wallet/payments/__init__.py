"""Payments: customer to customer, inside the ledger, at once and without a network."""
