"""The house style, kept by a machine: sizes, names, exact money, one committer. Fast, and without any server.

Each rule is a function from one source file to its violations; beside the test that holds the whole project to a rule
stands one that shows the rule bite.
"""
