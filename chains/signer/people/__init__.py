"""What people decide at the signer, by signatures of their own: `operators` (who is enrolled), `acts` (what exactly they
sign), `desk` (stop, resume, name successors), `signed_policy` (the limits in force)."""
