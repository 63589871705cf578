# shellcheck shell=bash source-path=SCRIPTDIR
# --version and --help, and what is said about wrong usage.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
good=$corpus/damaged/whole.pcap.gz

expect 0 --version
equal "$(printf '%s\n' "$out" | head -n 1)" "kvreplay $version" "the first line of --version"
contains "$out" "libevent 2." "--version"
contains "$out" "libpcap version" "--version"
expect 0 -V

expect 0 --help
contains "$out" "verify" "--help"
contains "$out" "inspect" "--help"
contains "$out" "COMMAND --help" "--help"
expect 0 verify --help
contains "$out" "reserve" "the writers in verify --help"
expect 0 inspect --help
expect 0 verify --usage

# wrong WANTED ARGUMENT...: exit status 2, and a message that has WANTED.
wrong() {
    local wanted=$1
    shift
    expect 2 "$@"
    equal "$out" "" "standard output of kvreplay $*"
    contains "$err" "$wanted" "kvreplay $*"
    contains "$err" "--help" "the hint of kvreplay $*"
}

# Arguments may hold anything; a terminal gets none of it as a control character.
escape=$(printf 'a\033[31mb')
shown='a\x1b[31mb'
wrong "no command '$shown'" "$escape"
for command in verify replay inspect bench anonymise corpus serve record; do
    wrong "$shown" "$command" "--$escape"
done
wrong "--writer: there is no writer '$shown'" verify --writer "$escape" "$good"
wrong "--port: '$shown' is not a number" inspect --port "$escape" "$good"
wrong "'$shown' is not of the form" replay --to "$escape" "$good"
expect 3 inspect "$escape"
contains "$err" "$shown" "a path that is not there"
expect 70 record -l 127.0.0.1:0 --to 127.0.0.1:1 -o "$escape/none"
contains "$err" "$shown" "a file that can't be written"
expect 0 corpus --target frame -o "$scratch/$escape" "$good"
contains "$out" "$shown" "a folder of seeds"

wrong "missing operand: COMMAND"
wrong "no command 'verfy'" verfy
wrong "--nonsense" --nonsense
wrong "missing operand: CAPTURE" verify
wrong "missing operand: CAPTURE" inspect
wrong "--nonsense" verify --nonsense "$good"
wrong "--version" verify --version "$good"
wrong "--writer: there is no writer 'fast'" verify --writer fast "$good"
wrong "--reference: there is no writer 'fast'" verify --reference fast "$good"
wrong "'batch' is the writer under test" verify --reference batch "$good"
wrong "--state: 'warm' is not one of adopt, cold" verify --state warm "$good"
wrong "--color: 'red' is not one of auto, always, never" verify --color=red "$good"
wrong "--mask: mask 'cas'" verify --mask cas "$good"
wrong "--mask: mask 'GET:opaque'" verify --mask GET:opaque "$good"
wrong "no opcode 'GETX'" verify --mask GETX:cas "$good"
wrong "--port: 0 is not between 1 and 65535" verify --port 0 "$good"
wrong "--port: 65536 is not between 1 and 65535" verify --port 65536 "$good"
wrong "--port: '80x' is not a number" verify --port 80x "$good"
wrong "--show: '-1' is not a number" verify --show=-1 "$good"
wrong "--show: ' 1' is not a number" verify --show ' 1' "$good"
wrong "--show: '' is not a number" verify --show '' "$good"
wrong "--max-loss: 'all' is not a number" verify --max-loss all "$good"
wrong "--max-loss: 99999999999999999999 is not between 0 and 9223372036854775807" verify --max-loss 99999999999999999999 "$good"
wrong "--require-compared: 'x' is not a number" verify --require-compared x "$good"
wrong "--require-executed: '1.5' is not a number" verify --require-executed 1.5 "$good"
wrong "--item-size-max: '1t' is not a size" verify --item-size-max 1t "$good"
wrong "--item-size-max: '1kb' is not a size" verify --item-size-max 1kb "$good"
wrong "--item-size-max: 2g is not between 1024 and 1073741824 bytes" verify --item-size-max 2g "$good"
wrong "--frame-max: 18446744073709551615k is not between" verify --frame-max 18446744073709551615k "$good"
wrong "--max-connections: 0 is not between" verify --max-connections 0 "$good"
wrong "--max-held: 'm' is not a size" verify --max-held m "$good"
wrong "--max-pending: 1 is not between" verify --max-pending 1 "$good"
wrong "--json and --junit both write to 'x'" verify --json x --junit x "$good"
wrong "--quiet and --verbose" verify -qv "$good"
wrong "--opcode: there is no opcode 'GETX'" inspect --opcode GETX "$good"
wrong "--status: there is no status 'FINE'" inspect --status FINE "$good"
wrong "--connection: 0 is not between" inspect --connection 0 "$good"

# Names are not empty.
wrong "CAPTURE: an empty name" verify ""
wrong "CAPTURE: an empty name" verify "$good" ""
wrong "CAPTURE: an empty name" inspect ""
wrong "CAPTURE: an empty name" replay --to unix:none ""
wrong "CAPTURE: an empty name" corpus --target frame -o "$scratch/seeds" ""
wrong "CAPTURE: an empty name" anonymise "" -o "$scratch/x"
wrong "--output: an empty name" anonymise "$good" -o ""
wrong "--key-file: an empty name" anonymise "$good" -o "$scratch/x" --key-file ""
wrong "--json: an empty name" verify --json "" "$good"
wrong "--junit: an empty name" replay --to unix:none --junit "" "$good"
wrong "--tls-ca: an empty name" replay --to unix:none --tls --tls-ca "" "$good"
wrong "--from: an empty name" bench --from ""
wrong "--plot: an empty name" bench --plot ""
wrong "--output: an empty name" corpus --target frame -o "" "$good"
wrong "--to-pcap: an empty name" corpus --to-pcap "" -o "$scratch/x"
wrong "--socket: an empty name" serve -s ""
wrong "--tls-cert: an empty name" serve --tls-cert ""
wrong "--tls-key: an empty name" serve --tls-key ""
wrong "--output: an empty name" record -l 127.0.0.1:0 --to 127.0.0.1:1 -o ""
wrong "--tls-cert: an empty name" record -l 127.0.0.1:0 --to 127.0.0.1:1 --tls-cert ""
wrong "--tls-key: an empty name" record -l 127.0.0.1:0 --to 127.0.0.1:1 --tls-key ""
wrong "--tls-ca: an empty name" record -l 127.0.0.1:0 --to 127.0.0.1:1 --tls-ca ""
wrong "--interface: an empty name" record --interface "" -o "$scratch/x"

# A filter that suits no capture is wrong before one is opened, and said once.
for command in verify inspect "replay --to unix:none"; do
    # shellcheck disable=SC2086
    wrong "--filter: filter 'tcp port': " $command --filter 'tcp port' "$scratch/none" "$good" "$good"
    equal "$(printf '%s\n' "$err" | grep -c "filter 'tcp port'")" 1 "$command: a bad filter"
done
wrong "--filter: filter 'tcp port': " bench --from "$good" --filter 'tcp port'
# One that suits some only is wrong for the others.
expect 0 verify -q --filter 'ether proto 0x0800' "$good"
expect 2 verify --filter 'ether multicast' "$corpus/captures/any-sll.pcap"
contains "$out" "filter 'ether multicast': " "a filter that does not suit"
expect 0 verify -q --filter 'inbound or outbound' "$corpus/captures/any-sll.pcap"

# What is no socket is in a socket's way, and said to be what it is.
echo kept >"$scratch/file"
mkdir "$scratch/folder"
ln -s file "$scratch/link"
mkfifo "$scratch/fifo"
for kind in 'file:a regular file' 'folder:a folder' 'link:a symbolic link' 'fifo:a FIFO'; do
    expect 70 serve -s "$scratch/${kind%%:*}"
    contains "$err" "$scratch/${kind%%:*}: it is ${kind#*:}" "serve where a file is"
    expect 70 record -l "unix:$scratch/${kind%%:*}" --to unix:none -o "$scratch/none"
    contains "$err" "it is ${kind#*:}" "record where a file is"
done
equal "$(cat "$scratch/file")" kept "the file that was there"

# Options may stand behind the captures, and -- ends them.
expect 0 verify "$good" --show 3 --writer append
expect 0 verify -q -- "$good"

finish
