"""Exports: transfers as files, in one order, however many there are. What they are read by is in `wallet/movements`.

    transfers   the columns of transfer files
    files       rows as CSV (RFC 4180, harmless in a spreadsheet) and as newline-delimited JSON
    hledger     the whole books as an hledger journal

What this prevents: a file that grows in memory with the books; a file whose beginning and end are of different moments
(the end is a row of the journal, chosen first, and rows never change); a snapshot held open for as long as a slow reader
takes; and rows ordered by a clock: the order is the journal's sequence, which no clock can turn back.
"""
