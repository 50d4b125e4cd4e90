#!/usr/bin/env bash
# Builds the QUIC shim with its simulator under AddressSanitizer and UndefinedBehaviorSanitizer and runs it:
#   run.sh [seeds FIRST COUNT | garbage COUNT | hostile COUNT]...    default: 6 seeds, 20,000 datagrams, 60 hostile peers
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
gcc -std=gnu11 -O1 -g -Wall -Wextra -Werror -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -DCQUIC_TESTING \
  -I "$root/Sources/CQuic/include" "$root"/Sources/CQuic/*.c "$root"/Tests/QuicSimulation/*.c -o "$folder/simulation" \
  -lngtcp2_crypto_gnutls -lngtcp2 -lgnutls
if [ $# -eq 0 ]; then set -- seeds 1 6 garbage 20000 hostile 60; fi
while [ $# -gt 0 ]; do
  case "$1" in
    seeds) "$folder/simulation" "$2" "$3"; shift 3 ;;
    garbage | hostile) "$folder/simulation" "$1" "$2"; shift 2 ;;
    *) echo "not seeds, garbage or hostile: $1" >&2; exit 64 ;;
  esac
done
