# shellcheck shell=bash source-path=SCRIPTDIR
# The command: what it refuses, what it leaves behind, what it says.
# shellcheck source=../cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
capture=$corpus/captures/pylibmc.pcap
umask 077
head -c 32 /dev/urandom >"$scratch/key"
head -c 15 /dev/urandom >"$scratch/short"
mkdir "$scratch/results"
result=$scratch/results/result.pcap

# nothing_left WHAT: neither a result nor a part of one.
nothing_left() {
    [ -z "$(ls -A "$scratch/results")" ] || fail "$1: left behind: $(ls -A "$scratch/results")"
}

expect 2 anonymise -o "$result"
contains "$err" "missing operand: CAPTURE" "no capture"
expect 2 anonymise "$capture"
contains "$err" "-o FILE is required" "no output"
expect 2 anonymise "$capture" "$capture" -o "$result"
contains "$err" "one capture at a time" "two captures"
expect 2 anonymise -qv "$capture" -o "$result"
expect 2 anonymise --key-file "$scratch/short" "$capture" -o "$result"
contains "$err" "15 bytes; a secret has 16 to 4096" "a short secret"
head -c 4097 /dev/zero >"$scratch/long"
expect 2 anonymise --key-file "$scratch/long" "$capture" -o "$result"
contains "$err" "at least 4097 bytes; a secret has 16 to 4096" "a long secret"
printf '%032d\n' 1 >"$scratch/weak"
expect 2 anonymise --key-file "$scratch/weak" "$capture" -o "$result"
contains "$err" "$scratch/weak: at most " "a secret of zeros"
for mode in 640 620 604 602; do
    cp "$scratch/key" "$scratch/shared"
    chmod $mode "$scratch/shared"
    expect 2 anonymise --key-file "$scratch/shared" "$capture" -o "$result"
    contains "$err" "$scratch/shared: others can read or write it" "a secret with mode $mode"
done
expect 3 anonymise --key-file "$scratch/none" "$capture" -o "$result"
contains "$err" "$scratch/none" "a secret that is not there"
expect 3 anonymise "$scratch/none.pcap" -o "$result"
expect 3 anonymise "$corpus" -o "$result"
expect 2 anonymise "$capture" -o "$scratch"
contains "$err" "it is not a file" "a folder for output"
# A link stays one, also one to standard output.
: >"$scratch/real.pcap"
ln -s real.pcap "$scratch/link.pcap"
ln -s /proc/self/fd/1 "$scratch/stdout"
expect 0 anonymise -q "$capture" -o "$scratch/link.pcap"
"$kvreplay" anonymise -q "$capture" -o "$scratch/stdout" >"$scratch/written"
status "standard output by a link" 0
for file in link.pcap stdout; do
    [ -L "$scratch/$file" ] || fail "$file is no link any more"
done
equal "$(wc -c <"$scratch/real.pcap") $(wc -c <"$scratch/written")" \
    "$(wc -c <"$capture") $(wc -c <"$capture")" "what links lead to"
expect 2 anonymise "$capture" -o -
contains "$err" "--output: '-'" "standard output"
[ ! -e - ] || fail "a file named -"
for limited in anonymise verify; do
    status=$(ulimit -f 8; case $limited in
        anonymise) "$kvreplay" anonymise -q "$capture" -o "$result" ;;
        verify) "$kvreplay" verify -q --json "$scratch/limited.json" "$corpus/captures" ;;
    esac >/dev/null 2>"$scratch/limited"; echo $?)
    equal "$status" 70 "$limited where files may not grow"
    contains "$(cat "$scratch/limited")" "File too large" "$limited where files may not grow"
done
gzip -c "$capture" >"$scratch/early.pcap.gz"
export TMPDIR=$scratch/none
expect 3 anonymise "$scratch/early.pcap.gz" -o "$result"
unset TMPDIR
contains "$err" "can't be decompressed in $scratch/none: No such file" "no temporary folder"
# A file for what is decompressed that can't take it; what is no capture needs no file, and is not decompressed to its end.
status=$(ulimit -f 8; "$kvreplay" anonymise -q "$scratch/early.pcap.gz" -o "$result" 2>"$scratch/limited"; echo $?)
equal "$status" 3 "a packed capture where files may not grow"
contains "$(cat "$scratch/limited")" "early.pcap.gz: can't be decompressed in /tmp: File too large (TMPDIR" "... and the reason"
head -c 100M /dev/zero | gzip -1 >"$scratch/zeros.gz"
head -c 100M /dev/zero | zstd -qc >"$scratch/zeros.zst"
for packed in "$scratch/zeros.gz" "$scratch/zeros.zst" -; do
    status=$(ulimit -f 8; export TMPDIR=$scratch/none
        "$kvreplay" anonymise -q "$packed" -o "$result" <"$scratch/zeros.gz" 2>"$scratch/limited"; echo $?)
    equal "$status" 3 "$packed, which is no capture"
    contains "$(cat "$scratch/limited")" "$packed: not a capture: it begins as neither pcap nor pcapng" "$packed"
done
expect 70 anonymise "$capture" -o "$scratch/no/folder.pcap"
contains "$err" "can't be written" "an output that can't be made"
for damaged in record-body-cut.pcap cut.pcap.zst block-trailer.pcapng empty.pcap text.pcap; do
    expect 3 anonymise "$corpus/damaged/$damaged" -o "$result"
    contains "$err" "$corpus/damaged/$damaged" "the name of what can't be read"
done
nothing_left "after refusals"

cp "$capture" "$scratch/same.pcap"
ln "$scratch/same.pcap" "$scratch/linked.pcap"
for name in same linked; do
    expect 2 anonymise "$scratch/same.pcap" -o "$scratch/$name.pcap"
    contains "$err" "--output: '$scratch/$name.pcap' is to be read" "$name"
done
head -c 32 /dev/urandom >"$scratch/only-key"
chmod 600 "$scratch/only-key"
expect 2 anonymise --key-file "$scratch/only-key" "$capture" -o "$scratch/./only-key"
contains "$err" "--output: '$scratch/./only-key' is to be read" "a capture over its secret"
equal "$(stat -c %s "$scratch/only-key")" 32 "the size of the secret"
cmp -s "$capture" "$scratch/same.pcap" || fail "the capture has changed"

# What was there stays if nothing comes of it, and is replaced as a whole otherwise.
echo before >"$result"
expect 3 anonymise "$corpus/damaged/text.pcap" -o "$result"
equal "$(cat "$result")" before "the file that was there"
expect 0 anonymise --key-file "$scratch/key" "$capture" -o "$result"
contains "$err" "replaced      132 keys, 78 values" "the summary"
contains "$err" "ledger        13,807 payload bytes" "the summary"
contains "$err" "flagged       3 numbers kept" "the summary"
equal "$(ls -A "$scratch/results")" result.pcap "what is left"

# Through a pipe, and packed: the same bytes.
"$kvreplay" anonymise -q --key-file "$scratch/key" - -o "$scratch/piped.pcap" <"$capture" || fail "a pipe"
cmp -s "$result" "$scratch/piped.pcap" || fail "other bytes through a pipe"
gzip -c "$capture" >"$scratch/packed.pcap.gz"
expect 0 anonymise -q --key-file "$scratch/key" "$scratch/packed.pcap.gz" -o "$scratch/decompressed.pcap"
equal "$err" "" "what --quiet prints"
cmp -s "$result" "$scratch/decompressed.pcap" || fail "other bytes of a packed capture"

# Without a key no two runs are alike.
expect 0 anonymise -q "$capture" -o "$scratch/first.pcap"
expect 0 anonymise -q "$capture" -o "$scratch/second.pcap"
cmp -s "$scratch/first.pcap" "$scratch/second.pcap" && fail "two random keys made the same bytes"

expect 0 anonymise -v "$corpus/made/datatypes.pcap" -o "$result"
contains "$err" "the datatype still says snappy" "snappy values"
contains "$err" " with opcode SET" "the opcodes of snappy values"

# Blocks of pcapng that may hold anything are emptied: here the secrets of TLS.
python3 - "$corpus/captures/ng.pcapng" "$scratch/secrets.pcapng" <<'END'
import struct, sys
text = b"CLIENT_RANDOM 0123456789abcdef fedcba9876543210\n"
body = struct.pack("<II", 0x544C534B, len(text)) + text + bytes(-len(text) % 4)
block = struct.pack("<II", 10, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))
open(sys.argv[2], "wb").write(open(sys.argv[1], "rb").read() + block)
END
expect 0 anonymise "$scratch/secrets.pcapng" -o "$result"
contains "$err" "1 pcapng block emptied" "a block with secrets"
grep -q CLIENT_RANDOM "$result" && fail "secrets are still there"
expect 0 verify -q "$result"

# Behind a packet: its padding, a custom option, and what is no list of options; pcapng's own options stay.
python3 - "$scratch/behind.pcapng" <<'END'
import struct, sys
def block(kind, body):
    return struct.pack("<II", kind, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))
def option(code, data):
    return struct.pack("<HH", code, len(data)) + data + bytes(-len(data) % 4)
def packet(behind):
    return block(6, struct.pack("<IIIII", 0, 0, 0, 30, 30) + bytes(12) + b"\x12\x34" + bytes(16) + behind)
start = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)) + block(1, struct.pack("<HHI", 1, 0, 65535))
custom = option(1, b"remark") + option(2988, b"\1\0\0\0CUSTOM-OPTION") + option(2, b"FLAG")
open(sys.argv[1], "wb").write(start + packet(b"#%" + custom) + packet(b"#%NO-OPTIONS-AT-ALL-HERE--"))
END
expect 0 anonymise "$scratch/behind.pcapng" -o "$result"
grep -qa -e '#%' -e CUSTOM -e OPTIONS "$result" && fail "what lies behind packets is still there"
for kept in remark FLAG; do
    grep -qa "$kept" "$result" || fail "$kept is gone"
done
contains "$err" "1 pcapng option emptied" "the custom option"
expect 4 inspect "$result" # it can be read to its end, but there are no frames in it

# Killed at work, it leaves nothing behind (where the file system has files without a name), and what was there as it
# was. Polled for until the file to be written is open, so the capture has to take a while.
python3 - "$capture" "$scratch/long.pcap" <<'END'
import sys
bytes = open(sys.argv[1], "rb").read()
open(sys.argv[2], "wb").write(bytes[:24] + 4000 * bytes[24:])
END
echo before >"$scratch/results/long.pcap"
"$kvreplay" anonymise -q "$scratch/long.pcap" -o "$scratch/results/long.pcap" &
pid=$!
while ! readlink /proc/$pid/fd/* | grep -q "^$scratch/results/"; do
    kill -0 $pid 2>/dev/null || break
done
kill -KILL $pid || fail "it was over before it could be killed"
wait $pid 2>/dev/null
equal "$(cat "$scratch/results/long.pcap")" before "the file that was there, when killed"
rm "$scratch/results/long.pcap"
if python3 -c 'import os, sys; os.open(sys.argv[1], os.O_TMPFILE | os.O_RDWR)' "$scratch/results" 2>/dev/null; then
    equal "$(ls -A "$scratch/results")" result.pcap "what is left when killed"
fi

# Equal keys stay equal over connections, and different ones different.
keys() {
    "$kvreplay" inspect "$1" | sed -n 's/.* key=\(".*\)/\1/p' | sed 's/" value=.*/"/' |
        awk '{ if (!($0 in n)) n[$0] = ++c; print n[$0] }'
}
shared=$corpus/captures/concurrent.pcap
expect 0 anonymise -q "$shared" -o "$result"
equal "$(keys "$result" | cksum)" "$(keys "$shared" | cksum)" "which keys are equal"
[ "$(keys "$shared" | sort -u | wc -l)" -gt 8 ] || fail "too few keys"

finish
