-- Receipts, platforms, holds that platforms place, settlements, reversals, observed balances, archives.
-- New columns of rows are nullable: what was written before them reads the same when it is rebuilt from the journal.

-- Moved under the head lock by whoever gives a statement up as lost: one that names an older fence writes nothing.
ALTER TABLE journal_head ADD COLUMN fence bigint NOT NULL DEFAULT 0;

-- Called inside the statement that writes a batch: a count that is not what was judged undoes all of it.
CREATE FUNCTION refuse_batch(written bigint[], judged bigint[]) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a batch wrote % rows where % were judged', written, judged
        USING ERRCODE = CASE WHEN written[1] = 0 THEN 'CF001' ELSE 'CF002' END;
END $$;

-- Whoever owns an account that a Change moves sees it by its transfers; here are those who see it beside them.
DELETE FROM journal_viewers v USING transfers t
    WHERE t.seq = v.seq AND v.viewer IN (split_part(t.debit_account, ':', 1), split_part(t.credit_account, ':', 1));

-- One row for each transaction of the Journal: which changes it sealed and when, and the signed root of their receipts.
-- It also answers "which change was the last before this moment" without a look at the changes themselves.
CREATE TABLE journal_batches (
    last_seq  bigint PRIMARY KEY,
    first_seq bigint NOT NULL,
    at        timestamptz NOT NULL,
    root      bytea,
    key       text,
    signature bytea,
    CHECK (first_seq <= last_seq),
    CHECK (num_nulls(root, key, signature) IN (0, 3))
);
CREATE INDEX journal_batches_at ON journal_batches (at, last_seq);
INSERT INTO journal_batches (last_seq, first_seq, at) SELECT max(seq), min(seq), at FROM journal GROUP BY at;
CREATE TRIGGER journal_batches_append_only BEFORE UPDATE OR DELETE ON journal_batches
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER journal_batches_never_emptied BEFORE TRUNCATE ON journal_batches
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Public keys by which receipts are signed; the id is the key, in hex.
CREATE TABLE journal_keys (
    id         text PRIMARY KEY,
    version    integer NOT NULL,
    created_at timestamptz NOT NULL
);

-- A sub-account has no handle; its platform calls it by a reference of its own.
ALTER TABLE customers ALTER COLUMN handle DROP NOT NULL;
ALTER TABLE customers ADD COLUMN platform text, ADD COLUMN reference text;
ALTER TABLE customers ADD CHECK (num_nonnulls(handle, reference) = 1 AND num_nonnulls(platform, reference) IN (0, 2));
CREATE UNIQUE INDEX customers_reference ON customers (platform, reference) WHERE reference IS NOT NULL;
CREATE INDEX customers_platform ON customers (platform, id) WHERE platform IS NOT NULL;

-- Still refused when the remembered request is long gone.
ALTER TABLE payments ADD COLUMN client_reference text;
CREATE UNIQUE INDEX payments_client_reference ON payments (payer, client_reference) WHERE client_reference IS NOT NULL;
ALTER TABLE withdrawals ADD COLUMN client_reference text;
CREATE UNIQUE INDEX withdrawals_client_reference ON withdrawals (owner, client_reference) WHERE client_reference IS NOT NULL;

-- A hold that a platform placed on the money of a customer of its own; `id` names the ledger's hold.
CREATE TABLE placed_holds (
    id               text PRIMARY KEY,
    version          integer NOT NULL,
    platform         text NOT NULL,
    owner            text NOT NULL,
    asset            text NOT NULL,
    units            numeric(78, 0) NOT NULL,
    settled_units    numeric(78, 0) NOT NULL,
    state            text NOT NULL,
    client_reference text,
    expires_at       timestamptz,
    created_at       timestamptz NOT NULL,
    ended_at         timestamptz
);
CREATE UNIQUE INDEX placed_holds_client_reference ON placed_holds (platform, client_reference)
    WHERE client_reference IS NOT NULL;
CREATE INDEX placed_holds_platform ON placed_holds (platform, id);
CREATE INDEX placed_holds_owner ON placed_holds (owner, id);
CREATE INDEX placed_holds_expiring ON placed_holds (expires_at) WHERE state = 'placed';

CREATE TABLE settlements (
    id               text PRIMARY KEY,
    version          integer NOT NULL,
    platform         text NOT NULL,
    legs             jsonb NOT NULL,
    client_reference text,
    created_at       timestamptz NOT NULL
);
CREATE UNIQUE INDEX settlements_client_reference ON settlements (platform, client_reference)
    WHERE client_reference IS NOT NULL;
CREATE INDEX settlements_platform ON settlements (platform, id);

-- The id is the sequence of the change that was reversed: that is how it is reversed once. `object` is what it had made.
CREATE TABLE reversals (
    id         text PRIMARY KEY,
    version    integer NOT NULL,
    object     text NOT NULL,
    reason     text NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX reversals_object ON reversals (object);

-- What a network itself states that we hold of an asset, at a final height; the id is network/asset.
CREATE TABLE observations (
    id      text PRIMARY KEY,
    version integer NOT NULL,
    network text NOT NULL,
    asset   text NOT NULL,
    units   numeric(78, 0) NOT NULL,
    height  bigint NOT NULL,
    block   text NOT NULL,
    at      timestamptz NOT NULL
);

-- A named difference between the books and the world, until a person has explained it.
CREATE TABLE breaks (
    id          text PRIMARY KEY,
    version     integer NOT NULL,
    network     text NOT NULL,
    asset       text NOT NULL,
    units       numeric(78, 0) NOT NULL,
    reason      text NOT NULL,
    state       text NOT NULL,
    resolution  text,
    created_at  timestamptz NOT NULL,
    resolved_at timestamptz
);
CREATE UNIQUE INDEX breaks_open ON breaks (asset) WHERE state = 'open';

-- When each asset of each network was last set against the books, and what came out. Operational: lost, it is looked again.
CREATE TABLE reconciliations (
    network    text NOT NULL,
    asset      text NOT NULL,
    height     bigint,
    difference numeric(78, 0),
    proven_at  timestamptz,
    tried_at   timestamptz NOT NULL,
    error      text,
    PRIMARY KEY (network, asset)
);

-- What is kept for a time: the id names it, and what is older than `forgotten_before` is gone, or about to go. On record, so that
-- nobody else can make the node forget a request and do it again.
CREATE TABLE retentions (
    id               text PRIMARY KEY,
    version          integer NOT NULL,
    forgotten_before timestamptz NOT NULL
);

-- Partitions of the journal that were moved to files; the id is the partition's number.
CREATE TABLE archives (
    id         text PRIMARY KEY,
    version    integer NOT NULL,
    first_seq  bigint NOT NULL,
    last_seq   bigint NOT NULL,
    head       text NOT NULL,
    digest     text NOT NULL,
    created_at timestamptz NOT NULL
);

GRANT SELECT, INSERT ON journal_batches TO coffer_books;
GRANT SELECT, INSERT, UPDATE ON journal_keys, placed_holds, settlements, reversals, observations, breaks, retentions, archives
    TO coffer_books;
GRANT SELECT ON journal_batches, journal_keys, placed_holds, settlements, reversals, observations, breaks, retentions, archives
    TO coffer_ops;
GRANT SELECT ON reconciliations TO coffer_books;
GRANT SELECT, INSERT, UPDATE, DELETE ON reconciliations TO coffer_ops;
