"""What keeps a customer's money from leaving by somebody else's will, or too fast.

The node's floor holds for everybody (`floor`). A customer's own rules add to it and never take away. Saved destinations
(`wallet.destinations`) and limits (`wallet.limits`) are judged against both.
"""
