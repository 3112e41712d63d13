"""What the commands of `coffer` do, one a file; `node/__main__.py` has their names, arguments and help.

`seal_apart` is a part of `verify` that runs in processes of its own.
"""
