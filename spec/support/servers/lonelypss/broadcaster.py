"""
Runs a lonelypss broadcaster on loopback. Its one argument is a JSON file with `port`, `secrets` (a path), and whatever is not
to be as in `DEFAULTS`. The numbers are those that the package's own set-up writes.
"""

import json
import sys
from contextlib import asynccontextmanager

import uvicorn
from auth import auth_from
from fastapi import FastAPI
from globs import MatchingDatabase
from lonelypss.bknd.sweep_missed import sweep_missed
from lonelypss.config import config as parts
from lonelypss.config.lifespan import setup_config, teardown_config
from lonelypss.middleware.config import ConfigMiddleware
from lonelypss.middleware.ws_receiver import WSReceiverMiddleware
from lonelypss.router import router
from lonelypss.util.ws_receiver import SimpleFanoutWSReceiver
from starlette.middleware import Middleware

HOST = "127.0.0.1"
DEFAULTS = {
    "database": ":memory:",
    "zstd": True,
    "max_frame_bytes": 16 << 20,
    "sweep_interval": 10.0,
    "minimal_headers": True,
    "access_log": False,
    "self_url": None,
    "tls": None,
}


def config_of(settings):
    return parts.ConfigFromParts(
        auth=auth_from(settings["secrets"]),
        db=MatchingDatabase(settings["database"]),
        generic=parts.GenericConfigFromValues(
            message_body_spool_size=10 << 20,
            outgoing_http_timeout_total=30.0,
            outgoing_http_timeout_connect=None,
            outgoing_http_timeout_sock_read=5.0,
            outgoing_http_timeout_sock_connect=5.0,
            websocket_accept_timeout=2.0,
            websocket_max_pending_sends=255,
            websocket_max_unprocessed_receives=255,
            websocket_large_direct_send_timeout=0.3,
            websocket_send_max_unacknowledged=3,
            websocket_minimal_headers=settings["minimal_headers"],
            sweep_missed_interval=settings["sweep_interval"],
        ),
        missed=parts.MissedRetryStandard(
            expo_factor=1, expo_base=2, expo_max=10, max_retries=20, constant=1, jitter=2
        ),
        compression=parts.CompressionConfigFromParts(
            compression_allowed=settings["zstd"],
            compression_dictionary_by_id={},
            outgoing_max_ws_message_size=settings["max_frame_bytes"],
            allow_training=True,
            compression_min_size=32,
            compression_trained_max_size=16 << 10,
            compression_training_low_watermark=100 << 10,
            compression_training_high_watermark=10 << 20,
            compression_retrain_interval_seconds=60 * 60 * 60,
            decompression_max_window_size=8 << 20,
        ),
        notify_session=parts.NotifySessionStandard(),
        tracing=parts.TracingConfigSimple(),
    )


def app_of(config, own_url):
    """The broadcaster subscribes itself at its own address, on behalf of all its websockets."""
    websockets = SimpleFanoutWSReceiver(
        receiver_url=f"{own_url}/v1/receive_for_websockets", recovery=f"{own_url}/v1/missed_for_websockets", db=config
    )

    @asynccontextmanager
    async def lifespan(_):
        await setup_config(config)
        try:
            async with websockets, sweep_missed(config):
                yield
        finally:
            await teardown_config(config)

    app = FastAPI(
        lifespan=lifespan,
        redirect_slashes=False,
        middleware=[
            Middleware(WSReceiverMiddleware, ws_receiver=websockets),
            Middleware(ConfigMiddleware, config=config),
        ],
    )
    app.include_router(router)
    return app


def main(path):
    with open(path, encoding="utf-8") as file:
        settings = {**DEFAULTS, **json.load(file)}
    port, tls = settings["port"], settings["tls"]
    own_url = settings["self_url"] or f"{'https' if tls else 'http'}://{HOST}:{port}"
    uvicorn.run(
        app_of(config_of(settings), own_url),
        host=HOST,
        port=port,
        log_level="info",
        access_log=settings["access_log"],
        **({"ssl_certfile": tls["cert"], "ssl_keyfile": tls["key"]} if tls else {}),
    )


if __name__ == "__main__":
    main(sys.argv[1])
