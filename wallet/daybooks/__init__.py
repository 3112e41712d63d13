"""Daybooks: what happened to a platform's accounts and its customers' on one day of UTC; a file that never changes.

open     the figures at both ends of the day, and the tag that names its content
posted   what happened between them, which must lead from one to the other to the last unit
files    as CSV and as newline-delimited JSON
"""
