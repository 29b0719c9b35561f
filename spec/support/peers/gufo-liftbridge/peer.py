"""Does with gufo-liftbridge what a spec asks for; `worker.py` reads and answers."""

import argparse
import asyncio
from contextlib import aclosing

from gufo.liftbridge.client import LiftbridgeClient
from gufo.liftbridge.types import AckPolicy, StartPosition
from worker import serve


def client_of(connection):
    return LiftbridgeClient(connection["urls"].split(","))


def parts_of(message):
    """A message in the words of the client."""
    key, headers = message.get("key"), message.get("headers") or {}
    return {
        "value": bytes.fromhex(message["value"]),
        "key": None if key is None else bytes.fromhex(key),
        "headers": {name: bytes.fromhex(value) for name, value in headers.items()},
    }


async def create_stream(connection, request, tell):
    async with client_of(connection) as client:
        await client.create_stream(
            request["stream"],
            subject=request["subject"],
            partitions=request["partitions"],
            replication_factor=request["replicas"],
            wait_for_stream=True,
        )


async def publish(connection, request, tell):
    """One after the other, each when the one before has been answered."""
    where = {"stream": request["stream"], "partition": request["partition"], "ack_policy": AckPolicy[request["ack"]]}
    async with client_of(connection) as client:
        for message in request["messages"]:
            await client.publish(**where, **parts_of(message))


async def publish_bulk(connection, request, tell):
    """All at once. Gives the offsets by the messages' order."""
    where = {"stream": request["stream"], "partition": request["partition"], "ack_policy": AckPolicy[request["ack"]]}
    offsets = {}
    async with client_of(connection) as client:
        requests = [
            client.get_publish_request(**where, **parts_of(message), correlation_id=str(index))
            for index, message in enumerate(request["messages"])
        ]
        async for answer in client.publish_bulk(requests):
            if answer.HasField("asyncError"):
                raise RuntimeError(answer.asyncError.message)
            offsets[int(answer.correlationId)] = str(answer.ack.offset)
    return [offsets.get(index) for index in range(len(requests))]


async def subscribe(connection, request, tell):
    """Tells message by message and ends after `count` of them. The client has no word for a subscription that is there."""
    start, missing = request["start"], request["count"]
    options = (
        {"start_position": StartPosition.OFFSET, "start_offset": start}
        if isinstance(start, int)
        else {"start_position": StartPosition[start]}
    )
    async with client_of(connection) as client:
        async with aclosing(client.subscribe(request["stream"], partition=request["partition"], **options)) as messages:
            async for message in messages:
                tell(
                    {
                        "offset": str(message.offset),
                        "timestamp": str(message.timestamp),
                        "subject": message.subject,
                        "partition": message.partition,
                        "key": message.key.hex(),
                        "value": message.value.hex(),
                        "headers": {name: value.hex() for name, value in message.headers.items()},
                    }
                )
                missing -= 1
                if missing == 0:
                    break


WORK = {"create_stream": create_stream, "publish": publish, "publish_bulk": publish_bulk, "subscribe": subscribe}

parser = argparse.ArgumentParser()
parser.add_argument("--urls", required=True)
asyncio.run(serve(WORK, vars(parser.parse_args())))
