"""Who may: operators, and API keys with scopes. A key's secret is shown once and stored as a hash."""
