"""Notifies a topic that it is subscribed to with lonelypsc, as the other contender does, and prints what it took."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from measured import Measured

sys.path.append(str(Path(__file__).parents[2] / "spec" / "support" / "peers" / "python-lonelypsc"))

from client import Client  # noqa: E402


async def notify_and_receive(client, arguments):
    topic = arguments.stream.encode()
    body = b"a" * arguments.size
    left = iter(range(arguments.messages))
    async with client.raw.subscribe_exact(topic) as subscription:
        messages = await subscription.messages()
        await client.settled()

        async def sender():
            for _ in left:
                await client.raw.notify(topic=topic, data=body, trace_initializer=None)

        async def receiver():
            seen = 0
            length = 0
            async for message in messages:
                length += len(message.data.read())
                seen += 1
                if seen == arguments.messages:
                    break
            if length != arguments.messages * arguments.size:
                raise RuntimeError(f"{length} bytes came in {seen} messages of {arguments.size}")

        with Measured() as measured:
            await asyncio.gather(receiver(), *(sender() for _ in range(arguments.window)))
        return measured


async def main(arguments):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as secrets:
        secrets.write('{"version": "2"}')
        secrets.flush()
        client = Client(
            {
                "transport": arguments.transport,
                "urls": arguments.url,
                "secrets": secrets.name,
                "port": arguments.listen,
                "path": "",
                "resubscribe": 300.0,
                "frame": 16 << 20,
                "expanded": 0,
                "zstd": 0,
            }
        )
        try:
            await client.open()
            measured = await notify_and_receive(client, arguments)
        finally:
            await client.close()
    print(measured.as_json())


parser = argparse.ArgumentParser()
parser.add_argument("transport", choices=["http", "websocket"])
for name in ("url", "stream"):
    parser.add_argument(f"--{name}", required=True)
for name in ("listen", "messages", "size", "window"):
    parser.add_argument(f"--{name}", type=int, required=True)
asyncio.run(main(parser.parse_args()))
