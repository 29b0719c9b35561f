"""Prints `ready`, then `SEQUENCE HEX REDELIVERED` per message; ends after --count of them, closing its session."""

import argparse
import asyncio

from session import add_connection, die, say, session


def start_options(start):
    """The start position in the words of the client."""
    if start.isdecimal():
        return {"start_at": "sequence", "sequence": int(start)}
    return {"start_at": {"first": "first", "last": "last_received", "new": "new_only"}[start]}


async def main(arguments):
    done = asyncio.get_running_loop().create_future()
    seen = 0

    async with session(arguments) as stan:

        async def on_message(message):
            # What comes beyond the count is left unacknowledged, for whoever subscribes next.
            nonlocal seen
            if seen == arguments.count:
                return
            seen += 1
            say(message.proto.sequence, message.proto.data.hex() or "-", int(message.proto.redelivered))
            if arguments.acks == "each":
                await stan.ack(message)
            if seen == arguments.count:
                done.set_result(None)

        async def on_error(error):
            if not done.done():
                done.set_exception(error)

        subscription = await stan.subscribe(
            arguments.channel,
            cb=on_message,
            error_cb=on_error,
            manual_acks=True,
            durable_name=arguments.durable,
            queue=arguments.queue,
            max_inflight=arguments.max_in_flight,
            ack_wait=arguments.ack_wait,
            **start_options(arguments.start),
        )
        say("ready")
        await asyncio.wait_for(done, arguments.timeout)
        if arguments.forget:
            await subscription.unsubscribe()
        else:
            await subscription.close()


parser = argparse.ArgumentParser()
add_connection(parser)
parser.add_argument("--start", default="new", help="first, last, new, or a sequence")
parser.add_argument("--durable")
parser.add_argument("--queue")
parser.add_argument("--count", type=int, required=True)
parser.add_argument("--acks", choices=["each", "none"], default="each")
parser.add_argument("--max-in-flight", type=int, default=1024)
parser.add_argument("--ack-wait", type=int, default=30, help="seconds")
parser.add_argument("--forget", action="store_true", help="unsubscribe at the end, which removes a durable")
try:
    asyncio.run(main(parser.parse_args()))
except Exception as error:
    die(error)
