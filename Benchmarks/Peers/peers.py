#!/usr/bin/env python3
"""Many peers of one node: peers.py BENCH [--count N] [--seconds N]

BENCH is centram-peers-bench. The node is pinned to core 0, its peers to core 1. They connect one after another, rest for two seconds, and then
ask all at once, each its next question when the last one is answered."""
import argparse, json, os, subprocess, time

parser = argparse.ArgumentParser()
parser.add_argument("bench")
parser.add_argument("--count", type=int, default=1000)
parser.add_argument("--seconds", type=int, default=10)
options = parser.parse_args()


def start(core, *command):
    return subprocess.Popen(["taskset", "-c", str(core), options.bench, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def ask(process):
    process.stdin.write("\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())


server = start(0, "serve")
peer = server.stdout.readline().strip()
clients = start(1, "clients", peer, str(options.count), str(options.seconds))
connected = json.loads(clients.stdout.readline())
time.sleep(2)
resting = ask(server)
answered = ask(clients)
busy = ask(server)
server.kill()
print(f"connected {resting['peers']} of {options.count} peers in {connected['seconds']:.1f} s; load average {os.getloadavg()[0]:.1f}")
print(f"memory a peer: {resting['kb_per_peer']:.1f} kB at rest, {busy['kb_per_peer']:.1f} kB after the questions")
print(f"questions: {answered['answers'] / options.seconds:.0f} a second, p50 {answered['p50_ms']:.1f} ms, p99 {answered['p99_ms']:.1f} ms, longest {answered['longest_ms']:.1f} ms; "
      f"the least served peer got {answered['least_of_a_peer']} answers, the most served {answered['most_of_a_peer']}")
print(f"processor time of the node: {resting['cpu_seconds'] / options.count * 1e3:.2f} ms a peer to connect, {(busy['cpu_seconds'] - resting['cpu_seconds']) / max(1, answered['answers']) * 1e6:.0f} µs a question")
