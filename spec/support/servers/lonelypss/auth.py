"""Reads secrets files. Both sides of a broadcaster's authorization keep their used codes in one memory."""

import json

from lonelypsp.auth.config import AuthConfigFromParts
from lonelypsp.auth.helpers import hmac_auth_config as hmac
from lonelypsp.auth.helpers import none_auth_config as none
from lonelypsp.auth.helpers import token_auth_config as token


def auth_from(path):
    """What a secrets file says, for a broadcaster and for a client alike. A side that it leaves out needs no secret."""
    with open(path, encoding="utf-8") as file:
        secrets = json.load(file)
    used = hmac.IncomingHmacAuthDBReentrantConfig(hmac.IncomingHmacAuthSqliteDBConfig(":memory:"))
    return AuthConfigFromParts(
        to_broadcaster=_side("ToBroadcaster", secrets.get("to-broadcaster"), used),
        to_subscriber=_side("ToSubscriber", secrets.get("to-subscriber"), used),
    )


def _side(direction, given, used):
    if given is None:
        return getattr(none, f"{direction}NoneAuth")()
    if given["type"] == "token":
        return getattr(token, f"{direction}TokenAuth")(token=given["secret"])
    return getattr(hmac, f"{direction}HmacAuth")(secret=given["secret"], db_config=used)
