"""Assets as the books know them: listed once, paused when in doubt, resumed by a person."""
