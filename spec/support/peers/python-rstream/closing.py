"""Closing takes rstream a while, for it waits on each connection. Nobody waits for it but the end of the process."""

import asyncio

_tasks = set()


def close_later(client):
    task = asyncio.create_task(client.close())
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


async def all_closed():
    await asyncio.gather(*_tasks, return_exceptions=True)
