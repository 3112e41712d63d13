"""What the commands of `coffer` do, one a file; `node/__main__.py` has their names, arguments and help."""
