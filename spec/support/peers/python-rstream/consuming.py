"""What the peer reads, and the offsets that it stores."""

import asyncio

from rstream import (
    Consumer,
    ConsumerOffsetSpecification,
    FilterConfiguration,
    OffsetNotFound,
    OffsetSpecification,
    OffsetType,
    amqp_decoder,
)

from closing import close_later
from values import message_to_json


def decoder(data):
    """rstream's own, but an error in it is told: the consumer would log it and drop the rest of the chunk."""
    try:
        return amqp_decoder(data)
    except Exception as error:
        return error


def start_of(start):
    """The position in rstream's words."""
    if isinstance(start, int):
        return ConsumerOffsetSpecification(OffsetType.OFFSET, start)
    return ConsumerOffsetSpecification({"first": OffsetType.FIRST, "next": OffsetType.NEXT}[start])


def post_filter(name, value):
    """Whether an application property has the value; rstream reads strings as bytes."""

    def is_wanted(message):
        return (message.application_properties or {}).get(name.encode()) == value.encode()

    return is_wanted


def filter_of(wanted):
    if wanted is None:
        return None
    name = wanted.get("property")
    return FilterConfiguration(
        wanted["values"],
        predicate=post_filter(name, wanted["values"][0]) if name else None,
        match_unfiltered=wanted.get("matchUnfiltered", False),
    )


async def resume(consumer, stream, name):
    """After the last stored offset; from the first record where nothing is stored."""
    try:
        return ConsumerOffsetSpecification(OffsetType.OFFSET, await consumer.query_offset(stream, name) + 1)
    except OffsetNotFound:
        return ConsumerOffsetSpecification(OffsetType.FIRST)


async def consume(connection, request, tell):
    """
    Tells `ready`, then each message with its offset, and ends after `count` of them. With `name` the offset of each is
    stored; with `resume` it starts behind the stored one; with `single` it is a member of the group of that name.
    """
    stream, name, count = request["stream"], request.get("name"), request["count"]
    done = asyncio.get_running_loop().create_future()
    seen = 0

    def lost(info):
        if not done.done():
            done.set_exception(RuntimeError(f"the connection was lost: {info.reason}"))

    consumer = Consumer(**connection, on_close_handler=lost)

    async def on_message(message, context):
        nonlocal seen
        if done.done():
            return
        seen += 1
        tell({"offset": str(context.offset), "message": message_to_json(message)})
        if name:
            await consumer.store_offset(stream=stream, subscriber_name=name, offset=context.offset)
        if seen == count and not done.done():
            done.set_result(None)

    async def on_update(active, _):
        tell({"active": active})
        begin = await resume(consumer, stream, name)
        return OffsetSpecification(begin.offset_type, begin.offset or 0)

    try:
        await consumer.start()
        begin = await resume(consumer, stream, name) if request.get("resume") else start_of(request["start"])
        single = {"single-active-consumer": "true", "name": name} if request.get("single") else None
        await consumer.subscribe(
            stream,
            on_message,
            decoder=decoder if request["amqp"] else None,
            offset_specification=begin,
            properties=single,
            subscriber_name=name,
            consumer_update_listener=on_update if single else None,
            filter_input=filter_of(request.get("filter")),
        )
        tell({"ready": True})
        await done
        if name:
            # Storing has no answer; the one to this says that it is through.
            await consumer.query_offset(stream=stream, subscriber_name=name)
        return seen
    finally:
        close_later(consumer)


async def store_offset(connection, request, _):
    consumer = Consumer(**connection)
    stream, name = request["stream"], request["name"]
    try:
        await consumer.start()
        await consumer.store_offset(stream=stream, subscriber_name=name, offset=int(request["offset"]))
        return str(await consumer.query_offset(stream=stream, subscriber_name=name))
    finally:
        close_later(consumer)


async def query_offset(connection, request, _):
    consumer = Consumer(**connection)
    try:
        await consumer.start()
        return str(await consumer.query_offset(stream=request["stream"], subscriber_name=request["name"]))
    except OffsetNotFound:
        return None
    finally:
        close_later(consumer)
