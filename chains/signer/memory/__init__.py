"""What was signed and what was decided, in one chain of records that only grows: `memory` keeps it, `controls` are the lines
that are no signatures (stops, operators, policies, heads of the journal)."""
