"""Publishes each line of standard input, in hex, in order, and prints `acked INDEX` as each ack comes."""

import argparse
import asyncio
import sys

from session import add_connection, die, say, session


async def main(arguments):
    messages = [bytes.fromhex(line) for line in sys.stdin.read().split("\n")[:-1]]
    async with session(arguments) as stan:
        done = asyncio.get_running_loop().create_future()
        missing = len(messages)

        def handler(index):
            async def on_ack(ack):
                nonlocal missing
                missing -= 1
                if ack.error and not done.done():
                    done.set_exception(RuntimeError(f"message {index}: {ack.error}"))
                say("acked", index)
                if missing == 0 and not done.done():
                    done.set_result(None)

            return on_ack

        for index, message in enumerate(messages):
            await stan.publish(arguments.channel, message, ack_handler=handler(index))
        if messages:
            await asyncio.wait_for(done, arguments.timeout)


parser = argparse.ArgumentParser()
add_connection(parser)
try:
    asyncio.run(main(parser.parse_args()))
except Exception as error:
    die(error)
