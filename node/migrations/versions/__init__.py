"""One migration a file, in order; the SQL stands beside it."""
