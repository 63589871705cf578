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

wrong "which command?"
wrong "no command 'verfy'" verfy
wrong "--nonsense" --nonsense
wrong "which capture?" verify
wrong "which capture?" inspect
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
wrong "--port: '80x' is not a number" verify --port 80x "$good"
wrong "--show: '-1' is not a number" verify --show=-1 "$good"
wrong "--show: ' 1' is not a number" verify --show ' 1' "$good"
wrong "--show: '' is not a number" verify --show '' "$good"
wrong "--max-loss: 'all' is not a number" verify --max-loss all "$good"
wrong "--max-loss: '99999999999999999999' is not a number" verify --max-loss 99999999999999999999 "$good"
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

# A filter that does not compile is found out when a capture is opened.
expect 2 verify --filter 'tcp port' "$good"
contains "$out" "filter 'tcp port'" "a filter that does not compile"
expect 2 inspect --filter 'tcp port' "$good"
contains "$err" "filter 'tcp port'" "a filter that does not compile"

# Options may stand behind the captures, and -- ends them.
expect 0 verify "$good" --show 3 --writer append
expect 0 verify -q -- "$good"

finish
