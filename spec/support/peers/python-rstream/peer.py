"""Does with rstream what a spec asks for; `worker.py` reads and answers."""

import argparse
import asyncio

import consuming
import publishing
from closing import all_closed
from worker import serve

WORK = {
    "publish": publishing.publish,
    "publish_sub_entries": publishing.publish_sub_entries,
    "consume": consuming.consume,
    "store_offset": consuming.store_offset,
    "query_offset": consuming.query_offset,
}

parser = argparse.ArgumentParser()
parser.add_argument("--host", required=True)
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--username", required=True)
parser.add_argument("--password", required=True)
parser.add_argument("--vhost", required=True)
asyncio.run(serve(WORK, vars(parser.parse_args()), all_closed))
