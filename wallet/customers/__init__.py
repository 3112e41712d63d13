"""Customers: those who hold balances here. A handle is public; name and e-mail address lie in the vault."""
