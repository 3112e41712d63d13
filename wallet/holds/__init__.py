"""Holds that a platform places on the money of its customers: for an order, until it is filled or given up.

    placed ──▶ settled     in parts or whole, by settlements (`wallet.settlements`)
       ├─────▶ voided      the platform gives up what is left
       └─────▶ expired     its time is over, and the node gives back what is left

states    the states, and how a hold is shown
place     promise money of a customer
release   give back what is left of it
"""
