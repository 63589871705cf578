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

# Couchbase's dialect. line PATTERN: the first line of $out with it.
couchbase=$scratch/couchbase.pcap
python3 -B "$(dirname "$0")/couchbase_capture.py" "$corpus" "$couchbase"
line() { printf '%s\n' "$out" | grep -m 1 -e "$1"; }
frames --key abc "$couchbase"
equal "$count" 21 "frames with a key, whatever its collection"
frames --key '\x85\x0aabc' "$couchbase"
equal "$count" 1 "frames with a key in a collection"
frames --opcode ioctl_get "$couchbase"
equal "$count" 2 "frames of an opcode that memcached has, too"

expect 0 inspect "$couchbase"
contains "$(line '> HELLO')" ',COLLECTIONS,PRESERVE_TTL,0x7777' "what HELLO asks for"
contains "$(line '> SET ')" 'collection=0x8 key="abc" value=7:"{\"n\":1}" datatype-bits=JSON durability=' "a change"
contains "$(line '> SET ')" ' durability=MAJORITY durability-timeout-ms=2250 preserve-ttl flags=0x2000000 expiry=10' "its extras"
contains "$(line '< SET ')" ' duration-us=76 vbucket-uuid=0x0011223344556677 seqno=4' "its token"
contains "$(line '> SET .*SNAPPY')" ' inflated=19:"{\"word\":\"inflated\"}"' "a compressed value"
contains "$(line '> GET ')" ' collection=0x505 key="abc"' "a collection"
contains "$(line '< GET_EX ')" ' xattrs={key="_a" value=3:"{1}"} document=4:"body"' "extended attributes"
contains "$(line '> INCREMENT ')" ' delta=1 initial=100 expiry=4294967295' "a counter"
contains "$(line '< INCREMENT ')" ' seqno=6 count=101' "its number"
contains "$(line '> GET_LOCKED ')" ' lock-time=15' "a lock"
contains "$(line '< UNLOCK_KEY ')" ' error-context="held" error-ref="r-1"' "the body of an error"
contains "$(line '< GET_META ')" ' deleted=1 flags=0x2 expiry=3 rev-seqno=4 stored-as=JSON|XATTR' "metadata"
contains "$(line '> SET_WITH_META ')" ' rev-seqno=4 meta-cas=5 options=SKIP_CONFLICT_RESOLUTION|IS_EXPIRATION' "options"
contains "$(line '< OBSERVE ')" ' keys={vbucket=5 collection=0x8 key="abc" state=PERSISTED cas=9}' "observed keys"
contains "$(line '> SUBDOC_DICT_UPSERT ')" ' path-flags=MKDIR_P expiry=60 doc-flags=MKDOC path="a.b" fragment=3:"\"x\""' "a path"
contains "$(line '> SUBDOC_MULTI_LOOKUP ')" ' doc-flags=ACCESS_DELETED specs={opcode=SUBDOC_GET path-flags=XATTR' "a lookup"
contains "$(line '> SUBDOC_MULTI_LOOKUP ')" 'path="_a"},{opcode=SUBDOC_EXISTS path="no"},{opcode=GET path=""}' "its paths"
contains "$(line '< SUBDOC_MULTI_LOOKUP ')" ' results={index=0 status=SUCCESS value=1:"1"},{index=1 ' "results"
contains "$(line '< SUBDOC_MULTI_LOOKUP ')" '=SUBDOC_PATH_NOT_FOUND},{index=2 status=SUCCESS value=2:"{}"}' "the last ones"
contains "$(line '> RANGE_SCAN_CREATE ')" ' of-collection="8" start="abc" excl-end="abd" key-only' "a scan"
contains "$(line 'RANGE_SCAN_COMPLETE')" ' content=DOCUMENTS items={key="abc" flags=0x1 expiry=2' "what it finds"
contains "$(line '< CLUSTERMAP')" ' epoch=1 revision=3' "a map's revision"
contains "$(line '> SASL_AUTH')" 'value=12:"************"' "no password"
contains "$(line '> DCP_STREAM_REQ ')" ' dcp-stream-id=7 dcp-flags=DISK_ONLY reserved=0x0 start-seqno=0' "a stream"
contains "$(line '< DCP_MUTATION ')" ' collection=0x8 key="abc" value=5:"value" by-seqno=1 rev-seqno=2' "what it brings"
contains "$(line 'conn=3 > GET ')" ' key="\x08abc"' "a key where no collections were granted"

expect 0 inspect -x --opcode set "$couchbase"
contains "$out" '
    inflated
    +0      7b 22 77 6f 72 64 22 3a  22 69 6e 66 6c 61 74 65  |{"word":"inflate|
' "a compressed value's bytes"
expect 0 inspect -x --json --opcode set "$couchbase"
contains "$out" '"inflated_hex":"7b22776f7264223a22' "the same in JSON"
expect 0 inspect --json --opcode subdoc_multi_mutation "$couchbase"
contains "$out" '"collection":8,"key":"abc","key_hex":"616263"' "a collection in JSON"
contains "$out" '"fields":{"durability":"PERSIST_TO_MAJORITY","expiry":60,"doc_flags":"ADD","specs":[{"opcode":' "fields in JSON"

expect 4 inspect "$corpus/damaged/not-mcbp.pcap"
contains "$err" "no frame of the memcached binary protocol" "a capture without MCBP"
expect 3 inspect "$corpus/damaged/text.pcap"
expect 3 inspect "$corpus/damaged/block-length-odd.pcapng" "$capture"
contains "$out" "# capture $capture" "a capture behind a damaged one"

finish
