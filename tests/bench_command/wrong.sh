# shellcheck shell=bash source-path=SCRIPTDIR
# Wrong usage, writers that are wrong, conditions that don't hold, outputs that can't be written.
# shellcheck source=../cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
plugins=$4
fast=(--time 1 --repeat 1 --sizes 16 --depths 2)

expect 1 bench "${fast[@]}" --sinks memory --assert 'batch.memory.chunks <= 0.25'
contains "$err" "does not hold: batch.memory.chunks <= 0.25
  value 16, depth 2: batch.memory.chunks is 0.5, > 0.25" "the cell that breaks it"
contains "$out" "batch" "the table is there all the same"

expect 2 bench --assert 'batch.tls.recods <= 1'
contains "$err" "'recods' is no column" "the problem"
contains "$err" "  batch.tls.recods <= 1
            ^" "its place"
expect 2 bench --sinks memory --assert 'batch.tls.records <= 1'
contains "$err" "'tls' is none of the sinks" "a sink that is not measured"
expect 2 bench --writers batch,nobody
contains "$err" "there is no writer 'nobody'" "an unknown writer"
expect 2 bench --writers batch,batch
expect 2 bench --writers "$plugins/none.so"
expect 2 bench --writers batch --baseline legacy
expect 2 bench --sinks file
expect 2 bench --sizes 1,,2
expect 2 bench --sizes 65m
expect 2 bench --depths 0
expect 2 bench --sizes 64m --depths 65536
expect 2 bench --from "$corpus/captures/mixed.pcap" --depths 1
expect 2 bench --heap other
expect 2 bench --time 1 --repeat 2000
expect 2 bench extra

expect 3 bench --from "$scratch/none.pcap"
equal "$err" "kvreplay: $scratch/none.pcap: No such file or directory" "the capture's name, once"
expect 4 bench --from "$corpus/captures/udp.pcap"

# Each fault of a writer is found before anything is measured, and said with the writer's name.
expect 1 bench "${fast[@]}" --writers "batch,$plugins/last_byte_lost.so"
contains "$err" "last_byte_lost into memory: wrote wrong bytes" "a byte too few"
equal "$out" "" "no table of it"
expect 1 bench "${fast[@]}" --writers "$plugins/byte_left_over.so"
contains "$err" "wrote wrong bytes" "a byte too many"
expect 1 bench "${fast[@]}" --writers "$plugins/cas_dropped.so" --sinks tls
contains "$err" "cas_dropped into tls: wrote wrong bytes" "wrong bytes over TLS"
expect 1 bench "${fast[@]}" --writers "$plugins/crash.so"
contains "$err" "crash into memory: " "a crash" # a sanitizer turns the signal into an exit status

# misbehaves MODE MESSAGE: a plug-in does what MODE says with the response of opaque 4.
misbehaves() {
    export MISBEHAVE=$1
    expect 1 bench "${fast[@]}" --depths 16 --writers "batch,$plugins/misbehaving.so" \
        --sinks socket "${@:3}"
    contains "$err" "misbehaving into socket: $2" "$1"
    equal "$out" "" "no table of $1"
}
misbehaves hang "no return within 1 s" --writer-timeout 1
misbehaves stop "no return within 1 s" --writer-timeout 1
misbehaves loop "no return within 1 s" --writer-timeout 1
misbehaves kill "killed by signal 9 (Killed)"
misbehaves copy "exit with status 1"
MISBEHAVE=copy "$kvreplay" bench "${fast[@]}" --depths 16 --sinks memory \
    --writers "$plugins/misbehaving.so" 2>&1 | timeout 60 cat >"$scratch/out"
equal "${PIPESTATUS[*]}" "1 0" "a copy that a plug-in leaves behind"
misbehaves heap ""
misbehaves stack ""
misbehaves thread ""
misbehaves destroy "failed when it was destroyed: "
misbehaves exit "exit with status "
misbehaves _exit "exit with status 7"
misbehaves term "killed by signal 15 (Terminated)"
misbehaves close ""
misbehaves error "refused 16 responses of "
misbehaves flood "wrote wrong bytes"
MISBEHAVE=load expect 2 bench --writers "$plugins/misbehaving.so"
contains "$err" "--writers: cannot load the writer: $plugins/misbehaving.so: " "a crash on loading"
MISBEHAVE=print expect 0 bench "${fast[@]}" --writers "$plugins/misbehaving.so" --json -
equal "$(printf '%s' "$out" | head -c 1)$(printf '%s\n' "$out" | tail -n 1)" "{}" "JSON alone"
expect 2 bench --writers "$plugins/right.so" --writer-timeout none
expect 0 bench "${fast[@]}" --writers "$plugins/right.so"

expect 70 bench "${fast[@]}" --json "$scratch/none/file"
expect 70 bench "${fast[@]}" --plot "$scratch/none/file"
mkdir "$scratch/empty"
out=$(PATH=$scratch/empty "$kvreplay" bench "${fast[@]}" --plot "$scratch/plot.svg" 2>&1)
equal $? 70 "exit status without gnuplot"
contains "$out" "gnuplot" "what is missing"
printf '#!/bin/sh\nexit 1\n' >"$scratch/empty/gnuplot"
chmod +x "$scratch/empty/gnuplot"
out=$(PATH=$scratch/empty:$PATH "$kvreplay" bench "${fast[@]}" --plot "$scratch/plot.svg" 2>&1)
equal $? 70 "exit status of a gnuplot that fails"
contains "$out" "gnuplot failed" "that it failed"

finish
