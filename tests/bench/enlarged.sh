#!/bin/bash
# enlarged.sh KVREPLAY BENCH_ENLARGE CAPTURES: what the measurements are made with is right, and executed.
set -euo pipefail
kvreplay=$1 enlarge=$2 captures=$3
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

for capture in memccapable-ipv4 memcaslap; do
    "$enlarge" "$captures/$capture.pcap" "$scratch/large.pcap" 4000 >"$scratch/made"
    grep -q '^rounds [1-9][0-9]' "$scratch/made"
    "$kvreplay" verify -q --require-compared 4000 --require-executed 3000 "$scratch/large.pcap"
done
