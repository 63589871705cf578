#!/bin/bash
# Records corpus/couchbase/sdk.pcapng.gz again: Couchbase's SDK (tests/clients/install) and serve, on loopback, as root.
# Usage: corpus/record/sdk.sh KVREPLAY
set -euo pipefail
project=$(cd "$(dirname "$0")/../.." && pwd)
kvreplay=$(realpath "$1")
scratch=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$scratch"' EXIT

# What does not depend on when a second begins, and is not large.
groups=(get keys exists insert upsert replace remove append counters projections lookup lookup-errors lookup-macros mutate
    arrays subdocument-counters attributes macros ping durability persistence replicas collections scan sampling)

coproc serve { exec "$kvreplay" serve --dialect couchbase -p 0 --vbuckets 4 --collection inventory.hotels \
    --user client:secret; }
read -r line <&"${serve[0]}"
port=${line##*:}
"$kvreplay" record --interface lo --filter "tcp port $port" --user root -o "$scratch/sdk.pcapng" 2>"$scratch/said" &
recorder=$!
until grep -q ready "$scratch/said"; do sleep 0.05; done
words=()
for group in "${groups[@]}"; do words+=(--only "$group"); done
NODE_PATH=$project/build/node_modules node "$project/tests/clients/couchbase_client.js" "${words[@]}" \
    "127.0.0.1:$port" client secret default inventory.hotels
sleep 1 # for the last packets
kill -TERM "$recorder"
wait "$recorder"
gzip -9n <"$scratch/sdk.pcapng" >"$project/corpus/couchbase/sdk.pcapng.gz"
