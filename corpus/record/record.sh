#!/bin/bash
# Records the captures in corpus/captures again.
#
#   corpus/record/record.sh            all of them (about two minutes)
#   corpus/record/record.sh NAME...    only these
#   corpus/record/record.sh --list     their names
#
# Needs root (tcpdump), and of Debian 12: memcached libmemcached-tools python3-binary-memcached python3-pylibmc
# tcpdump tshark zstd openssl; npm for memjs. Servers listen on loopback only, on ports the kernel chooses,
# and are ended by their process id. OUT=directory records elsewhere.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
clients=$here/clients
out=${OUT:-$here/../captures}
python=/usr/bin/python3
work=$(mktemp -d)
pids=()
server_host=127.0.0.1 server_port='' # the server of the current scenario
recorder=''                          # the process id of what records it

cleanup() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap cleanup EXIT

# --- servers ------------------------------------------------------------------------------------------------------

free_port() {
  "$python" - <<'PY'
import socket
with socket.socket(socket.AF_INET6) as s:  # free for both families
    s.bind(("::", 0))
    print(s.getsockname()[1])
PY
}

wait_until_listening() { # HOST PORT
  for _ in $(seq 100); do
    if (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; then sleep 0.1; return; fi # let the probe's FIN pass
    sleep 0.05
  done
  echo "nothing listens on $1 port $2" >&2
  return 1
}

start_memcached() { # [HOST [OPTION...]]
  server_host=${1:-127.0.0.1}
  server_port=$(free_port)
  timeout 120 memcached -u root -l "$server_host" -p "$server_port" -m 64 -t 4 "${@:2}" &
  pids+=($!)
  wait_until_listening "$server_host" "$server_port"
}

# --- recorders ----------------------------------------------------------------------------------------------------

wait_for_line() { # TEXT FILE
  for _ in $(seq 100); do
    if grep -q "$1" "$2"; then return; fi
    sleep 0.05
  done
  cat "$2" >&2
  return 1
}

start_tcpdump() { # FILE FILTER [OPTION...]
  timeout 120 tcpdump -Z root -n -U --immediate-mode -B 32768 -w "$1" "${@:3}" "$2" 2>"$work/tcpdump.log" &
  recorder=$!
  pids+=("$recorder")
  wait_for_line 'listening on' "$work/tcpdump.log"
}

start_dumpcap() { # FILE FILTER
  timeout 120 dumpcap -q -i lo -B 32 -f "$2" -w "$1" 2>"$work/tcpdump.log" &
  recorder=$!
  pids+=("$recorder")
  wait_for_line '^File:' "$work/tcpdump.log"
  sleep 0.3
}

stop_recorder() { # lets the last FIN pass, then insists that nothing was dropped
  sleep 0.5
  kill -INT "$recorder"
  wait "$recorder" || true
  if grep -E '[1-9][0-9]* packets? dropped|/[1-9][0-9]* \(' "$work/tcpdump.log"; then
    echo "packets were dropped: record again" >&2
    return 1
  fi
}

opens_in_tshark() { # FILE
  if tshark -n -r "$1" 2>&1 >/dev/null | grep -v 'Running as user'; then
    echo "tshark complains about $1" >&2
    return 1
  fi
}

stop_server() {
  kill "${pids[0]}" 2>/dev/null || true
  wait "${pids[0]}" 2>/dev/null || true
}

# record FILE CLIENT... : the usual case. memcached runs already; tcpdump on lo around the client.
record() {
  start_tcpdump "$work/$1" "port $server_port" -i lo
  timeout 60 "${@:2}" >"$work/client.log" 2>&1 || { cat "$work/client.log" >&2; return 1; }
  stop_recorder
  keep "$1"
}

keep() { # FILE...
  for file in "$@"; do
    opens_in_tshark "$work/$file"
    chmod 644 "$work/$file"
    mv "$work/$file" "$out/$file"
    echo "  $file: $(stat -c %s "$out/$file") bytes, $(tcpdump -n -r "$out/$file" 2>/dev/null | wc -l) packets"
  done
}

raw() { "$python" "$clients/raw.py" "$@"; }

raw_scenario() { # FILE SCENARIO
  start_memcached
  record "$1" "$python" "$clients/raw.py" "$2" "$server_host" "$server_port"
}

# --- real clients -------------------------------------------------------------------------------------------------

memccapable-ipv4() {
  start_memcached 127.0.0.1
  record memccapable-ipv4.pcap memccapable -b -h "$server_host" -p "$server_port"
}
memccapable-ipv6() {
  start_memcached ::1
  record memccapable-ipv6.pcap memccapable -b -h "$server_host" -p "$server_port"
}
memcslap-set() {
  start_memcached
  record memcslap-set.pcap memcslap --binary --servers="$server_host:$server_port" --test=set --concurrency=4 \
    --execute-number=60
}
memcslap-mget() {
  start_memcached
  record memcslap-mget.pcap memcslap --binary --servers="$server_host:$server_port" --test=mget --concurrency=2 \
    --execute-number=40 --initial-load=40
}
memcaslap() {
  start_memcached
  record memcaslap.pcap memcaslap -s "$server_host:$server_port" -B -T 2 -c 4 -x 400 -d 10 -X 100 -w 1k
}
bmemcached() {
  start_memcached
  record bmemcached.pcap "$python" "$clients/bmemcached_ops.py" "$server_host" "$server_port"
}
pylibmc() {
  start_memcached
  record pylibmc.pcap "$python" "$clients/pylibmc_ops.py" "$server_host" "$server_port" plain
}
pylibmc-quiet() {
  start_memcached
  record pylibmc-quiet.pcap "$python" "$clients/pylibmc_ops.py" "$server_host" "$server_port" quiet
}
memjs() {
  (cd "$work" && npm install --silent --no-audit --no-fund --prefix "$work" memjs >/dev/null)
  start_memcached
  NODE_PATH=$work/node_modules record memjs.pcap node "$clients/memjs_ops.js" "$server_host" "$server_port"
}

# --- what the protocol can do, spoken by hand ---------------------------------------------------------------------

opcodes() { raw_scenario opcodes.pcap opcodes; }
quiet() { raw_scenario quiet.pcap quiet; }
errors() { raw_scenario errors.pcap errors; }
unknown-body() { raw_scenario unknown-body.pcap unknown_body; }
cas() { raw_scenario cas.pcap cas; }
numeric() { raw_scenario numeric.pcap numeric; }
expiry() { raw_scenario expiry.pcap expiry; }
flush-delay() { raw_scenario flush-delay.pcap flush_delay; }
stats() { raw_scenario stats.pcap stats; }
concurrent() { raw_scenario concurrent.pcap concurrent; }
segments() { raw_scenario segments.pcap segments; }
port-reuse() { raw_scenario port-reuse.pcap port_reuse; }

large() { # several megabytes, which compress well
  start_memcached
  start_tcpdump "$work/large.pcap" "port $server_port" -i lo
  raw large "$server_host" "$server_port"
  stop_recorder
  zstd -q -19 "$work/large.pcap" -o "$work/large.pcap.zst"
  opens_in_tshark "$work/large.pcap"
  mv "$work/large.pcap.zst" "$out/"
  echo "  large.pcap.zst: $(stat -c %s "$out/large.pcap.zst") bytes"
}

udp() {
  start_memcached 127.0.0.1
  stop_server
  pids=()
  server_port=$(free_port)
  timeout 120 memcached -u root -l 127.0.0.1 -p "$server_port" -U "$server_port" -m 64 -t 4 &
  pids+=($!)
  wait_until_listening 127.0.0.1 "$server_port"
  record udp.pcap "$python" "$clients/raw.py" udp 127.0.0.1 "$server_port"
}

# --- forms of the file --------------------------------------------------------------------------------------------

small_talk() { # FILE TCPDUMP-OPTION...
  start_memcached
  start_tcpdump "$work/$1" "port $server_port" "${@:2}"
  raw small_talk "$server_host" "$server_port"
  stop_recorder
}
any-sll() { small_talk any-sll.pcap -i any -y LINUX_SLL; keep any-sll.pcap; }
any-sll2() { small_talk any-sll2.pcap -i any -y LINUX_SLL2; keep any-sll2.pcap; }
nanosecond() { small_talk nanosecond.pcap -i lo --time-stamp-precision=nano; keep nanosecond.pcap; }
ng() {
  start_memcached
  start_dumpcap "$work/ng.pcapng" "port $server_port"
  raw small_talk "$server_host" "$server_port"
  stop_recorder
  keep ng.pcapng
}
compressed() {
  small_talk compressed.pcap -i lo
  opens_in_tshark "$work/compressed.pcap"
  gzip -9nc "$work/compressed.pcap" >"$out/compressed.pcap.gz"
  zstd -q -19 -f "$work/compressed.pcap" -o "$out/compressed.pcap.zst"
  echo "  compressed.pcap.gz, compressed.pcap.zst"
}
rotated() { # by time: tcpdump starts the second file while a request is half sent
  start_memcached
  start_tcpdump "$work/rotated-%s" "port $server_port" -i lo -G 2
  raw rotate "$server_host" "$server_port"
  stop_recorder
  local number=0 file
  for file in "$work"/rotated-*; do # the names are seconds and sort by time
    number=$((number + 1))
    mv "$file" "$work/rotated-$number.pcap"
  done
  [[ $number == 2 ]]
  keep rotated-1.pcap rotated-2.pcap
}
midstream() {
  start_memcached
  raw midstream "$server_host" "$server_port" "$work/go" &
  local client=$!
  pids+=("$client")
  sleep 1
  start_tcpdump "$work/midstream.pcap" "port $server_port" -i lo
  touch "$work/go"
  wait "$client"
  stop_recorder
  keep midstream.pcap
}

# --- other protocols beside it ------------------------------------------------------------------------------------

mixed() {
  start_memcached
  local tls_port http_port
  tls_port=$(free_port)
  http_port=$(free_port)
  openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost -keyout "$work/key.pem" -out "$work/cert.pem" \
    2>/dev/null
  timeout 60 openssl s_server -accept "127.0.0.1:$tls_port" -key "$work/key.pem" -cert "$work/cert.pem" -www -quiet \
    >/dev/null 2>&1 &
  pids+=($!)
  mkdir "$work/www" && echo "hello" >"$work/www/index.html"
  timeout 60 "$python" -m http.server --bind 127.0.0.1 --directory "$work/www" "$http_port" >/dev/null 2>&1 &
  pids+=($!)
  wait_until_listening 127.0.0.1 "$tls_port"
  wait_until_listening 127.0.0.1 "$http_port"
  start_tcpdump "$work/mixed.pcap" "port $server_port or port $tls_port or port $http_port" -i lo
  raw text "$server_host" "$server_port"
  raw small_talk "$server_host" "$server_port"
  printf 'GET / HTTP/1.0\r\n\r\n' |
    timeout 10 openssl s_client -quiet -connect "127.0.0.1:$tls_port" >/dev/null 2>&1 || true
  "$python" -c "import urllib.request as u; u.urlopen('http://127.0.0.1:$http_port/').read()"
  raw text "$server_host" "$server_port"
  stop_recorder
  keep mixed.pcap
}

all=(memccapable-ipv4 memccapable-ipv6 memcslap-set memcslap-mget memcaslap bmemcached pylibmc pylibmc-quiet memjs
  opcodes quiet errors unknown-body cas numeric expiry flush-delay stats concurrent segments port-reuse large udp
  any-sll any-sll2 nanosecond ng compressed rotated midstream mixed)

if [[ ${1:-} == --list ]]; then
  printf '%s\n' "${all[@]}"
  exit
fi
mkdir -p "$out"
for name in "${@:-"${all[@]}"}"; do
  [[ " ${all[*]} " == *" $name "* ]] || { echo "no capture is called $name (see --list)" >&2; exit 2; }
  echo "$name"
  pids=()
  "$name"
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "${work:?}"/*
done
