-- Deposits on every network: what arrived and is not ours to credit, what a chain took back, what two people decide.
-- New columns of rows are nullable: what was written before them reads the same when it is rebuilt from the journal.
SELECT 1; -- a script says something, or the driver stumbles

-- Who is frozen, for assets that are listed later.
CREATE INDEX accounts_frozen ON accounts (owner) WHERE flags & 4 <> 0;
