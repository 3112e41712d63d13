-- Withdrawals and the signer. New columns of rows are nullable: what was written before them reads the same when it is
-- rebuilt from the journal.

-- What is uprooted or stopped is followed like what is open (`wallet.treasury.submissions`).
DROP INDEX submissions_open;
CREATE INDEX submissions_followed ON submissions (network, id)
    WHERE state IN ('reserved', 'signed', 'submitted', 'included', 'uprooted', 'stopped', 'cancelling');

-- A submission's replacements: further signed bytes at a higher network fee on the same nonce or inputs. Of a `stopped`
-- submission, what uses up its nonce (`wallet.treasury.replace`).
ALTER TABLE submissions ADD COLUMN replacements bigint, ADD COLUMN mined text, ADD COLUMN urged boolean;
CREATE TABLE replacements (
    id         text PRIMARY KEY,
    version    integer NOT NULL,
    submission text NOT NULL,
    number     bigint NOT NULL,
    purpose    text NOT NULL,
    state      text NOT NULL,
    fee_max    numeric(78, 0) NOT NULL,
    unsigned   bytea NOT NULL,
    signed     bytea,
    tx         text,
    change     jsonb,
    reason     text,
    created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX replacements_number ON replacements (submission, number);
CREATE UNIQUE INDEX replacements_tx ON replacements (tx) WHERE tx IS NOT NULL;
GRANT SELECT, INSERT, UPDATE ON replacements TO coffer_books;
GRANT SELECT ON replacements TO coffer_ops;
