"""CRS-01: the node as a process, killed while money moves; started again, it goes on as if nothing had been."""
