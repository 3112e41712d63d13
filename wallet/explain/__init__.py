"""Explaining: which entries stand behind an object, where the journal has them, and what on a network proves it. In words.

viewer     whose things the one who asks may see      subjects    what each kind of object is, and where to look for it
changes    the Changes behind it, with their proofs   evidence    blocks and statements
accounts   why a balance is what it is                words       all of it in sentences
explain    put together, and cut to what may be seen
"""
