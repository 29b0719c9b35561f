"""A client of lonelypsc, over HTTP or over a websocket, and what becomes of its connection."""

import asyncio
from contextlib import AsyncExitStack

from lonelypsc.client import PubSubClientConnectionStatus
from lonelypsc.config.file_config import get_auth_config_from_file
from lonelypsc.config.http_config import make_http_pub_sub_config
from lonelypsc.config.ws_config import make_websocket_pub_sub_config
from lonelypsc.http_client import HttpPubSubClient
from lonelypsc.ws_client import WebsocketPubSubClient
from lonelypsp.auth.config import AuthConfigFromParts
from lonelypsp.tracing.impl.simple.config import SimpleTracingConfig
from lonelypsp.tracing.impl.simple.db import SimpleTracingDBSidecar
from lonelypsp.tracing.impl.simple.root import SimpleTracingSubscriberRoot

HOST = "127.0.0.1"


class Client:
    """What the requests of a spec share."""

    def __init__(self, connection):
        self.connection = connection
        self.events = []
        self.subscriptions = {}
        self._stack = AsyncExitStack()

    async def open(self):
        """Connects, and resolves when it is able to receive."""
        to_subscriber, to_broadcaster = get_auth_config_from_file(self.connection["secrets"])
        auth = AuthConfigFromParts(to_subscriber=to_subscriber, to_broadcaster=to_broadcaster)
        broadcasters = [{"host": url} for url in self.connection["urls"].split(",")]
        if self.connection["transport"] == "websocket":
            client = WebsocketPubSubClient(self._over_websocket(auth, broadcasters))
        else:
            client = HttpPubSubClient(await self._over_http(auth, broadcasters))
        self.raw = await self._stack.enter_async_context(client)
        await client.direct_register_status_handler(receiver=self)
        if self.connection["transport"] == "http":
            await _until_listening(self.connection["port"])
        await self.settled()

    async def settled(self):
        """Resolves when what was subscribed is confirmed."""
        while self.raw.receiver.connection_status is not PubSubClientConnectionStatus.OK:
            if self.raw.receiver.connection_status is PubSubClientConnectionStatus.ABANDONED:
                raise RuntimeError("the client has given up its connection")
            await asyncio.sleep(0.005)

    async def close(self):
        await self._stack.aclose()

    async def on_connection_lost(self):
        self.events.append("lost")

    async def on_connection_established(self):
        self.events.append("established")

    async def on_connection_abandoned(self):
        self.events.append("abandoned")

    async def _over_http(self, auth, broadcasters):
        port, tracing = self.connection["port"], SimpleTracingConfig()
        database = await self._stack.enter_async_context(SimpleTracingDBSidecar(config=tracing, database=":memory:"))
        return make_http_pub_sub_config(
            bind={"type": "uvicorn", "host": HOST, "port": port},
            host=f"http://{HOST}:{port}{self.connection['path']}",
            broadcasters=broadcasters,
            outgoing_retries_per_broadcaster=2,
            message_body_spool_size=10 << 20,
            outgoing_http_timeout_total=30.0,
            outgoing_http_timeout_connect=None,
            outgoing_http_timeout_sock_read=None,
            outgoing_http_timeout_sock_connect=5.0,
            outgoing_retry_ambiguous=True,
            resubscribe_interval=self.connection["resubscribe"],
            auth=auth,
            tracing=SimpleTracingSubscriberRoot(db=database, config=tracing).stateless,
        )

    def _over_websocket(self, auth, broadcasters):
        return make_websocket_pub_sub_config(
            broadcasters=broadcasters,
            outgoing_initial_connect_retries=5,
            outgoing_min_reconnect_interval=1.0,
            max_websocket_message_size=self.connection["frame"],
            websocket_open_timeout=5.0,
            websocket_close_timeout=5.0,
            websocket_heartbeat_interval=10.0,
            websocket_minimal_headers=not self.connection["expanded"],
            max_sent_notifications=None,
            max_unsent_notifications=None,
            max_expected_acks=None,
            max_received=None,
            max_unsent_acks=None,
            allow_compression=self.connection["zstd"],
            compression_dictionary_by_id={},
            initial_compression_dict_id=None,
            allow_training_compression=self.connection["zstd"],
            decompression_max_window_size=0,
            auth=auth,
        )


async def _until_listening(port):
    """The client says that it is ready before it listens."""
    for _ in range(1_000):
        try:
            _, writer = await asyncio.open_connection(HOST, port)
        except OSError:
            await asyncio.sleep(0.005)
            continue
        writer.close()
        await writer.wait_closed()
        return
    raise RuntimeError(f"the client does not listen on port {port}")
