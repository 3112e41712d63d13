"""The official ISO 20022 schemas, as published. See SOURCE.md."""
