# shellcheck shell=bash source-path=SCRIPTDIR
# The lines of inspect, and which are picked.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
capture=$corpus/damaged/changed-cas.pcap

expect 0 inspect "$capture"
contains "$out" "# capture $capture
# conn=1 tcp client=192.0.2.1:40001 server=192.0.2.2:11311 start=recorded
4 2023-11-14T22:13:20.000300Z conn=1 > SET magic=0x80 opaque=0x00000001 vbucket=0 datatype=0x00 cas=0 body=27 \
extras=0000000000000000 key=\"key:0\" value=14:\"value number 0\"
5 2023-11-14T22:13:20.000400Z conn=1 < SET magic=0x81 opaque=0x00000001 status=SUCCESS datatype=0x00 cas=1 body=0
" "the first lines"
contains "$out" "# total packets=18 connections=1 client-frames=6 server-frames=6 bytes=438" "the last line"

# frames ARGUMENT...: how many frames are printed.
frames() {
    expect 0 inspect "$@"
    count=$(printf '%s\n' "$out" | grep -c '^[0-9]')
}
frames "$capture"
equal "$count" 12 "all frames"
frames --opcode get "$capture"
equal "$count" 6 "frames of GET"
frames --opcode get --opcode 0x01 "$capture"
equal "$count" 12 "frames of two opcodes"
frames --key key:1 "$capture"
equal "$count" 2 "frames with a key"
frames --key 'key:*' "$capture"
equal "$count" 6 "frames with the beginning of a key"
frames --key '\x6bey:1' "$capture"
equal "$count" 2 "frames with an escaped key"
frames --key '\x6bey:1\x2a' "$capture"
equal "$count" 0 "an escaped asterisk is one"
frames --status success "$capture"
equal "$count" 6 "frames with a status"
frames --status 0x00 --opcode GET "$capture"
equal "$count" 3 "two conditions"
frames --connection 2 "$capture"
equal "$count" 0 "frames of a connection that there is not"
contains "$err" "no frame is as --connection" "that nothing was found"
frames --connection 1 "$capture"
equal "$count" 12 "frames of a connection"
contains "$out" "# conn=1 closed" "the end of a connection"
frames --opcode authenticate "$corpus/made/server-request.pcap"
equal "$count" 2 "a request of the server's and the answer"
contains "$out" "< AUTHENTICATE magic=0x82" "a request of the server's"

expect 0 inspect -x --opcode GET --status SUCCESS "$capture"
contains "$out" '
    +16     00 00 00 00 00 00 00 42  00 00 00 00 76 61 6c 75  |.......B....valu|
    +32     65 20 6e 75 6d 62 65 72  20 31                    |e number 1|
' "the bytes of a frame"

expect 0 inspect "$corpus/made/frame-info-response.pcap"
contains "$out" " frame-info=0:0123 extras=00000000 value=16:\"with frame infos\"" "frame infos"
expect 0 inspect "$corpus/damaged/server-magic.pcap"
contains "$out" "# conn=1 malformed from=server packet=11 time=2023-11-14T22:13:20.001000Z bytes=42" "malformed"
expect 0 inspect "$corpus/damaged/key-over-body.pcap"
expect 0 inspect "$corpus/made/udp.pcap"
contains "$out" "udp-request=1" "UDP"

expect 0 inspect --json "$capture"
contains "$(printf '%s\n' "$out" | sed -n 3p)" '{"event":"frame",' "a frame in JSON"
equal "$(printf '%s\n' "$out" | grep -vc '^{.*}$')" 0 "lines that are no object"

expect 4 inspect "$corpus/damaged/not-mcbp.pcap"
contains "$err" "no frame of the memcached binary protocol" "a capture without MCBP"
expect 3 inspect "$corpus/damaged/text.pcap"
expect 3 inspect "$corpus/damaged/block-length-odd.pcapng" "$capture"
contains "$out" "# capture $capture" "a capture behind a damaged one"

finish
