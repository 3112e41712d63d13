"""Settlements: what a platform's customers owe each other out of a trade, moved at once or not at all.

legs    what one leg may take from and bring to
holds   what legs take out of holds
turns   fills of one busy order wait for each other
post    all legs in one Change
settle_hold  one leg, out of a hold
"""
