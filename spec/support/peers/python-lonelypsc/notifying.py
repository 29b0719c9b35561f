"""Notifications from memory and from a file."""

import hashlib
import tempfile

from lonelypsc.client import PubSubIrrecoverableError

BLOCK = bytes(index % 251 for index in range(251 << 8))


async def notify(client, request, tell):
    """Sends bytes that are given, or `size` of them that count up to 250 again and again."""
    topic = bytes.fromhex(request["topic"])
    try:
        if request["value"] is not None:
            value = bytes.fromhex(request["value"])
            result = await client.raw.notify(topic=topic, data=value, trace_initializer=None)
            return {"notified": result.notified, "sha512": hashlib.sha512(value).hexdigest()}
        with tempfile.TemporaryFile() as file:
            sha512 = _fill(file, request["size"])
            file.seek(0)
            result = await client.raw.notify(
                topic=topic, sync_file=file, length=request["size"], sha512=sha512, trace_initializer=None
            )
            return {"notified": result.notified, "sha512": sha512.hex()}
    except PubSubIrrecoverableError as error:
        raise RuntimeError(f"{type(error).__name__}: {error}") from error


def _fill(file, size):
    hashed = hashlib.sha512()
    for start in range(0, size, len(BLOCK)):
        part = BLOCK[: size - start]
        file.write(part)
        hashed.update(part)
    return hashed.digest()
