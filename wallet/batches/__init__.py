"""Batches: many things asked for in one request, each accepted or refused on its own.

claim    the batch's key is on record before its first item is decided
commit   all items together through the Journal, decided again where something changed meanwhile
"""
