"""Every endpoint that there is. Where paths overlap the first one counts."""

from api.operator import reversals, watch
from api.routes import Route
from api.v1 import (
    addresses,
    api_keys,
    balances,
    customers,
    deposits,
    events,
    exports,
    health,
    holds,
    networks,
    node,
    payment_batches,
    payments,
    problems,
    receipts,
    settlements,
    transfers,
    withdrawals,
)

ROUTES: tuple[Route, ...] = (
    *health.ROUTES,
    *node.ROUTES,
    *customers.ROUTES,
    *api_keys.ROUTES,
    *balances.ROUTES,
    *transfers.ROUTES,
    *exports.ROUTES,
    *addresses.ROUTES,
    *deposits.ROUTES,
    *holds.ROUTES,
    *payment_batches.ROUTES,
    *payments.ROUTES,
    *settlements.ROUTES,
    *withdrawals.ROUTES,
    *receipts.ROUTES,
    *events.ROUTES,
    *networks.ROUTES,
    *watch.ROUTES,
    *reversals.ROUTES,
    *problems.ROUTES,
)
