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

# What can't be opened or decompressed is not passed over, nor waited for.
mkdir "$scratch/odd"
cp "$good" "$scratch/odd/rotated.pcap12.gz"
expect 0 verify "$scratch/odd"
contains "$out" "6 server frames" "a rotated file"
mkfifo "$scratch/odd/fifo.pcap"
ln -s /dev/zero "$scratch/odd/zero.pcap"
for format in "xz:\\3757zXZ\\0" "bz2:BZh91AY" "lz4:\\004\\042M\\030"; do
    printf "${format#*:}" >"$scratch/odd/packed.pcap.${format%%:*}"
done
expect 3 verify "$scratch/odd"
for name in fifo.pcap zero.pcap packed.pcap.xz packed.pcap.bz2 packed.pcap.lz4; do
    contains "$out" "odd/$name: " "$name in a folder"
done
contains "$out" "fifo.pcap: no regular file, which is read only if it is named itself" "a FIFO"
contains "$out" "it is compressed with xz: decompress it first" "xz"
for name in packed.pcap.zip packed.pcapng.7z packed.pcap.Z packed.cap.lzma PACKED.PCAP.XZ packed.pcap.1; do
    mkdir "$scratch/other"
    cp "$good" "$scratch/other"
    printf '7z\274\257' >"$scratch/other/$name"
    expect 3 verify "$scratch/other"
    contains "$out" "other/$name: byte 0: not a capture that can be read: it is compressed with 7z" "$name"
    rm -r "$scratch/other"
done
expect 3 bench --from "$scratch/odd" --sinks memory --repeat 1 --time 1
contains "$err" "fifo.pcap: no regular file" "bench of a folder with a FIFO"
contains "$("$kvreplay" inspect "$scratch/odd/zero.pcap" 2>&1)" "zero.pcap: not a capture" "a device"
cat "$different" >"$scratch/odd/fifo.pcap" &
expect 1 verify "$scratch/odd/fifo.pcap"
wait

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

# Captures one behind the other are none: that is said where the next one begins.
one=$corpus/captures/cas.pcap ng=$corpus/captures/ng.pcapng
for second in "$corpus/captures/pylibmc.pcap" "$corpus/captures/nanosecond.pcap" "$ng" \
    "$corpus/made/big-endian.pcap" "$corpus/made/big-endian-nano.pcap" "$corpus/made/big-endian.pcapng"; do
    cat "$one" "$second" >"$scratch/both"
    expect 3 verify "$scratch/both"
    contains "$out" "after packet 59: another capture follows; mergecap" "$second behind"
    contains "$out" " 25        25 " "$second behind"
done
cat "$ng" "$one" >"$scratch/both"
expect 3 verify "$scratch/both"
contains "$out" "another capture follows; mergecap" "pcap behind pcapng"
{ cat "$one"; head -c 24 "$one"; } >"$scratch/both"
expect 3 inspect "$scratch/both"
contains "$err" "after packet 59: another capture follows" "one without packets behind"

finish
