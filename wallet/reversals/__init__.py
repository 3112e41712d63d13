"""Reversals: a payment or a settlement is undone by opposite transfers, once. Nothing is ever changed or deleted.

find     the entry behind an object's id or a journal position, and why most entries are not reversed
reverse  the opposite transfers, in one Change under the reversed entry's own position
"""
