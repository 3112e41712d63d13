"""May this much leave now, to this place? Asked of every exit, by one call: `admit`. Read: `exits`, `windows`, `turns`,
`admit`, `view`."""
