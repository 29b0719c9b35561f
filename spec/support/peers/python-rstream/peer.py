"""
Does what each line of standard input asks for, a JSON object with `id` and `do`, several at once. Answers in lines with the
same id: what there is to `tell`, and at last a `result` or an `error`. Ends when standard input does.
"""

import argparse
import asyncio
import json
import sys

import consuming
import publishing
from closing import all_closed

# Longer than any line that a spec sends.
LINE = 64 << 20

WORK = {
    "publish": publishing.publish,
    "publish_sub_entries": publishing.publish_sub_entries,
    "consume": consuming.consume,
    "store_offset": consuming.store_offset,
    "query_offset": consuming.query_offset,
}


def say(line):
    print(json.dumps(line), flush=True)


async def serve(connection, request):
    id_ = request["id"]

    def tell(line):
        say({"id": id_, "tell": line})

    try:
        say({"id": id_, "result": await WORK[request["do"]](connection, request, tell)})
    except Exception as error:
        say({"id": id_, "error": f"{type(error).__name__}: {error}"})


async def main(arguments):
    connection = {
        "host": arguments.host,
        "port": arguments.port,
        "username": arguments.username,
        "password": arguments.password,
        "vhost": arguments.vhost,
    }
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=LINE)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    tasks = set()
    while line := await reader.readline():
        task = asyncio.create_task(serve(connection, json.loads(line)))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await all_closed()


parser = argparse.ArgumentParser()
parser.add_argument("--host", required=True)
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--username", required=True)
parser.add_argument("--password", required=True)
parser.add_argument("--vhost", required=True)
asyncio.run(main(parser.parse_args()))
