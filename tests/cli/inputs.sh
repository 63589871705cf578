# shellcheck shell=bash source-path=SCRIPTDIR
# What may be named as a capture: files, folders, standard input.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
good=$corpus/damaged/whole.pcap.gz
different=$corpus/damaged/changed-value.pcap

# Standard input, also compressed.
out=$("$kvreplay" verify -q - <"$good") || fail "standard input: status $?"
contains "$out" "identical: 6 server frames" "standard input"
"$kvreplay" verify -q - <"$different" >"$scratch/out"
equal $? 1 "status of a difference on standard input"
contains "$(cat "$scratch/out")" "where      -, packet" "a difference on standard input"
gzip -dc "$good" | "$kvreplay" inspect - | grep -q '^# capture -$' || fail "inspect of a pipe"
expect 3 verify -
contains "$out" "UNREADABLE" "an empty standard input"

# A folder stands for the captures in it, in order of name.
mkdir "$scratch/folder" "$scratch/folder/within" "$scratch/empty"
cp "$good" "$scratch/folder/b.pcap.gz"
cp "$different" "$scratch/folder/a.pcap"
cp "$different" "$scratch/folder/within/c.pcap"
echo "no capture" >"$scratch/folder/README"
expect 1 verify --json - "$scratch/folder"
equal "$(printf '%s\n' "$out" | sed -n 's/^      "file": //p')" \
    "\"$scratch/folder/a.pcap\",
\"$scratch/folder/b.pcap.gz\"," "the files of a folder"

# A folder without a capture is no evidence; the rest still runs.
expect 4 verify "$scratch/empty"
contains "$out" "a folder without captures" "an empty folder"
expect 4 verify "$scratch/empty" "$good"
expect 4 inspect "$scratch/empty" "$good"
contains "$out" "# capture $good" "a capture behind an empty folder"
contains "$err" "a folder without captures" "inspect of an empty folder"

# What is not there can't be read.
expect 3 verify "$scratch/none.pcap" "$good"
contains "$out" "none.pcap: No such file or directory" "a file that is not there"
expect 3 inspect "$scratch/none.pcap"
contains "$err" "none.pcap: No such file or directory" "a file that is not there"
if [ "$(id -u)" != 0 ]; then
    mkdir -m 0 "$scratch/closed"
    expect 3 verify "$scratch/closed" "$good"
    contains "$out" "closed: Permission denied" "a folder that can't be read"
fi

# Names reach the terminal without control characters.
cp "$good" "$scratch/$(printf 'odd\033[31m\nname').pcap"
expect 0 verify "$scratch/$(printf 'odd\033[31m\nname').pcap"
contains "$out" 'odd\x1b[31m\x0aname.pcap' "a name with control characters"

# The same file twice is two captures.
expect 1 verify --json "$scratch/twice" "$different" "$different"
equal "$(grep -c '"field": "value+6"' "$scratch/twice")" 2 "differences of a file named twice"
equal "$(grep -c '"differences_found": 1' "$scratch/twice")" 2 "and how many each has"

finish
