"""Stories on real networks: a node's core in this process, stepped by hand, so that every tick is ours to choose."""
