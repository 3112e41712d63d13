"""What a command may end with in one line, because its message already says what to do."""

import asyncpg

from chains.signer.people.signed_policy import PolicyRefused
from chains.signer.settings import SettingsRefused
from node.commands.archive import ArchiveRefused
from node.commands.backup import BackupRefused
from node.config import ConfigRefused
from node.database import DatabaseUnavailable, RolesUnavailable, UnsafeDatabase
from node.demo.client import ApiRefused
from node.demo.tour import TourFailed
from node.devnet.debian import ProgramUnavailable
from node.migrations.apply import SchemaTooNew
from node.processes import ChildEnded, NotReady
from node.seal_apart import SealingEnded
from wallet.errors import JournalUnavailable, OutcomeUnknown, Refusal
from wallet.journal.find_receipt import BatchBroken
from wallet.journal.receipts import ReceiptRefused
from wallet.ports import NetworkError, SignerUnavailable
from wallet.proofs.verify import BooksBroken
from wallet.proofs.witness import WitnessContradicted
from wallet.vault.items import VaultError

EXPECTED = (
    ApiRefused,
    ArchiveRefused,
    BackupRefused,
    BatchBroken,
    BooksBroken,
    ChildEnded,
    ConfigRefused,
    DatabaseUnavailable,
    JournalUnavailable,
    NetworkError,
    NotReady,
    OSError,
    OutcomeUnknown,
    PolicyRefused,
    ProgramUnavailable,
    ReceiptRefused,
    Refusal,
    RolesUnavailable,
    SchemaTooNew,
    SealingEnded,
    SettingsRefused,
    SignerUnavailable,
    TourFailed,
    UnsafeDatabase,
    VaultError,
    WitnessContradicted,
    asyncpg.PostgresError,
)
