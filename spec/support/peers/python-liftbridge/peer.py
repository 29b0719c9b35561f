"""Does with python-liftbridge what a spec asks for; `worker.py` reads and answers."""

import argparse
import asyncio
from contextlib import contextmanager

from python_liftbridge import Lift, Message, Stream
from worker import serve

_open = set()


@contextmanager
def lift_to(connection):
    try:
        lift = Lift(ip_address=connection["url"], timeout=10, tls_cert=connection["ca"])
    except SystemExit as error:
        # The client takes a server out of reach for the end of the program.
        raise ConnectionError(error) from None
    _open.add(lift)
    try:
        yield lift
    except IndexError as error:
        # The client would print what it has no exception for, but its format has too few arguments.
        cause = error.__context__
        raise RuntimeError(f"{cause.code().name}: {cause.details()}") from None
    finally:
        _open.discard(lift)
        lift.close()


async def close_all():
    for lift in list(_open):
        lift.close()


def create_stream(connection, request, tell):
    with lift_to(connection) as lift:
        lift.create_stream(Stream(request["subject"], request["stream"], replication_factor=request["replicas"]))


def publish(connection, request, tell):
    """In order. The client sets no deadline, so that the server answers before it has stored anything."""
    with lift_to(connection) as lift:
        for message in request["messages"]:
            lift.publish(Message(message["value"], stream=request["stream"], key=message.get("key")).ack_policy_leader())


def subscribe(connection, request, tell):
    """Tells that it is ready, then message by message, and ends after `count` of them."""
    stream, start, missing = Stream("", request["stream"]), request["start"], request["count"]
    if isinstance(start, int):
        stream.start_at_offset(start)
    elif start == "earliest":
        stream.start_at_earliest_received()
    with lift_to(connection) as lift:
        messages = lift.subscribe(stream)
        # The client hands on the empty message that says that the subscription is there.
        next(messages)
        tell({"ready": True})
        while missing > 0:
            message = next(messages)
            tell(
                {
                    "offset": str(message.offset),
                    "timestamp": str(message.timestamp),
                    # The client has it there.
                    "subject": message.stream,
                    "key": message.key.hex(),
                    "value": message.value.hex(),
                }
            )
            missing -= 1
        messages.close()


WORK = {"create_stream": create_stream, "publish": publish, "subscribe": subscribe}

parser = argparse.ArgumentParser()
parser.add_argument("--url", required=True)
parser.add_argument("--ca")
asyncio.run(serve(WORK, vars(parser.parse_args()), close_all))
