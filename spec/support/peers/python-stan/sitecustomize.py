"""Lets asyncio of Python 3.10 and later take the `loop` keyword that the client of 2019 still passes, and drop it."""

import asyncio
import functools


def _without_loop(callee):
    @functools.wraps(callee)
    def call(*args, loop=None, **kwargs):
        return callee(*args, **kwargs)

    return call


def _class_without_loop(base):
    class WithoutLoop(base):
        def __init__(self, *args, loop=None, **kwargs):
            super().__init__(*args, **kwargs)

    WithoutLoop.__name__ = base.__name__
    WithoutLoop.__qualname__ = base.__qualname__
    return WithoutLoop


for _name in ("Queue", "Event", "Lock", "Semaphore", "Condition"):
    setattr(asyncio, _name, _class_without_loop(getattr(asyncio, _name)))
for _name in ("wait_for", "sleep", "open_connection", "gather", "wait", "ensure_future"):
    setattr(asyncio, _name, _without_loop(getattr(asyncio, _name)))
