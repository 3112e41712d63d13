"""Commands that belong to one noun (`coffer deposit …`), a file each: their names, arguments and help."""
