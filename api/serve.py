"""Serving the application with the limits that it relies on."""

import asyncio

from aiohttp import web

HEADER_BYTES_MAX = 8_190  # also the request line; an API key and a cursor take 500
KEEPALIVE_S = 30
SHUTDOWN_S = 10  # for answers under way; streams end at once


async def start_server(app: web.Application, host: str, port: int) -> web.AppRunner:
    """Listens when it returns; `await runner.cleanup()` stops. Raises `OSError` if the address cannot be had.

    Bodies are not decompressed (a small one could become a large one), and a client that goes away cancels nothing.
    """
    runner = web.AppRunner(
        app,
        access_log=None,
        auto_decompress=False,
        handler_cancellation=False,
        keepalive_timeout=KEEPALIVE_S,
        max_line_size=HEADER_BYTES_MAX,
        max_field_size=HEADER_BYTES_MAX,
        shutdown_timeout=SHUTDOWN_S,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError:
        await asyncio.shield(runner.cleanup())
        raise
    return runner
