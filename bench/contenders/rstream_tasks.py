"""Publishes or reads messages with rstream, as the other contenders do, and prints what it took."""

import argparse
import asyncio

from measured import Measured
from rstream import AMQPMessage, Consumer, ConsumerOffsetSpecification, OffsetType, Producer, amqp_decoder

BATCH = 500


class Confirms:
    """Counts what the broker has confirmed; rstream calls it once for each message."""

    def __init__(self, messages):
        self.messages = messages
        self.confirmed = 0
        self.done = asyncio.get_running_loop().create_future()
        self.room = asyncio.Event()

    def __call__(self, status):
        self.confirmed += 1
        self.room.set()
        if self.done.done():
            return
        if not status.is_confirmed:
            self.done.set_exception(RuntimeError(f"a message was refused with {status.response_code}"))
        elif self.confirmed == self.messages:
            self.done.set_result(None)


async def publish(connection, arguments):
    body = b"a" * arguments.size
    producer = Producer(**connection)
    await producer.start()
    confirms = Confirms(arguments.messages)
    with Measured() as measured:
        sent = 0
        while sent < arguments.messages:
            count = min(BATCH, arguments.messages - sent)
            # rstream writes the publishing id into each message
            batch = [AMQPMessage(body=body) for _ in range(count)]
            await producer.send_batch(arguments.stream, batch, on_publish_confirm=confirms)
            sent += count
            while sent - confirms.confirmed > arguments.window - BATCH and not confirms.done.done():
                confirms.room.clear()
                await confirms.room.wait()
        await confirms.done
    await producer.close()
    return measured


async def replay(connection, arguments):
    consumer = Consumer(**connection)
    await consumer.start()
    done = asyncio.get_running_loop().create_future()
    seen = 0
    length = 0

    def on_message(message, _):
        nonlocal seen, length
        if seen == arguments.messages:
            return
        seen += 1
        length += len(message.body)
        if seen == arguments.messages:
            done.set_result(None)

    with Measured() as measured:
        first = ConsumerOffsetSpecification(OffsetType.FIRST)
        await consumer.subscribe(arguments.stream, on_message, decoder=amqp_decoder, offset_specification=first)
        await done
    await consumer.close()
    if length != arguments.messages * arguments.size:
        raise RuntimeError(f"{length} bytes came in {arguments.messages} messages of {arguments.size}")
    return measured


async def main(arguments):
    names = ("host", "port", "username", "password", "vhost")
    connection = {name: getattr(arguments, name) for name in names}
    print((await {"publish": publish, "replay": replay}[arguments.task](connection, arguments)).as_json())


parser = argparse.ArgumentParser()
parser.add_argument("task", choices=["publish", "replay"])
for name in ("host", "username", "password", "vhost", "stream"):
    parser.add_argument(f"--{name}", required=True)
for name in ("port", "messages", "size", "window"):
    parser.add_argument(f"--{name}", type=int, required=True)
asyncio.run(main(parser.parse_args()))
