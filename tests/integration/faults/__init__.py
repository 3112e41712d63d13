"""What storage and machines do to PostgreSQL, and what the books are worth afterwards."""
