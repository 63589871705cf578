# shellcheck shell=bash
# libmemcached's tools, and what they come to. Usage: HOST PORT
set -u
server=$1:$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1

# run TOOL ARGUMENT...: its output and exit status.
run() {
    echo "$ $*"
    "$1" --binary --servers="$server" "${@:2}" 2>&1
    echo "= $?"
}

echo "a value" >first
head -c 300000 /dev/zero | tr '\0' 'x' >second

run memcping
run memccp first
run memccp --add first
run memccp --replace second
run memccp --flag=7 --expire=1000 second
run memccat first
run memcexist first
run memcexist nothing
run memctouch --expire=500 first
run memcrm first
run memcrm first
run memccat first
run memccat second | cksum
run memcflush
run memccat second

echo "$ memccapable"
memccapable -b -h "$1" -p "$2" 2>&1
echo "= $?"
echo "$ memcslap"
for test in set get mget; do
    memcslap --binary --servers="$server" --concurrency=4 --execute-number=300 --test=$test \
        --initial-load=1000 --flush 2>&1 | grep -o '^Time to [a-z]* *[0-9]* keys by *[0-9]* threads'
done
echo "$ memcaslap, one request at a time and many"
for depth in 1 20; do
    memcaslap --binary --servers="$server" --threads=2 --concurrency=8 --execute_number=20000 \
        --division="$depth" --verify=0.5 2>&1 | grep -e '^cmd_' -e '^get_misses' -e '^verify_'
done
