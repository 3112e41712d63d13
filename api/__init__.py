"""The API: REST over JSON, its own description, and one live page. It says who asks and what they mean; the core decides.

In reading order: `app` puts it together; `routes` is how an endpoint declares itself (an undeclared one stops the node
from starting); `dispatch` is what happens to every request before and after an endpoint; `auth`, `json_body`,
`idempotency`, `cursors` are its steps; `errors` the one table of codes and statuses; `answering` what every answer has;
`openapi` the description, made of the same declarations. Endpoints: `v1` (one resource a file), `operator`, `web`.
"""
