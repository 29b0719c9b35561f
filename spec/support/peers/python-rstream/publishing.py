"""What the peer publishes: single messages, and batches as sub-entries."""

import asyncio

from rstream import CompressionType, Producer

from closing import close_later
from values import from_json, message_from_json

# rstream does not split what is given to send_batch by the size of a frame.
BATCH = 100


class Confirmations:
    """Counts what the broker has confirmed. rstream calls it once for each publishing id."""

    def __init__(self, expected):
        self.missing = expected
        self.done = asyncio.get_running_loop().create_future()

    def __call__(self, status):
        self.missing -= 1
        if self.done.done():
            return
        if not status.is_confirmed:
            error = f"message {status.message_id} was refused with code {status.response_code}"
            self.done.set_exception(RuntimeError(error))
        elif self.missing == 0:
            self.done.set_result(None)


def filter_by(name):
    """Takes the filter value from an application property. Messages without it make rstream break the connection."""

    async def extract(message):
        return message.application_properties[name]

    return extract


async def publish(connection, request, _):
    """Publishes `messages` in order, and returns when all are confirmed."""
    messages = [message_from_json(message) for message in request["messages"]]
    filter_property = request.get("filter")
    producer = Producer(**connection, filter_value_extractor=filter_by(filter_property) if filter_property else None)
    try:
        await producer.start()
        confirmations = Confirmations(len(messages))
        for begin in range(0, len(messages), BATCH):
            await producer.send_batch(
                request["stream"],
                messages[begin : begin + BATCH],
                publisher_name=request.get("name"),
                on_publish_confirm=confirmations,
            )
        await confirmations.done
        return len(messages)
    finally:
        close_later(producer)


async def publish_sub_entries(connection, request, _):
    """Publishes each of `batches` as one sub-entry, and returns when all are confirmed."""
    producer = Producer(**connection)
    try:
        await producer.start()
        confirmations = Confirmations(len(request["batches"]))
        for batch in request["batches"]:
            await producer.send_sub_entry(
                request["stream"],
                [message_from_json(message) for message in batch["messages"]],
                compression_type=CompressionType[batch["compression"]],
                on_publish_confirm=confirmations,
            )
        await confirmations.done
        return len(request["batches"])
    finally:
        close_later(producer)
