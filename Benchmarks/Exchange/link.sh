#!/usr/bin/env bash
# The exchange beside a plain stream on links of given rates, in a network namespace that this script makes:
#   Benchmarks/Exchange/link.sh BENCH [RATE…]      BENCH: the built centram-exchange-bench; RATE as tc takes it; 500mbit, 1gbit, 1500mbit, 2500mbit if none is given
set -euo pipefail
bench=$(realpath "${1:?usage: Benchmarks/Exchange/link.sh BENCH [RATE…]}")
shift
for rate in "${@:-500mbit 1gbit 1500mbit 2500mbit}"; do
  for each in $rate; do
    unshare --user --map-root-user --net bash -euc '
      ip link set lo up
      tc qdisc add dev lo root tbf rate "$1" burst 512kb latency 20ms
      echo "$1 $("$2" 50 2>/dev/null)"' - "$each" "$bench"
  done
done
