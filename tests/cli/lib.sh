# shellcheck shell=bash source-path=SCRIPTDIR
# What the tests here share. Each is called with the program, the project's folder and its version,
# and says at its end how many checks failed.
set -u
export LC_ALL=C
unset NO_COLOR ARGP_HELP_FMT

kvreplay=$1
project=$2
version=$3
corpus=$project/corpus
failures=0

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

# expect STATUS ARGUMENT...: runs the program; its output is in $out and $err.
expect() {
    local expected=$1 status
    shift
    out=$("$kvreplay" "$@" 2>"$scratch/err" </dev/null)
    status=$?
    err=$(cat "$scratch/err")
    if [ "$status" != "$expected" ]; then
        fail "exit status $status instead of $expected: kvreplay $*"
        printf '%s\n%s\n' "$out" "$err" | sed 's/^/    /'
    fi
}

# contains TEXT WANTED WHAT
contains() {
    case $1 in
    *"$2"*) ;;
    *)
        fail "$3: '$2' is not in:"
        printf '%s\n' "$1" | sed 's/^/    /'
        ;;
    esac
}

# lacks TEXT UNWANTED WHAT
lacks() {
    case $1 in
    *"$2"*) fail "$3: '$2' is in: $1" ;;
    esac
}

# equal IS EXPECTED WHAT
equal() {
    if [ "$1" != "$2" ]; then
        fail "$3: '$1' instead of '$2'"
    fi
}

finish() {
    [ "$failures" = 0 ] || echo "$failures checks failed"
    [ "$failures" = 0 ]
    exit
}
