"""Subscriptions, and the messages that they have collected until somebody takes them."""

import asyncio
import hashlib

# A longer message is told by its length and hash alone.
KEPT = 1 << 20


class Subscription:
    def __init__(self, client, request):
        self.received = asyncio.Queue()
        self.receiving = 0
        self._timeout = request["timeout"]
        self._raw = client.raw.subscribe(
            exact=[bytes.fromhex(topic) for topic in request["exact"]],
            glob=request["glob"],
            on_receiving=self._on_receiving,
        )

    async def start(self):
        await self._raw.__aenter__()
        timeout = self._timeout
        messages = await (self._raw.messages() if timeout is None else self._raw.with_timeout(timeout))
        self._task = asyncio.create_task(self._collect(messages))

    async def stop(self):
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._raw.__aexit__(None, None, None)

    async def _on_receiving(self):
        self.receiving += 1

    async def _collect(self, messages):
        try:
            async for message in messages:
                self.received.put_nowait(None if message is None else _told(message))
        except Exception as error:
            self.received.put_nowait({"error": f"{type(error).__name__}: {error}"})


def _told(message):
    """The length and hash of what there is, and the hash that was announced."""
    hashed, length, kept = hashlib.sha512(), 0, b""
    while part := message.data.read(1 << 16):
        hashed.update(part)
        length += len(part)
        kept = kept + part if length <= KEPT else None
    return {
        "topic": message.topic.hex(),
        "announced": message.sha512.hex(),
        "sha512": hashed.hexdigest(),
        "length": length,
        "value": None if kept is None else kept.hex(),
    }


async def subscribe(client, request, tell):
    """Resolves when the broadcaster has confirmed it."""
    subscription = Subscription(client, request)
    client.subscriptions[request["id"]] = subscription
    await subscription.start()
    await client.settled()
    return request["id"]


async def take(client, request, tell):
    """Waits for so many messages and gives them, without those that were taken before."""
    received = client.subscriptions[request["subscription"]].received
    return [await received.get() for _ in range(request["count"])]


async def receiving(client, request, tell):
    """How often messages began to flow without a gap."""
    return client.subscriptions[request["subscription"]].receiving


async def unsubscribe(client, request, tell):
    await client.subscriptions.pop(request["subscription"]).stop()
    await client.settled()
