"""What both peers share: the connection, and the lines they talk in."""

import sys
from contextlib import asynccontextmanager

from nats.aio.client import Client as Nats
from stan.aio.client import Client as Stan


@asynccontextmanager
async def session(arguments):
    """A NATS Streaming session over a NATS connection of its own; closed in order at the end."""
    timeout = min(arguments.timeout, 10)
    nats = Nats()
    await nats.connect(arguments.url, connect_timeout=timeout, allow_reconnect=False)
    stan = Stan()
    try:
        await stan.connect(arguments.cluster, arguments.client, nats=nats, connect_timeout=timeout)
        try:
            yield stan
        finally:
            await stan.close()
    finally:
        await nats.close()


def add_connection(parser):
    """The arguments that both peers need."""
    parser.add_argument("--url", required=True)
    parser.add_argument("--cluster", required=True)
    parser.add_argument("--client", required=True)
    parser.add_argument("--channel", required=True)
    parser.add_argument("--timeout", type=float, default=30, help="seconds for the whole work")


def say(*words):
    """One line of output, at once."""
    print(*words, flush=True)


def die(error):
    """Ends with the error on standard error."""
    sys.exit(f"{type(error).__name__}: {error}")
