"""Code of recipients that make trouble, assembled by hand: put at an address with `anvil_setCode`."""

REFUSES = "0x60006000fd"
"""REVERT whatever comes."""

BURNS_ALL = "0xfe"
"""INVALID: all gas that there is, and the payment with it."""

KEEPS = "0x00"
"""STOP: the plainest wallet that is a contract."""

MINTS = "0x600a5b805a556001900380600257" + "00"
"""As GasToken did: ten words of storage that were never used; the gas that is left names the place. Then it is content."""

TOKENLIKE = "0x600660005260206000f3"
"""Answers 6 to every question, decimals() and totalSupply() among them, and takes ether."""
