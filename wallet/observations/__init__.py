"""Observations: what a network itself states that we hold of an asset, at a final height, written down in the books.

`record` asks the network by address and believes no scan. `cover` turns the newest observation into what a credit rests on:
no more is ever credited than the network states that there is. Why that bound holds: docs/decisions/0013.
"""
