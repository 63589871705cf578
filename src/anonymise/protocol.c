#include "anonymise/protocol.h"

#include "anonymise/json.h"
#include "anonymise/text.h"

#include <ctype.h>
#include <openssl/evp.h>

/* Source: docs/ and cluster_framework/ of couchbase/kv_engine, and what servers send. Each is
 * kept where it is all of a name or of a string, or stands between separators in one. */
static const char WORDS[] =
    /* cluster configurations */
    " rev revEpoch name uuid uri streamingUri nodes nodesExt services hostname thisNode ports "
    "direct"
    " kv kvSSL mgmt mgmtSSL capi capiSSL n1ql n1qlSSL fts ftsSSL ftsGRPC ftsGRPCSSL cbas cbasSSL"
    " eventingAdminPort eventingDebug eventingSSL indexAdmin indexScan indexHttp indexHttps"
    " indexStreamInit indexStreamCatchup indexStreamMaint projector backupAPI backupAPIHTTPS"
    " backupGRPC alternateAddresses external nodeLocator bucketType vbucket vBucketServerMap"
    " hashAlgorithm CRC numReplicas serverList vBucketMap vBucketMapForward"
    " collectionsManifestUid clusterName clusterUUID clusterCapabilities clusterCapabilitiesVer"
    " bucketCapabilities bucketCapabilitiesVer ddocs couchApiBase nodeUUID serverGroup"
    " appTelemetryPath pools buckets bucketsStreaming $HOST membase ephemeral couchbase"
    " cccp cbhello collections couchapi durableWrite dcp nodesExt preserveExpiry "
    "querySystemCollection"
    " rangeScan tombstonedUserXAttrs touch xattr xdcrCheckpointing mobileSystemCollection"
    " subdoc.ReplaceBodyWithXattr subdoc.DocumentMacroSupport subdoc.ReviveDocument"
    " subdoc.ReplicaRead subdoc.AccessDeleted dcp.IgnorePurgedTombstones nonDedupedHistory"
    " costBasedOptimizer enhancedPreparedStatements indexes"
    /* manifests; what begins with _ are the server's own */
    " uid scopes maxTTL metered history flushUid _default _system _mobile _query"
    /* errors */
    " error context ref manifest_uid"
    /* scans */
    " range sampling samples seed collection key_only include_xattrs start end excl_start excl_end"
    " snapshot_requirements vb_uuid seqno timeout_ms seqno_exists"
    /* agents */
    " a i ";

/* Members whose strings are numbers, of manifests, collections and vbuckets. */
static const char NUMBERS[] =
    " uid collectionsManifestUid flushUid manifest_uid collection vb_uuid ";
static const char BOUNDS[] = " start end excl_start excl_end ";
static const char ERROR_MAP[] = " version revision errors name desc attrs retry strategy interval"
                                " after max-duration ceil ";

/* Of what kv_engine's validators say, all of whose words are here (daemon/mcbp_validators.cc,
 * daemon/subdocument_validators.cc). */
static const char REFUSALS[] =
    " (and 0 1 16 2 246 250 251 4 8 >= Add Barrier Both CAS Connection Content CreateAsDeleted "
    "Datatype"
    " DcpConsumer DcpProducer Duplex Extras Failed Features FrameExtras Incorrect Inflated Invalid"
    " JSON Key Lengths MCBP Mkdoc Multi Mutation No NodeSupervisor Notifications PreserveTtl"
    " Request Requires Subdoc The This XATTR a add allocate an and are at be big body both bytes"
    " clients collection collections combination command commands contain contains data datatype"
    " describes document does durability each empty enabled encoding exceeds extras flag flags for"
    " found has have id in include inflate invalid is key keylen keylen. least leb128 length "
    "logical"
    " lookup mandatory manifest maximum memory missing mkdoc most must mutation need no"
    " non-canonical not of one only opcodes operations optionally or path paths payload permitted"
    " represents request requested requirement requirements requires scan scope.collection section"
    " set should spec specification stop-byte support the those to too truncated valid value vbid"
    " vbucket version wholedoc with without xattrs) ";

/* Whether the word is in the list, in which it has a blank before and behind it. */
static bool protocol_is_in(struct span word, const char *list)
{
    enum { WORD_MAX = 40 };
    char text[WORD_MAX + 2];
    if (word.size == 0 || word.size > WORD_MAX || memchr(word.data, ' ', word.size) != NULL ||
        memchr(word.data, '\0', word.size) != NULL) {
        return false;
    }
    text[0] = ' ';
    memcpy(text + 1, word.data, word.size);
    text[word.size + 1] = ' ';
    return memmem(list, strlen(list), text, word.size + 2) != NULL;
}

static bool is_refusal(struct span text)
{
    while (text.size > 0) {
        const uint8_t *blank = memchr(text.data, ' ', text.size);
        size_t size = blank == NULL ? text.size : (size_t)(blank - text.data);
        if (!protocol_is_in(span_head(text, size), REFUSALS)) {
            return false;
        }
        text = span_skip(text, blank == NULL ? size : size + 1);
    }
    return true;
}

static bool is_hexadecimal(struct span text, size_t size_max)
{
    for (size_t i = 0; i < text.size; i++) {
        if (!isxdigit(text.data[i])) {
            return false;
        }
    }
    return text.size > 0 && text.size <= size_max;
}

/* Digits behind a colon, at the end. */
static bool protocol_is_port(const uint8_t *bytes, size_t from, size_t size)
{
    enum { PORT_DIGITS = 5 };
    for (size_t i = from; i < size; i++) {
        if (!isdigit(bytes[i])) {
            return false;
        }
    }
    return from > 0 && bytes[from - 1] == ':' && size - from <= PORT_DIGITS;
}

void protocol_replace_names(struct secret *secret, uint8_t *bytes, size_t size)
{
    for (size_t from = 0; from < size;) {
        size_t to = from;
        while (to < size && (bytes[to] == '\0' || strchr("./:?&= ", bytes[to]) == NULL)) {
            to++;
        }
        struct span word = span_of(bytes + from, to - from);
        if (!protocol_is_in(word, WORDS) && !(to == size && protocol_is_port(bytes, from, size))) {
            text_replace_names(secret, bytes + from, to - from);
        }
        from = to + 1;
    }
}

enum { BOUND_MAX = 512 /* bytes of a bound in base64 */ };

/* A bound of a range: a key, or what is behind all that begin with it, or right behind it. */
struct bound {
    uint8_t bytes[BOUND_MAX];
    size_t size;
};

static bool read_bound(struct span text, struct bound *bound)
{
    if (text.size == 0 || text.size > BOUND_MAX || text.size % 4 != 0) {
        return false;
    }
    int decoded = EVP_DecodeBlock(bound->bytes, text.data, (int)text.size);
    if (decoded < 0) {
        return false;
    }
    bound->size = (size_t)decoded;
    for (size_t i = 1; i <= 2 && text.data[text.size - i] == '='; i++) {
        bound->size--;
    }
    return true;
}

/* Base64 stays as long. */
static void replace_bound(const struct keys *keys, uint8_t *bytes, size_t size)
{
    struct bound bound;
    uint8_t text[BOUND_MAX + 4];
    if (!read_bound(span_of(bytes, size), &bound)) {
        text_replace_string(keys->secret, bytes, size);
        return;
    }
    keys_replace(keys, bound.bytes, bound.size);
    EVP_EncodeBlock(text, bound.bytes, (int)bound.size);
    memcpy(bytes, text, size);
}

/* What is being replaced. */
struct protocol_work {
    const struct keys *keys;
    uint8_t *bytes;
};

static void protocol_visit(void *context, enum json_piece piece, struct span member, size_t at,
                           size_t size)
{
    struct protocol_work *work = context;
    uint8_t *bytes = work->bytes + at;
    struct span text = span_of(bytes, size);
    bool number = protocol_is_in(member, NUMBERS) && is_hexadecimal(text, 2 * sizeof(uint64_t));
    bool refusal = protocol_is_in(member, " context ") && is_refusal(text);
    if (piece == JSON_NUMBER || number || refusal || protocol_is_in(text, WORDS)) {
        return;
    }
    if (piece == JSON_STRING && protocol_is_in(member, BOUNDS)) {
        replace_bound(work->keys, bytes, size);
    } else {
        protocol_replace_names(work->keys->secret, bytes, size);
    }
}

bool protocol_replace_json(const struct keys *keys, uint8_t *bytes, size_t size)
{
    struct protocol_work work = {keys, bytes};
    struct json_visitor visitor = {&work, protocol_visit};
    return json_walk(span_of(bytes, size), &visitor);
}

/* A scan whose bounds are read. */
struct scan {
    struct keys *keys;
    struct span text;
};

static void note_bound(void *context, enum json_piece piece, struct span member, size_t at,
                       size_t size)
{
    struct scan *scan = context;
    struct bound bound;
    if (piece == JSON_STRING && protocol_is_in(member, BOUNDS) &&
        read_bound(span_head(span_skip(scan->text, at), size), &bound)) {
        keys_add(scan->keys, span_of(bound.bytes, bound.size));
    }
}

void protocol_note_bounds(struct keys *keys, struct span value)
{
    struct scan scan = {keys, value};
    struct json_visitor visitor = {&scan, note_bound};
    json_walk(value, &visitor);
}

struct error_map {
    struct span text;
    bool other; /* it has a name that an error map has not */
};

static void note_name(void *context, enum json_piece piece, struct span member, size_t at,
                      size_t size)
{
    enum { CODE_DIGITS = 4 };
    struct error_map *map = context;
    struct span text = span_head(span_skip(map->text, at), size);
    (void)member;
    map->other |= piece == JSON_NAME && !protocol_is_in(text, ERROR_MAP) &&
                  !is_hexadecimal(text, CODE_DIGITS);
}

bool protocol_is_error_map(struct span value)
{
    struct error_map map = {.text = value};
    struct json_visitor visitor = {&map, note_name};
    return json_walk(value, &visitor) && !map.other;
}
