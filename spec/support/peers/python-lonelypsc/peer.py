"""Does with lonelypsc what a spec asks for; `worker.py` reads and answers."""

import argparse
import asyncio

import notifying
import subscribing
from client import Client
from worker import serve


async def open_client(client, request, tell):
    await client.open()


async def events(client, request, tell):
    return client.events


WORK = {
    "open": open_client,
    "events": events,
    "subscribe": subscribing.subscribe,
    "take": subscribing.take,
    "receiving": subscribing.receiving,
    "unsubscribe": subscribing.unsubscribe,
    "notify": notifying.notify,
}

parser = argparse.ArgumentParser()
parser.add_argument("--transport", choices=["http", "websocket"], required=True)
parser.add_argument("--urls", required=True, help="of the broadcasters, with commas between them")
parser.add_argument("--secrets", required=True, help="the path of subscriber-secrets.json")
parser.add_argument("--port", type=int, help="where to listen, over HTTP")
parser.add_argument("--path", default="", help="what comes before /v1/receive, and a fragment, over HTTP")
parser.add_argument("--resubscribe", type=float, default=300.0, help="seconds, over HTTP")
parser.add_argument("--frame", type=int, default=16 << 20, help="bytes, over a websocket")
parser.add_argument("--expanded", type=int, default=0)
parser.add_argument("--zstd", type=int, default=1)


async def main():
    client = Client(vars(parser.parse_args()))
    await serve(WORK, client, client.close)


asyncio.run(main())
