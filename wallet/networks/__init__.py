"""Networks as the books know them: which chain or bank account it is, which assets it carries, since which block."""
