"""Nodes as processes of their own, for whatever stops, kills or doubles them.

client     one key's view of a node; it repeats itself until it is answered
process    a whole node on real networks
bank_only  the configuration of one bank account, of a node that is not started
pair       two nodes with the API on one database and one signer
"""
