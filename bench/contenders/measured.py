"""What the programs in Python have in common: they measure a block, and print what it took as JSON."""

import json
import resource
import sys
import time


class Measured:
    """What a block takes."""

    def __enter__(self):
        self.began = time.perf_counter()
        self.cpu_before = time.process_time()
        return self

    def __exit__(self, *_):
        self.seconds = time.perf_counter() - self.began
        self.cpu_seconds = time.process_time() - self.cpu_before

    def as_json(self):
        """`seconds`, `cpuSeconds`, and `peakMemory` in bytes, from the start of the process on."""
        # kB on Linux, bytes on macOS
        unit = 1 if sys.platform == "darwin" else 1024
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
        return json.dumps({"seconds": self.seconds, "cpuSeconds": self.cpu_seconds, "peakMemory": peak})
