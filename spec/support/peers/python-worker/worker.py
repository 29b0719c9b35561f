"""
Does what each line of standard input asks for, a JSON object with `id` and `do`, several at once. Answers in lines with the
same id: what there is to `tell`, and at last a `result` or an `error`. Ends when standard input does.
"""

import asyncio
import inspect
import json
import sys

# Longer than any line that a spec sends.
LINE = 64 << 20


def say(line):
    print(json.dumps(line), flush=True)


async def serve(work, connection, finish=None):
    """
    Calls `work[do](connection, request, tell)` per request: a coroutine function, or a plain one, which gets a thread. At the
    end all are cancelled, and `finish` closes what they have left.
    """
    loop = asyncio.get_running_loop()

    async def answer(request):
        id_, function = request["id"], work[request["do"]]

        def tell(line):
            loop.call_soon_threadsafe(say, {"id": id_, "tell": line})

        try:
            if inspect.iscoroutinefunction(function):
                result = await function(connection, request, tell)
            else:
                result = await asyncio.to_thread(function, connection, request, tell)
            loop.call_soon(say, {"id": id_, "result": result})
        except Exception as error:
            loop.call_soon(say, {"id": id_, "error": f"{type(error).__name__}: {error}"})

    reader = asyncio.StreamReader(limit=LINE)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    tasks = set()
    while line := await reader.readline():
        task = asyncio.create_task(answer(json.loads(line)))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    if finish:
        await finish()
