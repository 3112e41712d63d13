"""The signer behind its socket: `wire` (the words on it), `server` (who may ask), `answers` (what each question gets)."""
