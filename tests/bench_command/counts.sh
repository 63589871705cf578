# shellcheck shell=bash source-path=SCRIPTDIR
# What is counted is exact, the same in each run, and what the writers promise. No times here.
# shellcheck source=../cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
plugins=$4
fast=(--time 1 --repeat 1)

# The capacities of libevent's chunks and the size of a TLS record, give or take what precedes a value.
sizes=0,16,256,948,1k,4020,16k,16356,64k
depths=1,16,128

expect 0 bench "${fast[@]}" --sizes $sizes --depths $depths \
    --assert 'batch.memory.reservations <= flat.memory.reservations' \
    --assert 'reserve.memory.chunks <= legacy.memory.chunks' \
    --assert 'reserve.tls.records <= legacy.tls.records' \
    --assert 'batch.tls.records == flat.tls.records' \
    --assert 'batch.socket.writev == flat.socket.writev' \
    --assert 'reserve.memory.reservations <= 1' \
    --assert 'legacy.memory.reservations == 0' \
    --assert 'append.memory.reservations == 0' \
    --assert 'reserve.tls.chunks == reserve.memory.chunks' \
    --assert 'batch.socket.bytes == batch.memory.bytes' \
    --assert 'legacy.socket.allocations == legacy.memory.allocations' \
    --assert 'legacy.tls.writev == legacy.tls.records'

# A small batch: one of everything.
expect 0 bench "${fast[@]}" --sizes 16 --depths 1,16,20 \
    --assert 'batch.memory.reservations == flat.memory.reservations' \
    --assert 'batch.memory.allocations == flat.memory.allocations' \
    --assert 'batch.memory.chunks == flat.memory.chunks' \
    --assert 'batch.socket.writev == flat.socket.writev'

# Memory of batches of 16 KiB and more.
expect 0 bench "${fast[@]}" --sinks memory --sizes 1k,1500,4k,5000,16k,17k,40k --depths 17,64,128 \
    --assert 'batch.memory.bytes <= 1.25'

# 64 KiB are four writes and four records; what precedes the value makes a fifth.
expect 0 bench "${fast[@]}" --writers batch --sinks socket,tls --sizes 64k --depths 1 \
    --assert 'batch.socket.writev == 5' --assert 'batch.tls.records == 5'

# By reference: less memory than is sent.
expect 0 bench "${fast[@]}" --writers reference --sinks memory --sizes 16k,64k --depths 1,16 \
    --assert 'reference.memory.bytes <= 0.2'
expect 0 bench "${fast[@]}" --writers reference --sinks memory --sizes 16k --depths 16 \
    --reference-threshold 17k --assert 'reference.memory.bytes >= 1'

# A capture's mix, the same whatever the seed.
expect 0 bench "${fast[@]}" --from "$corpus/captures/memcaslap.pcap" --seed 7 \
    --assert 'batch.tls.records == flat.tls.records' \
    --assert 'batch.memory.reservations == flat.memory.reservations'
contains "$out" "memcaslap.pcap: 400 responses in 76 batches" "the mix in words"

# A plug-in's calls of libevent are counted as well.
expect 0 bench "${fast[@]}" --writers "$plugins/no_lock.so" --sinks memory --sizes 16 --depths 4 \
    --assert 'no_lock.memory.reservations == 1' --assert 'no_lock.memory.allocations >= 0.25'

finish
