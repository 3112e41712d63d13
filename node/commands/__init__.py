"""What the commands of `coffer` do, one a file; `node/__main__.py` and `node/groups` have their names, arguments and help."""
