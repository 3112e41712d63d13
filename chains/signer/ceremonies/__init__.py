"""The seed before witnesses: `ceremony` (make, back up, restore), `talk` (the terminal, where alone words are shown), `log`
(what was done, when, before whom)."""
