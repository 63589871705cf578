#!/bin/bash
# What `kvreplay verify` costs: time against a bare libpcap loop and against tshark, memory, allocations.
#
#   cmake --build build --target bench_verify
#   tests/bench/verify.sh KVREPLAY BENCH_DIRECTORY CAPTURES
#
# BENCH_DIRECTORY has the bench programs, CAPTURES is corpus/captures. PAIRS (default 400000) says how large the
# captures are made, RUNS (7) how often each program runs for the median. Needs 1 GB in the temporary folder.

set -euo pipefail

kvreplay=$1 bench=$2 captures=$3
pairs=${PAIRS:-400000} runs=${RUNS:-7} slice=20000
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LC_ALL=C

calculate() { awk "BEGIN { printf \"$1\", $2 }"; } # FORMAT EXPRESSION
median() { sort -n | awk '{ a[NR] = $1 } END { print a[int((NR + 1) / 2)] }'; }
row() { printf '  %-46s %14s  %s\n' "$@"; } # NAME VALUE REMARK

# What enlarge says of the capture it has made.
made_rounds=0 made_pairs=0 made_frames=0 made_packets=0 made_connections=0 made_stored=0 made_port=0

enlarge() { # CAPTURE PAIRS
  local name value
  "$bench/bench_enlarge" "$captures/$1" "$work/large.pcap" "$2" >"$work/made"
  while read -r name value; do
    printf -v "made_$name" %s "$value"
  done <"$work/made"
}

cpu() { "$bench/bench_run" "$@" | cut -d' ' -f1; }  # COMMAND...: microseconds
peak() { "$bench/bench_run" "$@" | cut -d' ' -f2; } # COMMAND...: KiB

allocations() { # FILE
  rm -f "$work/allocations"
  LD_PRELOAD=$bench/bench_allocations.so BENCH_ALLOCATIONS=$work/allocations "$kvreplay" verify "$1" >/dev/null
  cat "$work/allocations"
}

time_both() { # sets loop and verify, in microseconds
  rm -f "$work/loop" "$work/verify"
  for _ in $(seq "$runs"); do # one after the other, so that both meet the same machine
    cpu "$bench/bench_loop" "$work/large.pcap" >>"$work/loop"
    cpu "$kvreplay" verify "$work/large.pcap" >>"$work/verify"
  done
  loop=$(median <"$work/loop")
  verify=$(median <"$work/verify")
}

measure_time() {
  time_both
  row "verify, rebuilt and executed" "$(calculate %.3f "$verify / 1e6") s" "CPU, median of $runs"
  row "bare pcap_next_ex loop" "$(calculate %.3f "$loop / 1e6") s"
  row "verify / loop" "$(calculate %.2f "$verify / $loop")" "at most 5, aim 3"
  row "pairs per second per core" "$(calculate %.0f "$made_pairs / $verify * 1e6")"
  row "frames per second per core" "$(calculate %.0f "$made_frames / $verify * 1e6")"
  row "packets per second per core" "$(calculate %.0f "$made_packets / $verify * 1e6")"
}

# tshark's start is not its decoding: it is measured with one packet, and taken off.
tshark_rate() { # OPTION...: packets per second
  local all one count=$((slice < made_packets ? slice : made_packets))
  all=$(cpu tshark "$@" -d "tcp.port==$made_port,memcache" -r "$work/large.pcap" -c "$count" 2>/dev/null)
  one=$(cpu tshark "$@" -d "tcp.port==$made_port,memcache" -r "$work/large.pcap" -c 1 2>/dev/null)
  calculate %.0f "($count - 1) / ($all - $one) * 1e6"
}

measure_tshark() {
  local form rate
  if ! command -v tshark >/dev/null; then
    row "tshark" "-" "not installed"
    return
  fi
  for form in "-T json" "-V" ""; do
    # shellcheck disable=SC2086 # an option and its argument, or none
    rate=$(tshark_rate $form)
    row "tshark${form:+ $form}, packets per second" "$rate" "the first $slice, without its start"
    row "  verify is faster by" "$(calculate %.0f "$made_packets / $verify * 1e6 / $rate")"
  done
}

measure_memory() { # CAPTURE
  local times kib first=0 before=0 frames=0 count
  for times in 1 4 16; do
    enlarge "$1" $((pairs * times / 4))
    kib=$(peak "$kvreplay" verify "$work/large.pcap")
    if ((times == 1)); then first=$kib; fi
    row "peak memory, ${times} x $((pairs / 4)) pairs" "$(calculate %.2f "$kib / 1024") MiB" \
      "$(calculate %.3f "$kib / $first") of the first; at most 1.1 and 64 MiB"
    if ((times <= 4)); then
      count=$(allocations "$work/large.pcap")
      if ((times == 4)); then
        row "allocations per frame" "$(calculate %.6f "($count - $before) / ($made_frames - $frames)")" \
          "$((count - before)) more for $((made_frames - frames)) frames more; at most about 0"
      fi
      before=$count frames=$made_frames
    fi
  done
  row "the store's items, of that" "$(calculate %.3f "$made_stored / 1048576") MiB at most" "the same keys in each round"
}

measure() { # CAPTURE TITLE
  enlarge "$1" "$pairs"
  echo "$2: $1, $made_rounds times"
  echo "  $made_pairs pairs in $made_frames frames, $made_packets packets, $made_connections connections," \
    "$(calculate %.0f "$(stat -c %s "$work/large.pcap") / 1e6") MB"
  measure_time
  measure_tshark
  measure_memory "$1"
  echo
}

"$kvreplay" --version
tshark --version 2>/dev/null | head -1 || true
grep -m1 'model name' /proc/cpuinfo || true
echo
measure memccapable-ipv4.pcap "One request a packet"
measure memcaslap.pcap "Pipelined"
