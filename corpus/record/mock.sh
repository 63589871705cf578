#!/bin/bash
# Records corpus/couchbase/mock.pcapng.gz again: Couchbase's SDK (tests/clients/install) and CouchbaseMock, as root. That has
# to be built from its sources before (see corpus/README.md); its command line is given here without options.
# Usage: corpus/record/mock.sh KVREPLAY COMMAND [ARGUMENT]...
set -euo pipefail
project=$(cd "$(dirname "$0")/../.." && pwd)
if [ "${APART-}" = "" ]; then # it listens on all addresses: in a network of its own
    kvreplay=$(realpath "$1")
    APART=yes exec unshare --net "$0" "$kvreplay" "${@:2}"
fi
kvreplay=$1
shift
scratch=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$scratch"' EXIT
ip link set lo up

administration=http://127.0.0.1:8091/pools/default/buckets/default
"$@" --host 127.0.0.1 --port 8091 --nodes 1 --vbuckets 4 --replicas 0 --buckets default:secret:couchbase --cccp \
    2>"$scratch/mock" &
until curl -sf -u Administrator:password "$administration" >"$scratch/bucket"; do sleep 0.1; done
port=$(python3 -c 'import json, sys; print(json.load(sys.stdin)["nodes"][0]["ports"]["direct"])' <"$scratch/bucket")
"$kvreplay" record --interface lo --filter "tcp port $port" --user root -o "$scratch/mock.pcapng" 2>"$scratch/said" &
recorder=$!
until grep -q ready "$scratch/said"; do sleep 0.05; done
NODE_PATH=$project/build/node_modules node "$project/tests/clients/couchbase_tour.js" "127.0.0.1:$port" default secret default
sleep 1 # for the last packets
kill -TERM "$recorder"
wait "$recorder"
gzip -9n <"$scratch/mock.pcapng" >"$project/corpus/couchbase/mock.pcapng.gz"
