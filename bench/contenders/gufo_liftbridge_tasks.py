"""Publishes or reads messages with gufo-liftbridge, as the other contenders do, and prints what it took."""

import argparse
import asyncio

from gufo.liftbridge.client import LiftbridgeClient
from gufo.liftbridge.types import StartPosition
from measured import Measured


async def publish(client, arguments):
    body = b"a" * arguments.size
    acked = 0
    room = asyncio.Event()

    async def requests():
        for sent in range(arguments.messages):
            while sent - acked >= arguments.window:
                room.clear()
                await room.wait()
            yield client.get_publish_request(body, stream=arguments.stream, correlation_id=str(sent))
        # the end of the requests ends the call, and with it the acks
        while acked < arguments.messages:
            room.clear()
            await room.wait()

    # its own way to wait for acks takes no account of the window
    async for response in client.publish_bulk(requests(), wait=False):
        if response.HasField("asyncError"):
            raise RuntimeError(f"a message was refused: {response.asyncError.message}")
        acked += 1
        room.set()


async def replay(client, arguments):
    seen = 0
    length = 0
    async for message in client.subscribe(arguments.stream, start_position=StartPosition.EARLIEST):
        seen += 1
        length += len(message.value)
        if seen == arguments.messages:
            break
    if length != arguments.messages * arguments.size:
        raise RuntimeError(f"{length} bytes came in {arguments.messages} messages of {arguments.size}")


async def main(arguments):
    async with LiftbridgeClient([f"{arguments.host}:{arguments.port}"]) as client:
        # connects
        await client.get_metadata()
        with Measured() as measured:
            await {"publish": publish, "replay": replay}[arguments.task](client, arguments)
    print(measured.as_json())


parser = argparse.ArgumentParser()
parser.add_argument("task", choices=["publish", "replay"])
for name in ("host", "stream"):
    parser.add_argument(f"--{name}", required=True)
for name in ("port", "messages", "size", "window"):
    parser.add_argument(f"--{name}", type=int, required=True)
asyncio.run(main(parser.parse_args()))
