"""Ask a network what a contract is, at a block that cannot be taken back."""

from collections.abc import Mapping

from wallet.context import Context
from wallet.errors import NotAllowed
from wallet.ports import Network, NetworkUnreachable
from wallet.ports.tokens import TokenFacts, Tokens


def tokens_of(context: Context, name: str) -> tuple[Network, Tokens]:
    """Raises `NotFound`, and `NotAllowed` for a network without contracts."""
    network = context.network(name)
    if not isinstance(network, Tokens):
        raise NotAllowed(f"{name} has no contracts: what it carries stands in the configuration")
    return network, network


async def final_facts(network: Network, tokens: Tokens, contract: str) -> TokenFacts:
    """Raises `NotAllowed` where there is no such contract, and the network's errors."""
    final = await network.final()
    if final is None:
        raise NetworkUnreachable(f"{network.id} has no final block yet")
    try:
        (facts,) = await tokens.token_facts([contract], final)
    except ValueError as malformed:
        raise NotAllowed(str(malformed)) from None
    return facts


def code_columns(facts: TokenFacts) -> dict[str, str | None]:
    """What a listing keeps of them."""
    return {
        "code_hash": facts.code_hash,
        "implementation": facts.implementation,
        "implementation_hash": facts.implementation_hash,
    }


def code_texts(facts: TokenFacts) -> Mapping[str, str]:
    """The same as an act spells it."""
    return {name: text or "" for name, text in code_columns(facts).items()}
