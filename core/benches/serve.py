"""The peers' side of a benchmark: answers each line `function seconds clock` with the time that one call takes, by
the clock `wall` or `cpu`.

`peers.py` of a crate defines functions without arguments that prepare the input and return a function that does the
work once, and ends with `serve(globals())`. Only the returned function is timed.
"""

import sys
import time


def serve(functions):
    ready = {}
    for line in sys.stdin:
        name, seconds, clock = line.split()
        now = time.process_time if clock == "cpu" else time.perf_counter
        try:
            if name not in ready:
                work = functions[name]()
                start = time.perf_counter()
                work()  # warm: imports, caches, compilation
                once = time.perf_counter() - start
                start = time.perf_counter()
                work()
                once = min(once, time.perf_counter() - start)
                ready[name] = work, max(1, int(float(seconds) / max(once, 1e-9)))
            work, repeat = ready[name]
            start = now()
            for _ in range(repeat):
                work()
            answer = repr((now() - start) / repeat)
        except Exception as error:  # the harness reports it and goes on with the next row
            answer = f"{name}: {type(error).__name__}: {error}".replace("\n", " ")
        print("eir", answer, flush=True)
