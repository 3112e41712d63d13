-- The first tables. Written by hand, since partitions, triggers and grants are the point.
-- Money is NUMERIC(78,0): whole base units up to 2^256 - 1.

-- ── the journal: event stream, audit log and outbox at once ─────────────────────────────────────────────────────────

CREATE TABLE journal_head (
    one  boolean PRIMARY KEY DEFAULT true CHECK (one),
    seq  bigint NOT NULL,
    hash bytea NOT NULL,
    at   timestamptz NOT NULL
);
INSERT INTO journal_head (seq, hash, at) VALUES (0, decode(repeat('00', 32), 'hex'), 'epoch');

CREATE TABLE journal (
    seq   bigint NOT NULL,
    at    timestamptz NOT NULL,
    kind  text NOT NULL,
    actor text NOT NULL,
    body  bytea NOT NULL,
    hash  bytea NOT NULL,
    PRIMARY KEY (seq)
) PARTITION BY RANGE (seq);

CREATE TABLE transfers (
    seq                  bigint NOT NULL,
    ordinal              smallint NOT NULL,
    move                 text NOT NULL,
    debit_account        text NOT NULL,
    credit_account       text NOT NULL,
    asset                text NOT NULL,
    units                numeric(78, 0) NOT NULL CHECK (units > 0),
    hold                 text,
    debit_posted_after   numeric(79, 0) NOT NULL,
    debit_held_after     numeric(78, 0) NOT NULL,
    credit_posted_after  numeric(79, 0) NOT NULL,
    credit_held_after    numeric(78, 0) NOT NULL,
    PRIMARY KEY (seq, ordinal),
    CHECK (debit_account <> credit_account)
) PARTITION BY RANGE (seq);
CREATE INDEX transfers_debit ON transfers (debit_account, seq);
CREATE INDEX transfers_credit ON transfers (credit_account, seq);

-- Who may see an event: its customers. Their cursor runs over this table, never over the global sequence.
CREATE TABLE journal_viewers (
    viewer text NOT NULL,
    seq    bigint NOT NULL,
    PRIMARY KEY (viewer, seq)
);

-- Remembered requests, partitioned by the day of the answer: accepted, with the journal row that holds the result, or refused.
CREATE TABLE requests (
    day       date NOT NULL,
    owner     text NOT NULL,
    operation text NOT NULL,
    key       text NOT NULL,
    digest    bytea NOT NULL,
    seq       bigint,
    refusal   jsonb,
    PRIMARY KEY (owner, operation, key, day),
    CHECK (num_nonnulls(seq, refusal) = 1)
) PARTITION BY RANGE (day);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: correct a mistake by a new entry', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER journal_append_only BEFORE UPDATE OR DELETE ON journal FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER transfers_append_only BEFORE UPDATE OR DELETE ON transfers FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER journal_never_emptied BEFORE TRUNCATE ON journal FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER transfers_never_emptied BEFORE TRUNCATE ON transfers FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- ── the ledger ───────────────────────────────────────────────────────────────────────────────────────────────────────

CREATE TABLE accounts (
    id              text PRIMARY KEY,
    owner           text NOT NULL,
    code            text NOT NULL,
    asset           text NOT NULL,
    debits_pending  numeric(78, 0) NOT NULL CHECK (debits_pending >= 0),
    debits_posted   numeric(78, 0) NOT NULL CHECK (debits_posted >= 0),
    credits_pending numeric(78, 0) NOT NULL CHECK (credits_pending >= 0),
    credits_posted  numeric(78, 0) NOT NULL CHECK (credits_posted >= 0),
    flags           integer NOT NULL,
    CONSTRAINT no_overdraft CHECK (flags & 1 = 0 OR debits_posted + debits_pending <= credits_posted)
) WITH (fillfactor = 70);
CREATE INDEX accounts_owner ON accounts (owner);

CREATE TABLE holds (
    id        text PRIMARY KEY,
    debit     text NOT NULL,
    credit    text NOT NULL,
    asset     text NOT NULL,
    units     numeric(78, 0) NOT NULL,
    remaining numeric(78, 0) NOT NULL CHECK (remaining >= 0 AND remaining <= units)
);

-- ── rows that Changes write: each has an id and a version ────────────────────────────────────────────────────────────

CREATE TABLE assets (
    id           text PRIMARY KEY,
    version      integer NOT NULL,
    decimals     integer NOT NULL,
    paused       boolean NOT NULL,
    pause_reason text
);

CREATE TABLE networks (
    id          text PRIMARY KEY,
    version     integer NOT NULL,
    kind        text NOT NULL,
    identity    text NOT NULL,
    public_keys text NOT NULL,
    start_height bigint NOT NULL
);

CREATE TABLE listings (
    id       text PRIMARY KEY,
    version  integer NOT NULL,
    network  text NOT NULL,
    asset    text NOT NULL,
    contract text,
    decimals integer NOT NULL
);

CREATE TABLE operators (
    id         text PRIMARY KEY,
    version    integer NOT NULL,
    handle     text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL
);

CREATE TABLE customers (
    id         text PRIMARY KEY,
    version    integer NOT NULL,
    handle     text NOT NULL UNIQUE,
    name_item  text,
    email_item text,
    created_at timestamptz NOT NULL
);

CREATE TABLE api_keys (
    id         text PRIMARY KEY,
    version    integer NOT NULL,
    owner      text NOT NULL,
    scopes     text[] NOT NULL,
    hash       text NOT NULL UNIQUE,
    label      text NOT NULL,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX api_keys_owner ON api_keys (owner, id);

CREATE TABLE derivations (
    id      text PRIMARY KEY,
    version integer NOT NULL,
    next    integer NOT NULL
);

CREATE TABLE addresses (
    id         text PRIMARY KEY,
    version    integer NOT NULL,
    network    text NOT NULL,
    address    text NOT NULL,
    path       text NOT NULL,
    owner      text NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (network, address)
);
CREATE INDEX addresses_owner ON addresses (owner, id);

CREATE TABLE deposits (
    id          text PRIMARY KEY,
    version     integer NOT NULL,
    network     text NOT NULL,
    identity    text NOT NULL,
    asset       text NOT NULL,
    units       numeric(78, 0) NOT NULL,
    address     text,
    owner       text,
    state       text NOT NULL,
    reason      text,
    tx          text NOT NULL,
    height      bigint,
    block       text,
    party_item  text,
    swept_by    text,
    created_at  timestamptz NOT NULL,
    credited_at timestamptz,
    UNIQUE (network, identity)
);
CREATE INDEX deposits_owner ON deposits (owner, id);
CREATE INDEX deposits_open ON deposits (network, state) WHERE state IN ('detected', 'confirming');
CREATE INDEX deposits_by_height ON deposits (network, height);
CREATE INDEX deposits_unswept ON deposits (network, address) WHERE state = 'credited' AND swept_by IS NULL;

CREATE TABLE withdrawals (
    id               text PRIMARY KEY,
    version          integer NOT NULL,
    owner            text NOT NULL,
    network          text NOT NULL,
    asset            text NOT NULL,
    units            numeric(78, 0) NOT NULL,
    fee_units        numeric(78, 0) NOT NULL,
    destination      text,
    destination_item text,
    state            text NOT NULL,
    reason           text,
    hold             text NOT NULL,
    fee_hold         text NOT NULL,
    created_at       timestamptz NOT NULL,
    final_at         timestamptz
);
CREATE INDEX withdrawals_owner ON withdrawals (owner, id);
CREATE INDEX withdrawals_open ON withdrawals (network, id) WHERE state IN ('requested', 'approved', 'signed', 'submitted', 'included');

CREATE TABLE submissions (
    id           text PRIMARY KEY,
    version      integer NOT NULL,
    network      text NOT NULL,
    purpose      text NOT NULL,
    state        text NOT NULL,
    asset        text NOT NULL,
    units        numeric(78, 0) NOT NULL,
    fee_asset    text NOT NULL,
    fee_max      numeric(78, 0) NOT NULL,
    fee_paid     numeric(78, 0),
    source       text NOT NULL,
    target       text,
    paths        text[] NOT NULL,
    consumes     text[] NOT NULL,
    unsigned     bytea,
    signed       bytea,
    unsigned_item text,
    signed_item  text,
    tx           text,
    change       jsonb,
    height       bigint,
    block        text,
    reason       text,
    created_at   timestamptz NOT NULL
);
CREATE UNIQUE INDEX submissions_tx ON submissions (network, tx) WHERE tx IS NOT NULL;
CREATE INDEX submissions_open ON submissions (network, id) WHERE state IN ('reserved', 'signed', 'submitted', 'included');

CREATE TABLE submission_withdrawals (
    id         text PRIMARY KEY,
    version    integer NOT NULL,
    submission text NOT NULL,
    withdrawal text NOT NULL
);
CREATE INDEX submission_withdrawals_submission ON submission_withdrawals (submission);
CREATE INDEX submission_withdrawals_withdrawal ON submission_withdrawals (withdrawal);

-- A nonce, an input or a file name belongs to one submission for ever: the primary key says so.
CREATE TABLE reservations (
    id         text PRIMARY KEY,
    version    integer NOT NULL,
    submission text NOT NULL
);

CREATE TABLE nonces (
    id      text PRIMARY KEY,
    version integer NOT NULL,
    next    bigint NOT NULL
);

CREATE TABLE utxos (
    id      text PRIMARY KEY,
    version integer NOT NULL,
    network text NOT NULL,
    units   numeric(78, 0) NOT NULL,
    address text NOT NULL,
    path    text NOT NULL,
    state   text NOT NULL
);
CREATE INDEX utxos_free ON utxos (network, id) WHERE state = 'free';

CREATE TABLE statements (
    id          text PRIMARY KEY,
    version     integer NOT NULL,
    network     text NOT NULL,
    height      bigint NOT NULL,
    digest      text NOT NULL,
    facts       jsonb NOT NULL,
    file_item   text NOT NULL,
    created_at  timestamptz NOT NULL,
    UNIQUE (network, height)
);
CREATE INDEX statements_digest ON statements (network, digest);

CREATE TABLE payments (
    id         text PRIMARY KEY,
    version    integer NOT NULL,
    payer      text NOT NULL,
    payee      text NOT NULL,
    asset      text NOT NULL,
    units      numeric(78, 0) NOT NULL,
    note_item  text,
    created_at timestamptz NOT NULL
);
CREATE INDEX payments_payer ON payments (payer, id);
CREATE INDEX payments_payee ON payments (payee, id);

-- Personal data: ciphertext under a key per person that lies outside this database. The journal has the commitment only.
CREATE TABLE vault_items (
    id         text PRIMARY KEY,
    person     text NOT NULL,
    kind       text NOT NULL,
    commitment bytea NOT NULL,
    ciphertext bytea
);
CREATE INDEX vault_items_person ON vault_items (person);

-- ── operational state: the second door. Losing it loses no money. ────────────────────────────────────────────────────

CREATE TABLE scan_cursors (
    network text PRIMARY KEY,
    height  bigint NOT NULL,
    block   text NOT NULL
);
CREATE TABLE scanned_blocks (
    network text NOT NULL,
    height  bigint NOT NULL,
    block   text NOT NULL,
    PRIMARY KEY (network, height)
);
CREATE TABLE leases (
    name    text PRIMARY KEY,
    holder  text NOT NULL,
    expires timestamptz NOT NULL
);
CREATE TABLE notices (
    id      text PRIMARY KEY,
    source  text NOT NULL,
    subject text NOT NULL,
    state   text NOT NULL,
    reason  text NOT NULL,
    at      timestamptz NOT NULL
);
CREATE TABLE network_views (
    network text PRIMARY KEY,
    tip     bigint,
    final   bigint,
    seen_at timestamptz NOT NULL,
    error   text
);

-- ── rights ───────────────────────────────────────────────────────────────────────────────────────────────────────────

GRANT USAGE ON SCHEMA public TO coffer_books, coffer_ops;
GRANT SELECT, INSERT ON journal, transfers, journal_viewers, requests TO coffer_books;
GRANT SELECT, UPDATE ON journal_head TO coffer_books;
GRANT SELECT, INSERT, UPDATE ON accounts, holds, assets, networks, listings, operators, customers, api_keys, derivations,
    addresses, deposits, withdrawals, submissions, submission_withdrawals, reservations, nonces, utxos, statements, payments
    TO coffer_books;
GRANT SELECT, INSERT ON vault_items TO coffer_books;
GRANT SELECT ON scan_cursors, scanned_blocks, leases, notices, network_views TO coffer_books;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO coffer_ops;
GRANT INSERT, UPDATE, DELETE ON scan_cursors, scanned_blocks, leases, notices, network_views TO coffer_ops;
GRANT UPDATE (ciphertext) ON vault_items TO coffer_ops;
