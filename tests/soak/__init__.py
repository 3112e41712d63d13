"""A node that is killed at random moments while money moves: `python -m tests.soak --kills N --seed S`, or `make soak`."""
