-- Withdrawals and the signer. New columns of rows are nullable: what was written before them reads the same when it is
-- rebuilt from the journal.

-- What is uprooted is followed like what is open (`wallet.treasury.submissions`).
DROP INDEX submissions_open;
CREATE INDEX submissions_followed ON submissions (network, id)
    WHERE state IN ('reserved', 'signed', 'submitted', 'included', 'uprooted');
