-- Deposits on every network: what arrived and is not ours to credit, what a chain took back, what two people decide.
-- New columns of rows are nullable: what was written before them reads the same when it is rebuilt from the journal.

-- Each payment finds two accounts by their ids, of forty characters: one comparison instead of a walk down the primary key.
CREATE INDEX accounts_by_id ON accounts USING hash (id);

-- Whoever walks an account through the transfers compares the hash and then the name (wallet/ledger/walk.py).
DROP INDEX transfers_debit, transfers_credit;
CREATE INDEX transfers_debit ON transfers (hashtextextended(debit_account, 0), seq);
CREATE INDEX transfers_credit ON transfers (hashtextextended(credit_account, 0), seq);

-- Who is frozen, for assets that are listed later.
CREATE INDEX accounts_frozen ON accounts (owner) WHERE flags & 4 <> 0;

-- Value at addresses of ours that no listing covers. `units`, `symbol` and `decimals` are what a contract says of itself.
CREATE TABLE strays (
    id          text PRIMARY KEY,
    version     integer NOT NULL,
    network     text NOT NULL,
    identity    text NOT NULL,
    address     text NOT NULL,
    owner       text NOT NULL,
    contract    text NOT NULL,
    units       numeric(78, 0) NOT NULL,
    symbol      text,
    decimals    integer,
    reason      text NOT NULL,
    state       text NOT NULL,
    tx          text NOT NULL,
    height      bigint,
    block       text,
    proposal    text,
    submission  text,
    created_at  timestamptz NOT NULL,
    UNIQUE (network, identity)
);
CREATE INDEX strays_owner ON strays (owner, id);
CREATE INDEX strays_by_height ON strays (network, height);
CREATE INDEX strays_by_submission ON strays (submission) WHERE submission IS NOT NULL;

-- How many strays a day had beyond those that are written down one by one. Operational: losing it loses no money.
CREATE TABLE stray_counts (
    network     text NOT NULL,
    owner       text NOT NULL,
    day         date NOT NULL,
    beyond      bigint NOT NULL,
    height      bigint NOT NULL,
    PRIMARY KEY (network, owner, day)
);

-- The highest block that a network ever called final, and its tip then: finality that goes backwards is found out.
ALTER TABLE network_views ADD COLUMN final_highest bigint, ADD COLUMN final_highest_tip bigint;

-- How far the look at all addresses of a network has come (growth). Operational: lost, all are looked at again.
CREATE TABLE growth_passes (
    network      text PRIMARY KEY,
    height_from  bigint NOT NULL,
    height_begun bigint NOT NULL,
    height       bigint NOT NULL,
    block        text NOT NULL,
    last         text NOT NULL,
    seen_to      text NOT NULL,
    done         boolean NOT NULL
);
CREATE INDEX submissions_by_source ON submissions (network, source);
CREATE INDEX submissions_by_target ON submissions (network, target);

-- Acts that need two people. `content` is the exact act; `digest` names it together with id and kind.
CREATE TABLE proposals (
    id          text PRIMARY KEY,
    version     integer NOT NULL,
    kind        text NOT NULL,
    subject     text NOT NULL,
    content     jsonb NOT NULL,
    digest      text NOT NULL,
    reason      text NOT NULL,
    proposer    text NOT NULL,
    state       text NOT NULL,
    approvals   jsonb NOT NULL,
    signatures  jsonb NOT NULL,
    outcome     text,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    ended_at    timestamptz
);
CREATE INDEX proposals_open ON proposals (state, id) WHERE state IN ('proposed', 'approved');
CREATE INDEX proposals_subject ON proposals (subject, id);

-- What a token's contract was when it was listed, and why it is suspended on its network.
ALTER TABLE listings ADD COLUMN code_hash text, ADD COLUMN implementation text, ADD COLUMN implementation_hash text,
    ADD COLUMN suspended text, ADD COLUMN deposit_min_units numeric(78, 0), ADD COLUMN withdrawal_min_units numeric(78, 0),
    ADD COLUMN sweep_min_units numeric(78, 0);

GRANT SELECT, INSERT, UPDATE ON strays, proposals TO coffer_books;
GRANT SELECT ON stray_counts, growth_passes TO coffer_books;
GRANT SELECT ON strays, proposals, stray_counts, growth_passes TO coffer_ops;
GRANT INSERT, UPDATE, DELETE ON stray_counts, growth_passes TO coffer_ops;

-- A customer may have many addresses. `first_of` names customer and network of the one that is given again and again.
-- `position` counts them in the order in which they were committed (the Journal writes one batch after the other), so that
-- who watches them reads what is new; it is the database's own and in no Change.
-- `kind` is set where a network has several kinds of address.
ALTER TABLE addresses ADD COLUMN label text, ADD COLUMN first_of text, ADD COLUMN kind text;
ALTER TABLE addresses ADD COLUMN position bigint GENERATED ALWAYS AS IDENTITY;
CREATE UNIQUE INDEX addresses_first_of ON addresses (first_of) WHERE first_of IS NOT NULL;
CREATE INDEX addresses_position ON addresses (position);
CREATE INDEX addresses_in_any_case ON addresses USING hash (lower(address));
CREATE INDEX deposits_by_address ON deposits (network, address) WHERE address IS NOT NULL;

-- A closed customer has no money here and gets none: what still arrives is nobody's until a person has looked.
ALTER TABLE customers ADD COLUMN closed_at timestamptz;

-- What the network's own rules ask for before a deposit can be spent (a miner's reward: 100 blocks). Sums are reckoned over all
-- that one tx pays and over all that one owner received.
ALTER TABLE deposits ADD COLUMN confirmations_min bigint;
CREATE INDEX deposits_by_tx ON deposits (network, tx);

-- Why nothing is credited or signed on this network until a person has looked; null while it runs.
ALTER TABLE networks ADD COLUMN halt_reason text;
CREATE INDEX deposits_uprooted ON deposits (network, height) WHERE state = 'uprooted';

-- How far the scan of each network is, how fast, and what its providers said last. Operational: losing it loses no money.
CREATE TABLE network_progress (
    network             text PRIMARY KEY,
    scanned             bigint,
    block_at            timestamptz,
    blocks_per_minute   bigint,
    head                bigint,
    head_at             timestamptz,
    providers           jsonb
);
GRANT SELECT ON network_progress TO coffer_books;
GRANT SELECT, INSERT, UPDATE, DELETE ON network_progress TO coffer_ops;
