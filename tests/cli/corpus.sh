# shellcheck shell=bash source-path=SCRIPTDIR
# Captures cut into seeds, and an input made into a capture again.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
capture=$project/corpus/made/frame-info-response.pcap
recorded=$project/corpus/captures/opcodes.pcap

for target in anonymise decode execute frame frameinfo inspect oom reassembly response savefile verify; do
    "$kvreplay" corpus "$capture" -o "$scratch/$target" --target "$target" >"$scratch/out" ||
        fail "$target: exit status $?"
    [ -n "$(ls "$scratch/$target")" ] || fail "no seeds for $target"
    [ -z "$(find "$scratch/$target" -size +8)" ] || fail "a seed for $target is over 4096 bytes"
done

# A seed that is cut from packets is a capture with what the whole one has.
"$kvreplay" corpus "$recorded" -o "$scratch/again" --target savefile >/dev/null
for seed in "$scratch"/again/*; do
    "$kvreplay" inspect "$seed" >"$scratch/out" 2>&1 || [ $? -eq 4 ] || fail "$seed is no capture"
done

# The same seeds are not written twice, whatever the capture is called.
cp "$capture" "$scratch/copy.pcap"
"$kvreplay" corpus "$capture" "$scratch/copy.pcap" -o "$scratch/twice" --target frame >/dev/null
equal "$(ls "$scratch/twice")" "$(ls "$scratch/frame")" "seeds of a capture and its copy"

# A stream becomes a capture with the same requests.
"$kvreplay" corpus "$recorded" -o "$scratch/stream" --target execute >/dev/null
for seed in "$scratch"/stream/*; do
    "$kvreplay" corpus --to-pcap "$seed" -o "$scratch/stream.pcap" || fail "--to-pcap $seed"
    frames=$("$kvreplay" inspect "$scratch/stream.pcap" | grep -c ' > ')
    [ "$frames" -ge 1 ] || fail "no frame in the capture made of $seed"
done

wrong() { # message, arguments
    local message=$1
    shift
    "$kvreplay" corpus "$@" >"$scratch/out" 2>&1 && fail "no error: $*"
    grep -q -- "$message" "$scratch/out" || fail "not said of $*: $message"
}
wrong "-o PATH is required" "$capture" --target frame
wrong "missing operand: CAPTURE" -o "$scratch/x" --target frame
wrong "--target NAME is required" "$capture" -o "$scratch/x"
wrong "'mask' is not one of anonymise, decode, execute" "$capture" -o "$scratch/x" --target mask
wrong "takes neither" --to-pcap "$capture" -o "$scratch/x" --target frame
wrong "No such file" --to-pcap "$scratch/missing" -o "$scratch/x"
wrong "No such file" "$capture" -o "$scratch/no/folder" --target frame
wrong "missing.pcap" "$scratch/missing.pcap" -o "$scratch/x" --target frame

finish
