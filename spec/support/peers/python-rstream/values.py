"""Values of AMQP as JSON and back. What JSON has no word for is an object with one key that says what it is."""

import uuid

from rstream import AMQPMessage, Properties, RawMessage

SAFE = 2**53


def to_json(value):
    """The value as rstream's reader made it. It makes bytes of strings and symbols too."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return value if -SAFE < value < SAFE else {"int": str(value)}
    if isinstance(value, float):
        return {"double": value}
    if isinstance(value, (bytes, bytearray)):
        return {"bytes": value.hex()}
    if isinstance(value, uuid.UUID):
        return {"uuid": str(value)}
    if isinstance(value, list):
        return [to_json(item) for item in value]
    if isinstance(value, dict):
        return {"map": [[to_json(key), to_json(item)] for key, item in value.items()]}
    return {"other": repr(value)}


def from_json(value):
    """The value as rstream's writer takes it."""
    if isinstance(value, list):
        return [from_json(item) for item in value]
    if not isinstance(value, dict):
        return value
    [(kind, content)] = value.items()
    if kind == "map":
        return {from_json(key): from_json(item) for key, item in content}
    return {"int": int, "double": float, "bytes": bytes.fromhex, "uuid": uuid.UUID}[kind](content)


def message_from_json(message):
    """A message for `Producer.send_batch`, with its publishing id if it has one."""
    id_ = from_json(message.get("id"))
    if "raw" in message:
        return RawMessage(from_json(message["raw"]), publishing_id=id_)
    parts = {name: from_json(message.get(name)) for name in ("body", "value", "sequence")}
    properties = from_json(message.get("properties"))
    made = AMQPMessage(
        **parts,
        properties=Properties(**properties) if properties else None,
        application_properties=from_json(message.get("application_properties")),
        message_annotations=from_json(message.get("annotations")),
    )
    # rstream's constructor lists the id among its arguments, and fails on it.
    made.publishing_id = id_
    return made


def message_to_json(message):
    """What a consumer's callback got: bytes without a decoder, else a message, or the error that the decoder ended with."""
    if isinstance(message, bytes):
        return {"raw": to_json(message)}
    if isinstance(message, Exception):
        return {"error": f"{type(message).__name__}: {message}"}
    properties = message.properties._asdict() if message.properties else {}
    return {
        "body": to_json(message.body),
        "value": to_json(message.value),
        "sequence": to_json(message.sequence),
        "properties": to_json({name: value for name, value in properties.items() if value is not None}),
        "application_properties": to_json(message.application_properties or {}),
        "annotations": to_json(message.message_annotations or {}),
    }
