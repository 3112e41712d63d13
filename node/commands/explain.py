"""`coffer explain`: what stands behind any object, for operators."""

import json

from wallet.context import Context
from wallet.customers.create import find_customer
from wallet.explain.explain import explain_customer, explain_object
from wallet.explain.viewer import OPERATOR


async def explain(context: Context, name: str, *, as_json: bool) -> int:
    """Raises `NotFound`."""
    if name.startswith(("cus_", "@")):
        found = await explain_customer(context, (await find_customer(context, name))["id"], OPERATOR)
    else:
        found = await explain_object(context, name, OPERATOR)
    if as_json:
        print(json.dumps(found))  # noqa: T201 (a command's result)
        return 0
    print(f"{found['noun']} {found['id']}")  # noqa: T201
    for line in found["words"]:
        print(f"  {line}")  # noqa: T201
    for other in found["related"]:
        print(f"  See also: coffer explain {other}")  # noqa: T201
    return 0
