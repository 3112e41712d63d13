"""What the commands of `coffer` do; `node/__main__.py` and `node/groups` have their names, arguments and help.

What a group's commands do lies under the group's own name (`deposits` here for `groups/deposits`), unless it is one line. What
is larger, or no group's, has its own verb or noun: `verify`, `backup`, `ceremony`. `acting` is who acts.
"""
