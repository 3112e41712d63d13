"""JSON-RPC to the nodes of chains: the `client`, bounded and typed; the `circuit` that leaves a failing provider alone; the
`pace` that was promised to it."""
