"""What two node processes on one database could do to each other, over HTTP."""
