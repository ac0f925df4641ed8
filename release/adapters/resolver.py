"""Looks up many host names at once, as a fleet with a host name for each tenant needs.

This module must not remember what it looked up; the connector does, for a short while.
"""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from aiohttp.abc import AbstractResolver, ResolveResult

__all__ = ["WideResolver"]


class WideResolver(AbstractResolver):
    """Asks the system's resolver on threads of its own.

    The event loop's shared threads are six on two cores: ten thousand names at 20 ms each would
    take half a minute there, and the tenants would look unreachable.
    """

    def __init__(self, lookups_max: int) -> None:
        self._threads = ThreadPoolExecutor(lookups_max, thread_name_prefix="resolver")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Lists the addresses of a host; raises OSError when it has none."""
        look_up = partial(socket.getaddrinfo, host, port, family, socket.SOCK_STREAM)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, look_up)
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=int(address[1]),
                family=kind,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        """Lets go of the threads, without waiting for a name server that does not answer."""
        self._threads.shutdown(wait=False, cancel_futures=True)
