-- Withdrawals and the signer. New columns of rows are nullable: what was written before them reads the same when it is
-- rebuilt from the journal.

-- `fee` is null (which reads as charged), `charged` or `included`. `payment` is what was booked instead where the destination is
-- an address of another customer: such a row never holds anything. `returned_by` is the deposit in which a bank sent it back,
-- and `returns` what a deposit brings back.
ALTER TABLE withdrawals ADD COLUMN fee text, ADD COLUMN payment text, ADD COLUMN returned_by text;
ALTER TABLE withdrawals ALTER COLUMN hold DROP NOT NULL, ALTER COLUMN fee_hold DROP NOT NULL;
CREATE INDEX withdrawals_failed ON withdrawals (owner, network, id) WHERE state = 'failed';
ALTER TABLE deposits ADD COLUMN returns text;

-- A person's word on a submission of which nobody can say whether it paid (`wallet.treasury.doubt`): `paid` or `unpaid`.
ALTER TABLE submissions ADD COLUMN verdict text;

-- Why what is requested in one asset of a network is not begun, for whoever waits for it. Lost, it is found out again.
CREATE TABLE payout_waits (
    network text NOT NULL,
    asset   text NOT NULL,
    reason  text NOT NULL,
    since   timestamptz NOT NULL,
    PRIMARY KEY (network, asset)
);
GRANT SELECT ON payout_waits TO coffer_books;
GRANT SELECT, INSERT, UPDATE, DELETE ON payout_waits TO coffer_ops;

-- What is uprooted or stopped is followed like what is open (`wallet.treasury.submissions`).
DROP INDEX submissions_open;
CREATE INDEX submissions_followed ON submissions (network, id)
    WHERE state IN ('reserved', 'signed', 'submitted', 'included', 'uprooted', 'stopped', 'cancelling');

-- Ed25519 keys with which operators approve withdrawals: `id` is the key, in hex. Two operators enrol one; one revokes it.
CREATE TABLE approval_keys (
    id         text PRIMARY KEY,
    version    integer NOT NULL,
    operator   text NOT NULL,
    proposal   text NOT NULL,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX approval_keys_operator ON approval_keys (operator);

-- A withdrawal that people must approve: `id` is its own. `because` are the rules that say so, in words; `approvals` the
-- signatures by operator; `not_by` whose hands the API key that asked went through. How many are still missing stands with
-- the withdrawal, so that what waits is passed over.
CREATE TABLE demands (
    id           text PRIMARY KEY,
    version      integer NOT NULL,
    needed       bigint NOT NULL,
    because      text[] NOT NULL,
    not_by       text[] NOT NULL,
    approvals    jsonb NOT NULL,
    outcome      text,
    created_at   timestamptz NOT NULL
);
ALTER TABLE withdrawals ADD COLUMN approvals_missing bigint, ADD COLUMN requested_by text, ADD COLUMN mark text;
CREATE INDEX withdrawals_unapproved ON withdrawals (id) WHERE state = 'requested' AND approvals_missing > 0;
-- Who made an API key: the key that did, or where. Null where it was made before this was written down.
ALTER TABLE api_keys ADD COLUMN made_by text;
-- The policy that says which withdrawals people must approve: the whole text of each version; one is in force. `mark` names
-- a sealed destination under its customer's key. Each request that a rule sums counts itself in a tally.
CREATE TABLE policies (
    id         text PRIMARY KEY,
    version    integer NOT NULL,
    number     bigint NOT NULL,
    body       text NOT NULL,
    proposal   text NOT NULL,
    created_at timestamptz NOT NULL,
    ended_at   timestamptz
);
CREATE INDEX policies_in_force ON policies (number) WHERE ended_at IS NULL;
CREATE TABLE outflow_tallies (
    id       text PRIMARY KEY,
    version  integer NOT NULL,
    requests bigint NOT NULL
);
CREATE INDEX withdrawals_of_time ON withdrawals (network, asset, created_at);
CREATE INDEX withdrawals_to ON withdrawals (destination, network, created_at) WHERE destination IS NOT NULL;
GRANT SELECT, INSERT, UPDATE ON approval_keys, demands, policies, outflow_tallies TO coffer_books;
GRANT SELECT ON approval_keys, demands, policies, outflow_tallies TO coffer_ops;

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
CREATE INDEX replacements_number ON replacements (submission, number);
CREATE UNIQUE INDEX replacements_tx ON replacements (tx) WHERE tx IS NOT NULL;
GRANT SELECT, INSERT, UPDATE ON replacements TO coffer_books;
GRANT SELECT ON replacements TO coffer_ops;

-- Where a customer sends money to. `mark` is the address, or a keyed digest of it where that is personal; a row that was
-- removed lives again when the same is saved again, with a new wait.
CREATE TABLE saved_destinations (
    id                text PRIMARY KEY,
    version           integer NOT NULL,
    owner             text NOT NULL,
    network           text NOT NULL,
    mark              text NOT NULL,
    destination       text,
    destination_item  text,
    label             text,
    saved_at          timestamptz NOT NULL,
    usable_at         timestamptz NOT NULL,
    removed_at        timestamptz
);
CREATE UNIQUE INDEX saved_destinations_mark ON saved_destinations (owner, network, mark);
CREATE INDEX saved_destinations_owner ON saved_destinations (owner, id) WHERE removed_at IS NULL;
GRANT SELECT, INSERT, UPDATE ON saved_destinations TO coffer_books;
GRANT SELECT ON saved_destinations TO coffer_ops;
-- The contract by which a network pays many withdrawals at once; `id` is the network (`wallet.payout_contracts`).
CREATE TABLE payout_contracts (
    id         text PRIMARY KEY,
    version    integer NOT NULL,
    contract   text NOT NULL,
    code_hash  text NOT NULL,
    state      text NOT NULL,
    reason     text,
    submission text NOT NULL,
    assets     text[] NOT NULL,
    created_at timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON payout_contracts TO coffer_books;
GRANT SELECT ON payout_contracts TO coffer_ops;
-- A hot address that took the place of another one, and when that one was empty.
CREATE TABLE hot_rotations (
    id          text PRIMARY KEY,
    version     integer NOT NULL,
    network     text NOT NULL,
    previous    text NOT NULL,
    address     text NOT NULL,
    path        text NOT NULL,
    reason      text NOT NULL,
    created_at  timestamptz NOT NULL,
    emptied_at  timestamptz
);
CREATE INDEX hot_rotations_open ON hot_rotations (network) WHERE emptied_at IS NULL;

-- The signer's word on addresses that were handed out, many under one signature: `leaves` are 32 bytes each, in the order of
-- the addresses' positions, of which the first and the last are named.
CREATE TABLE address_certificates (
    id              text PRIMARY KEY,
    version         integer NOT NULL,
    first_position  bigint NOT NULL,
    last_position   bigint NOT NULL,
    leaves          bytea NOT NULL,
    key             text NOT NULL,
    signature       text NOT NULL,
    at              timestamptz NOT NULL
);
CREATE INDEX address_certificates_by_position ON address_certificates (last_position);

GRANT SELECT, INSERT, UPDATE ON hot_rotations, address_certificates TO coffer_books;
GRANT SELECT ON hot_rotations, address_certificates TO coffer_ops;
-- The queue of one asset, oldest first, and whether anybody waits for it at all (`wallet.withdrawals.queue`).
CREATE INDEX withdrawals_requested ON withdrawals (network, asset, id) WHERE state = 'requested';

-- What a customer's money may do: their own rules, what loosens them and when, and the limits that operators have set. Each
-- exit of a limited customer counts itself in `exits`, so that no two are judged on the same sum (`wallet.limits`).
CREATE TABLE safeguards (
    id           text PRIMARY KEY,
    version      integer NOT NULL,
    rules        jsonb NOT NULL,
    loosening    jsonb,
    limits       jsonb NOT NULL,
    delay_since  timestamptz,
    loosens_at   timestamptz,
    loosening_s  bigint NOT NULL,
    exits        bigint NOT NULL
);
CREATE INDEX safeguards_loosening ON safeguards (loosens_at) WHERE loosens_at IS NOT NULL;
GRANT SELECT, INSERT, UPDATE ON safeguards TO coffer_books;
GRANT SELECT ON safeguards TO coffer_ops;
ALTER TABLE withdrawals ADD COLUMN platform text;
CREATE INDEX withdrawals_left ON withdrawals (owner, asset, created_at);
CREATE INDEX withdrawals_left_platform ON withdrawals (platform, asset, created_at) WHERE platform IS NOT NULL;
-- An address that was nobody's and was given to somebody has a second version, and is vouched for again.
CREATE INDEX addresses_given ON addresses (position) WHERE version > 1;
