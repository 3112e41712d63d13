"""What somebody with every right on the database may do to the books of `test_tampering`, and where it must be found."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tampering:
    what: str
    place: str  # what the verifier must name
    sql: str


def _transfer(seq: int, ordinal: int) -> str:
    columns = "move, debit_account, credit_account, asset, units, hold, 0, 0, 0, 0"
    return f"INSERT INTO transfers SELECT {seq}, {ordinal}, {columns} FROM transfers WHERE seq = 3"


def _copied(source: int, target: int) -> str:
    return f"INSERT INTO journal SELECT {target}, at, kind, actor, body, hash FROM journal WHERE seq = {source}"


def _account(change: str, owner: str = "bob") -> Tampering:
    name = f"cus_{owner}:balance:EUR"
    return Tampering(
        f"{owner}'s account: {change}", f"account {name}", f"UPDATE accounts SET {change} WHERE id = '{name}'"
    )


_HEAD_BACK = "UPDATE journal_head SET seq = 8, hash = (SELECT hash FROM journal WHERE seq = 8)"

OF_THE_JOURNAL = [
    Tampering(
        "a body rewritten",
        "journal row 3",
        "UPDATE journal SET body = replace(body::text, '3130', '3939')::bytea WHERE seq = 3",
    ),
    Tampering(
        "one bit of a body",
        "journal row 7",
        "UPDATE journal SET body = set_bit(body, 77, 1 - get_bit(body, 77)) WHERE seq = 7",
    ),
    Tampering("a time", "journal row 4", "UPDATE journal SET at = at + interval '1 microsecond' WHERE seq = 4"),
    Tampering("a time without end", "journal row 4", "UPDATE journal SET at = 'infinity' WHERE seq = 4"),
    Tampering("a hash of another length", "journal row 6", "UPDATE journal SET hash = hash || hash WHERE seq = 6"),
    Tampering("an empty body", "journal row 6", "UPDATE journal SET body = '' WHERE seq = 6"),
    Tampering("a kind", "journal row 3", "UPDATE journal SET kind = 'deposit.credited' WHERE seq = 3"),
    Tampering("an actor", "journal row 5", "UPDATE journal SET actor = 'cus_bob' WHERE seq = 5"),
    Tampering("a hash", "journal row 6", "UPDATE journal SET hash = sha256(hash) WHERE seq = 6"),
    Tampering("an entry deleted", "journal row 5", "DELETE FROM journal WHERE seq = 5"),
    Tampering("the first entry deleted", "journal row 1", "DELETE FROM journal WHERE seq = 1"),
    Tampering("an entry put before the first", "seq 0", _copied(1, 0)),
    Tampering("an entry put after the last", "seq 10", _copied(9, 10)),
    Tampering(
        "an entry put between two",
        "journal row 4",
        f"UPDATE journal SET seq = seq + 100 WHERE seq > 3; UPDATE journal SET seq = seq - 99 WHERE seq > 3; {_copied(3, 4)}",
    ),
    Tampering(
        "two entries exchanged",
        "journal row 3",
        "UPDATE journal SET seq = CASE seq WHEN 3 THEN 103 ELSE 3 END WHERE seq = 3;"
        "UPDATE journal SET seq = 3 WHERE seq = 4; UPDATE journal SET seq = 4 WHERE seq = 103",
    ),
    Tampering("the last entry cut off", "journal row 9", "DELETE FROM journal WHERE seq = 9"),
    Tampering(
        "the last entry cut off and the head put back",
        "account cus_alice:balance:EUR",
        f"DELETE FROM transfers WHERE seq = 9; DELETE FROM journal WHERE seq = 9; {_HEAD_BACK}",
    ),
    Tampering("the head alone put back", "account cus_alice:balance:EUR", _HEAD_BACK),
    Tampering("the head's hash", "journal row 9", "UPDATE journal_head SET hash = sha256(hash)"),
    Tampering("the head's seq", "journal row 10", "UPDATE journal_head SET seq = 10"),
    Tampering("no head", "journal_head is empty", "DELETE FROM journal_head"),
    Tampering("everything emptied", "journal row 1", "DELETE FROM transfers; DELETE FROM journal"),
]

OF_TRANSFERS = [
    Tampering("units", "transfer 0 of journal row 3", "UPDATE transfers SET units = units + 1 WHERE seq = 3"),
    Tampering(
        "an account",
        "transfer 0 of journal row 3",
        "UPDATE transfers SET credit_account = 'cus_eve:balance:EUR' WHERE seq = 3",
    ),
    Tampering("an asset", "transfer 0 of journal row 3", "UPDATE transfers SET asset = 'USD' WHERE seq = 3"),
    Tampering(
        "a move", "transfer 1 of journal row 5", "UPDATE transfers SET move = 'void' WHERE seq = 5 AND ordinal = 1"
    ),
    Tampering("a hold taken off", "transfer 0 of journal row 4", "UPDATE transfers SET hold = NULL WHERE seq = 4"),
    Tampering(
        "a name with a tab", "transfer 0 of journal row 4", "UPDATE transfers SET hold = E'hld\\tone' WHERE seq = 4"
    ),
    Tampering("a hold's name", "transfer 0 of journal row 4", "UPDATE transfers SET hold = 'hld_two' WHERE seq = 4"),
    Tampering(
        "a balance after it",
        "transfer 0 of journal row 3",
        "UPDATE transfers SET credit_posted_after = credit_posted_after + 1 WHERE seq = 3",
    ),
    Tampering(
        "a held sum after it",
        "transfer 0 of journal row 4",
        "UPDATE transfers SET debit_held_after = debit_held_after - 1 WHERE seq = 4",
    ),
    Tampering("one deleted", "journal row 4", "DELETE FROM transfers WHERE seq = 4"),
    Tampering("one more in an entry", "journal row 3", _transfer(3, 1)),
    Tampering("one in an entry that has none", "journal row 6", _transfer(6, 0)),
    Tampering("one before the first entry", "seq 0", _transfer(0, 0)),
    Tampering("one beyond the head", "seq 12", _transfer(12, 0)),
    Tampering("one moved to another entry", "journal row 3", "UPDATE transfers SET seq = 6 WHERE seq = 3"),
]

OF_BALANCES = [
    _account("credits_posted = credits_posted + 1"),
    _account("debits_posted = debits_posted + 1, credits_posted = credits_posted + 1"),
    _account("owner = 'cus_eve'"),
    _account("credits_posted = 'NaN'"),
    _account("flags = 1"),  # it was frozen
    _account("debits_pending = 0", "alice"),
    _account("flags = 0", "alice"),
    Tampering(
        "two balances, their sum kept",
        "account cus_alice:balance:EUR",
        "UPDATE accounts SET credits_posted = credits_posted + CASE owner WHEN 'cus_bob' THEN 1 ELSE -1 END"
        " WHERE code = 'balance'",
    ),
    Tampering(
        "an account deleted", "account cus_bob:balance:EUR", "DELETE FROM accounts WHERE id = 'cus_bob:balance:EUR'"
    ),
    Tampering(
        "an account invented",
        "account cus_eve:balance:EUR",
        "INSERT INTO accounts VALUES ('cus_eve:balance:EUR', 'cus_eve', 'balance', 'EUR', 0, 0, 0, 0, 1)",
    ),
    Tampering("what remains of a hold", "hold hld_one", "UPDATE holds SET remaining = 300"),
    Tampering("a hold's size", "hold hld_one", "UPDATE holds SET units = 500"),
    Tampering("whom a hold is for", "hold hld_one", "UPDATE holds SET credit = 'cus_eve:balance:EUR'"),
    Tampering("a hold deleted", "hold hld_one", "DELETE FROM holds"),
    Tampering(
        "a hold invented",
        "hold hld_two",
        "INSERT INTO holds SELECT 'hld_two', debit, credit, asset, units, remaining FROM holds",
    ),
]

OF_ROWS = [
    Tampering(
        "a number that is none",
        "payments pay_x",
        "INSERT INTO payments (id, version, payer, payee, asset, units, created_at)"
        " VALUES ('pay_x', 1, 'cus_alice', 'cus_bob', 'EUR', 'NaN', now())",
    ),
    Tampering("a time without end", "customers cus_alice", "UPDATE customers SET created_at = 'infinity'"),
    Tampering("a value", "assets EUR", "UPDATE assets SET paused = false, pause_reason = NULL"),
    Tampering("a version", "assets EUR", "UPDATE assets SET version = 3"),
    Tampering("a reference", "customers cus_alice", "UPDATE customers SET name_item = 'vlt_two'"),
    Tampering("a time", "customers cus_alice", "UPDATE customers SET created_at = created_at + interval '1 second'"),
    Tampering("a row deleted", "customers cus_alice", "DELETE FROM customers"),
    Tampering(
        "a row invented",
        "customers cus_eve",
        "INSERT INTO customers SELECT 'cus_eve', version, 'eve', name_item, email_item, created_at FROM customers",
    ),
    Tampering("a commitment", "vault item vlt_one", "UPDATE vault_items SET commitment = sha256(commitment)"),
    Tampering("whose an item is", "vault item vlt_one", "UPDATE vault_items SET person = 'cus_eve'"),
    Tampering("what an item is", "vault item vlt_one", "UPDATE vault_items SET kind = 'note'"),
    Tampering("an item deleted", "vault item vlt_one", "DELETE FROM vault_items"),
    Tampering(
        "an item invented",
        "vault item vlt_two",
        "INSERT INTO vault_items SELECT 'vlt_two', person, kind, commitment, ciphertext FROM vault_items",
    ),
]

OF_ANSWERS = [
    Tampering("an answer forgotten, so that a retry pays again", "requests", "DELETE FROM requests WHERE key = 'k'"),
    Tampering("an answer under another key", "requests", "UPDATE requests SET key = 'kk' WHERE key = 'k'"),
    Tampering(
        "an answer to another meaning", "requests", "UPDATE requests SET digest = sha256(digest) WHERE key = 'k'"
    ),
    Tampering(
        "an answer that was given to something else",
        "requests",
        "UPDATE requests SET seq = CASE seq WHEN 3 THEN 9 ELSE 3 END WHERE seq IN (3, 9)",
    ),
    Tampering("a stranger who may see", "journal_viewers", "INSERT INTO journal_viewers VALUES ('cus_eve', 3)"),
    Tampering("what transfers tell already", "journal_viewers", "INSERT INTO journal_viewers VALUES ('cus_alice', 2)"),
    Tampering("an owner who may not see", "journal_viewers", "DELETE FROM journal_viewers WHERE seq = 8"),
    Tampering("the head's time", "journal row 9", "UPDATE journal_head SET at = at + interval '10 years'"),
]

TAMPERINGS = {
    "journal": OF_THE_JOURNAL,
    "transfers": OF_TRANSFERS,
    "balances and holds": OF_BALANCES,
    "rows and vault": OF_ROWS,
    "answers and viewers": OF_ANSWERS,
}
