#!/usr/bin/env python3
"""Transports side by side on a loopback: compare.py BENCH [--raw-tcp PROGRAM] ID=LIBRARY... [--rounds N] [--bytes N]

BENCH is centram-transport-bench, PROGRAM is raw_tcp.c compiled with -O2. The server is pinned to core 0, the client to core 1. In each
round all of them are measured in turn, so that a machine that is busy with other things slows all alike; the table gives medians and ranges."""
import argparse, json, os, statistics, subprocess, sys

parser = argparse.ArgumentParser()
parser.add_argument("bench")
parser.add_argument("transports", nargs="*")
parser.add_argument("--raw-tcp")
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--bytes", type=int, default=1 << 30)
parser.add_argument("--pings", type=int, default=5000)
parser.add_argument("--only", default="bulk,ping,frames,handshakes,hold")
options = parser.parse_args()
libraries = dict(entry.split("=", 1) for entry in options.transports)
# A bench makes more connections from one address in a minute than a node allows.
settings = {
    "transport.quic": '{"handshakes_per_minute": 1000000, "max_connections": 100000, "idle_timeout_ms": 600000, "keep_alive_ms": 0}',
    "transport.tcp": '{"handshakesPerMinute": 1000000, "handshakesPerSource": 1000}',
}


def pinned(core, command):
    return ["taskset", "-c", str(core)] + [str(part) for part in command]


def measure(name, role, values):
    environment = dict(os.environ, BENCH_SETTINGS=settings.get(name, "{}"))
    if name == "raw TCP":
        serve, client = [options.raw_tcp, "serve"], lambda address: [options.raw_tcp, role, address, *values]
    else:
        base = [options.bench, libraries[name], name]
        serve = base + [name.split(".")[-1] + "://127.0.0.1:0", "serve"]
        client = lambda address: base + [address, role, *values]
    server = subprocess.Popen(pinned(0, serve), stdout=subprocess.PIPE, text=True, env=environment)
    address = server.stdout.readline().strip()
    client = subprocess.Popen(pinned(1, client(address)), stdout=subprocess.PIPE, text=True, env=environment)
    lines = client.stdout.read().strip().split("\n")
    used = os.wait4(client.pid, 0)[2]
    server.kill()
    both = [used, os.wait4(server.pid, 0)[2]]
    result = json.loads(lines[-1])
    if role == "bulk":
        # What a busy machine changes least: processor time of both ends, starting and ending included.
        result = {"mb_per_second": result["mb_per_second"], "mb_per_cpu_second": values[0] / 1e6 / sum(use.ru_utime + use.ru_stime for use in both)}
    return result


def text(samples):
    return f"{statistics.median(samples):.1f} ({min(samples):.1f} to {max(samples):.1f})"


names = (["raw TCP"] if options.raw_tcp else []) + list(libraries)
cases = [("bulk", f"bulk {streams} streams", [options.bytes, streams]) for streams in (1, 16)]
cases += [("ping", f"round trip {size} B", [options.pings, size]) for size in (64, 1024)]
cases += [("frames", "round trip of a signed frame of 1 kB", [options.pings, 1024])]
cases += [("handshakes", f"handshake with {held} held", [200, held]) for held in (0, 1000)] + [("hold", "1,000 connections", [1000])]
for role, title, values in cases:
    if role not in options.only.split(","):
        continue
    found = {name: {} for name in names}
    for _ in range(options.rounds if role != "hold" else 1):
        for name in names:
            if name == "raw TCP" and (role in ("frames", "handshakes", "hold") or (role == "bulk" and values[1] > 1)):
                continue
            try:
                for key, number in measure(name, role, values).items():
                    found[name].setdefault(key, []).append(number)
            except Exception as error:
                print(f"{name}: {title} failed: {error}", file=sys.stderr)
    for name, numbers in found.items():
        for key, samples in numbers.items():
            print(f"| {title} | {name} | {key} | {text(samples)} |", flush=True)
print("load average", os.getloadavg())
