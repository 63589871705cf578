/* From opcode to command, if form and rights are there; and the document that it is about. */
#include "base/endian.h"
#include "couchbase/frame_infos.h"
#include "couchbase/reply.h"
#include "couchbase/return_meta.h"
#include "couchbase/value.h"
#include "couchbase/xattr_blob.h"
#include "mcbp/duration.h"
#include "mcbp/form.h"
#include "mcbp/frame_info.h"
#include "mcbp/leb128.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/* ---------------------------------------------------------------- the table of commands */

enum {
    ANY_CLIENT = 1,   /* also before it has authenticated */
    NEEDS_BUCKET = 2, /* one has to be selected */
    DOCUMENT = 4,     /* about one document: its key has the collection, its vbucket is looked at */
    NO_CAS = 8,       /* the request's CAS has to be 0 */
    HAS_CAS = 16,     /* or has not to be */
    TAKES_JSON = 32,  /* the value may be JSON */
    TAKES_SNAPPY = 64, /* or compressed */
    DURABLE = 128,     /* frame infos that it may have */
    KEEPS_EXPIRY = 256,
    FIRST_VBUCKET = 512, /* the request's vbucket has to be 0 */
    LOOKS_FIRST = 1024,  /* at what else there is in the request, before the vbucket */
    OR_NO_EXTRAS = 2048, /* the extras may be left out */
    HAS_KEY = 4096,      /* that is no document's */
    ANY_KEY = 8192,      /* that may be left out, too */
    HAS_VALUE = 16384,
    ANY_VALUE = 32768,
    TAKES_XATTRS = 65536, /* there may be attributes before the value's body */

    READ = NEEDS_BUCKET | DOCUMENT,
    STORE = READ | ANY_VALUE | TAKES_JSON | TAKES_SNAPPY,
    COUNT = READ | KEEPS_EXPIRY | NO_CAS,
    WITH_META = STORE | TAKES_XATTRS | LOOKS_FIRST,
    LOOKUP = READ | ANY_VALUE | LOOKS_FIRST,
    EDIT = LOOKUP | DURABLE | KEEPS_EXPIRY,

    ANY_EXTRAS = -1, /* the command looks at their length */
};

/* Source: daemon/mcbp_validators.cc and protocol/mcbp/opcode.cc. */
static const struct row {
    void (*run)(struct command *command);
    unsigned traits;
    int extras; /* their length */
} ROWS[256] = {
    [MCBP_GET] = {handle_get, READ | NO_CAS, 0},
    [MCBP_GETQ] = {handle_get, READ | NO_CAS, 0},
    [MCBP_GETK] = {handle_getk, READ | NO_CAS, 0},
    [MCBP_GETKQ] = {handle_getk, READ | NO_CAS, 0},
    [MCBP_GET_EX] = {handle_get_ex, READ | NO_CAS | LOOKS_FIRST, 0},
    [MCBP_GET_EX_REPLICA] = {handle_get_ex, READ | NO_CAS | LOOKS_FIRST, 0},
    [MCBP_GET_REPLICA] = {handle_get_replica, READ | NO_CAS, 0},
    [MCBP_GET_LOCKED] = {handle_get_locked, READ | NO_CAS | LOOKS_FIRST, ANY_EXTRAS},
    [MCBP_UNLOCK_KEY] = {handle_unlock, READ | HAS_CAS, 0},
    [MCBP_TOUCH] = {handle_touch, READ | NO_CAS | DURABLE | LOOKS_FIRST, 4},
    [MCBP_GAT] = {handle_get_and_touch, READ | NO_CAS | DURABLE | LOOKS_FIRST, 4},
    [MCBP_GATQ] = {handle_get_and_touch, READ | NO_CAS | LOOKS_FIRST, 4},
    [MCBP_GET_META] = {handle_get_meta, READ | NO_CAS | LOOKS_FIRST, ANY_EXTRAS},
    [MCBP_GETQ_META] = {handle_get_meta, READ | NO_CAS | LOOKS_FIRST, ANY_EXTRAS},
    [MCBP_EVICT_KEY] = {handle_evict, READ | NO_CAS | LOOKS_FIRST, 0},
    [MCBP_GET_KEYS] = {handle_get_keys, READ | NO_CAS | LOOKS_FIRST, ANY_EXTRAS},
    [MCBP_GET_ALL_VB_SEQNOS] = {handle_all_seqnos, NEEDS_BUCKET | NO_CAS, ANY_EXTRAS},
    [MCBP_GET_RANDOM_KEY] = {handle_get_random_key, NEEDS_BUCKET | NO_CAS, ANY_EXTRAS},

    [MCBP_SET] = {handle_set, STORE | DURABLE | KEEPS_EXPIRY, 8},
    [MCBP_SETQ] = {handle_set, STORE | KEEPS_EXPIRY, 8},
    [MCBP_ADD] = {handle_add, STORE | DURABLE | NO_CAS, 8},
    [MCBP_ADDQ] = {handle_add, STORE | NO_CAS, 8},
    [MCBP_REPLACE] = {handle_replace, STORE | DURABLE | KEEPS_EXPIRY, 8},
    [MCBP_REPLACEQ] = {handle_replace, STORE | KEEPS_EXPIRY, 8},
    [MCBP_APPEND] = {handle_append, STORE | DURABLE | KEEPS_EXPIRY, 0},
    [MCBP_APPENDQ] = {handle_append, STORE | KEEPS_EXPIRY, 0},
    [MCBP_PREPEND] = {handle_prepend, STORE | DURABLE | KEEPS_EXPIRY, 0},
    [MCBP_PREPENDQ] = {handle_prepend, STORE | KEEPS_EXPIRY, 0},
    [MCBP_DELETE] = {handle_remove, READ | DURABLE, 0},
    [MCBP_DELETEQ] = {handle_remove, READ, 0},
    [MCBP_INCREMENT] = {handle_count, COUNT | DURABLE, 20},
    [MCBP_INCREMENTQ] = {handle_count, COUNT, 20},
    [MCBP_DECREMENT] = {handle_count, COUNT | DURABLE, 20},
    [MCBP_DECREMENTQ] = {handle_count, COUNT, 20},

    [MCBP_SET_WITH_META] = {handle_with_meta, WITH_META, ANY_EXTRAS},
    [MCBP_SETQ_WITH_META] = {handle_with_meta, WITH_META, ANY_EXTRAS},
    [MCBP_ADD_WITH_META] = {handle_with_meta, WITH_META, ANY_EXTRAS},
    [MCBP_ADDQ_WITH_META] = {handle_with_meta, WITH_META, ANY_EXTRAS},
    [MCBP_DELETE_WITH_META] = {handle_with_meta, WITH_META, ANY_EXTRAS},
    [MCBP_DELETEQ_WITH_META] = {handle_with_meta, WITH_META, ANY_EXTRAS},
    [MCBP_MUTATE_WITH_META] = {handle_mutate_with_meta, WITH_META, ANY_EXTRAS},
    [MCBP_RETURN_META] = {handle_return_meta, READ | ANY_VALUE | LOOKS_FIRST, RETURN_META_ASKED},

    [MCBP_SUBDOC_GET] = {handle_subdoc, LOOKUP, ANY_EXTRAS},
    [MCBP_SUBDOC_EXISTS] = {handle_subdoc, LOOKUP, ANY_EXTRAS},
    [MCBP_SUBDOC_GET_COUNT] = {handle_subdoc, LOOKUP, ANY_EXTRAS},
    [MCBP_SUBDOC_MULTI_LOOKUP] = {handle_subdoc, LOOKUP, ANY_EXTRAS},
    [MCBP_SUBDOC_DICT_ADD] = {handle_subdoc, EDIT, ANY_EXTRAS},
    [MCBP_SUBDOC_DICT_UPSERT] = {handle_subdoc, EDIT, ANY_EXTRAS},
    [MCBP_SUBDOC_DELETE] = {handle_subdoc, EDIT, ANY_EXTRAS},
    [MCBP_SUBDOC_REPLACE] = {handle_subdoc, EDIT, ANY_EXTRAS},
    [MCBP_SUBDOC_ARRAY_PUSH_LAST] = {handle_subdoc, EDIT, ANY_EXTRAS},
    [MCBP_SUBDOC_ARRAY_PUSH_FIRST] = {handle_subdoc, EDIT, ANY_EXTRAS},
    [MCBP_SUBDOC_ARRAY_INSERT] = {handle_subdoc, EDIT, ANY_EXTRAS},
    [MCBP_SUBDOC_ARRAY_ADD_UNIQUE] = {handle_subdoc, EDIT, ANY_EXTRAS},
    [MCBP_SUBDOC_COUNTER] = {handle_subdoc, EDIT, ANY_EXTRAS},
    [MCBP_SUBDOC_REPLACE_BODY_WITH_XATTR] = {handle_subdoc, EDIT, ANY_EXTRAS},
    [MCBP_SUBDOC_MULTI_MUTATION] = {handle_subdoc, EDIT, ANY_EXTRAS},

    [MCBP_HELLO] = {handle_hello, ANY_CLIENT | ANY_KEY | ANY_VALUE | NO_CAS, 0},
    [MCBP_SASL_LIST_MECHS] = {handle_sasl_list, ANY_CLIENT | NO_CAS, 0},
    [MCBP_SASL_AUTH] = {handle_sasl, ANY_CLIENT | HAS_KEY | ANY_VALUE | NO_CAS, 0},
    [MCBP_SASL_STEP] = {handle_sasl, ANY_CLIENT | HAS_KEY | ANY_VALUE | NO_CAS, 0},
    [MCBP_GET_ERROR_MAP] = {handle_error_map, ANY_CLIENT | ANY_VALUE | NO_CAS | FIRST_VBUCKET, 0},
    [MCBP_SELECT_BUCKET] = {handle_select_bucket, ANY_KEY, 0},
    [MCBP_NOOP] = {handle_noop, NO_CAS, 0},
    [MCBP_VERSION] = {handle_version, NO_CAS, 0},
    [MCBP_QUIT] = {handle_quit, NO_CAS, 0},
    [MCBP_QUITQ] = {handle_quit, NO_CAS, 0},
    [MCBP_STAT] = {handle_stat, NEEDS_BUCKET | ANY_KEY | ANY_VALUE | TAKES_JSON | NO_CAS, 0},
    [MCBP_GET_CLUSTER_CONFIG] = {handle_cluster_config, NO_CAS | OR_NO_EXTRAS, 16},
    [MCBP_SET_CLUSTER_CONFIG] = {handle_set_cluster_config,
                                 ANY_KEY | HAS_VALUE | TAKES_JSON | NO_CAS, 16},
    [MCBP_COLLECTIONS_GET_MANIFEST] = {handle_manifest, NEEDS_BUCKET | NO_CAS | FIRST_VBUCKET, 0},
    [MCBP_COLLECTIONS_SET_MANIFEST] = {handle_set_manifest,
                                       NEEDS_BUCKET | HAS_VALUE | NO_CAS | FIRST_VBUCKET, 0},
    [MCBP_COLLECTIONS_GET_ID] = {handle_collection_id,
                                 NEEDS_BUCKET | ANY_KEY | ANY_VALUE | NO_CAS | FIRST_VBUCKET, 0},
    [MCBP_COLLECTIONS_GET_SCOPE_ID] = {handle_scope_id,
                                       NEEDS_BUCKET | ANY_KEY | ANY_VALUE | NO_CAS | FIRST_VBUCKET,
                                       0},
    [MCBP_RANGE_SCAN_CREATE] = {handle_scan_create, NEEDS_BUCKET | ANY_VALUE | TAKES_JSON | NO_CAS,
                                0},
    [MCBP_RANGE_SCAN_CONTINUE] = {handle_scan_continue, NEEDS_BUCKET | NO_CAS, 28},
    [MCBP_RANGE_SCAN_CANCEL] = {handle_scan_cancel, NEEDS_BUCKET | NO_CAS, 16},
    [MCBP_OBSERVE] = {handle_observe, NEEDS_BUCKET | HAS_VALUE | NO_CAS, 0},
    [MCBP_OBSERVE_SEQNO] = {handle_observe_seqno, NEEDS_BUCKET | ANY_VALUE, 0},
};

/* ---------------------------------------------------------------- what a request has to be */

static const char BAD_LENGTHS[] = "Lengths are not those of the command"; /* of a stream */

enum { KEY_MAX = 250, KEY_MAX_IN_COLLECTION = 246 };

static bool has_trait(const struct row *row, unsigned trait)
{
    return (row->traits & trait) != 0;
}

/* Says why the request is refused. Returns false. */
__attribute__((format(printf, 2, 3))) static bool refuse(struct command *command,
                                                         const char *format, ...)
{
    char context[64];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(context, sizeof(context), format, arguments);
    va_end(arguments);
    reply_error(command, MCBP_STATUS_INVALID_ARGUMENTS, context);
    return false;
}

static bool check_extras(struct command *command, const struct row *row)
{
    size_t size = command->frame->extras.size;
    if (row->extras == ANY_EXTRAS || size == (size_t)row->extras ||
        (size == 0 && has_trait(row, OR_NO_EXTRAS))) {
        return true;
    }
    return row->extras == 0
               ? refuse(command, "Request must not include extras")
               : refuse(command, "Request must include extras of length %d", row->extras);
}

static bool check_key(struct command *command, const struct row *row)
{
    size_t size = command->frame->key.size;
    bool prefixed = session_has(command->session, MCBP_FEATURE_COLLECTIONS);
    int most = prefixed ? COUCHBASE_KEY_MAX : KEY_MAX;
    if (size > 0 && !has_trait(row, DOCUMENT | HAS_KEY | ANY_KEY)) {
        return refuse(command, "Request must not include key");
    }
    if (size == 0 && has_trait(row, DOCUMENT | HAS_KEY)) {
        return refuse(command, "Request must include key");
    }
    return size <= (size_t)most || refuse(command, "Key length exceeds %d", most);
}

static bool check_value(struct command *command, const struct row *row)
{
    size_t size = command->frame->value.size;
    if (size > 0 && !has_trait(row, HAS_VALUE | ANY_VALUE)) {
        return refuse(command, "Request must not include value");
    }
    return size > 0 || !has_trait(row, HAS_VALUE) || refuse(command, "Request must include value");
}

static bool check_cas(struct command *command, const struct row *row)
{
    uint64_t cas = command->frame->header.cas;
    if (cas != 0 && has_trait(row, NO_CAS)) {
        return refuse(command, "Request CAS must not be set");
    }
    return cas != 0 || !has_trait(row, HAS_CAS) || refuse(command, "Request CAS must be set");
}

static bool check_datatype(struct command *command, const struct row *row)
{
    uint8_t datatype = command->frame->header.datatype;
    uint8_t allowed = (has_trait(row, TAKES_JSON) ? MCBP_DATATYPE_JSON : 0) |
                      (has_trait(row, TAKES_SNAPPY) ? MCBP_DATATYPE_SNAPPY : 0) |
                      (has_trait(row, TAKES_XATTRS) ? MCBP_DATATYPE_XATTR : 0);
    uint8_t missing = datatype & (uint8_t)~session_datatypes(command->session);
    bool json = (missing & MCBP_DATATYPE_JSON) != 0;
    bool snappy = (missing & MCBP_DATATYPE_SNAPPY) != 0;
    if ((datatype & ~allowed) != 0) {
        return refuse(command, "Request datatype invalid");
    }
    bool xattrs = (missing & MCBP_DATATYPE_XATTR) != 0;
    return missing == 0 ||
           refuse(command, "Datatype (%s%s%s%s%s) not enabled for the connection",
                  snappy ? "snappy" : "", snappy && json ? "," : "", json ? "json" : "",
                  (snappy || json) && xattrs ? "," : "", xattrs ? "xattr" : "");
}

static bool inflate(struct command *command)
{
    bool too_large;
    bool no_memory;
    command->value = command->frame->value;
    if ((command->frame->header.datatype & MCBP_DATATYPE_SNAPPY) == 0) {
        return true;
    }
    command->inflated = value_inflate(command->value, COUCHBASE_FRAME_MAX, &too_large, &no_memory);
    command->value = blob_span(command->inflated);
    return command->inflated != NULL || refuse(command, no_memory   ? "Failed to allocate memory"
                                                        : too_large ? "Inflated data is too big"
                                                                    : "Failed to inflate payload");
}

static bool check_xattrs(struct command *command)
{
    if ((command->frame->header.datatype & MCBP_DATATYPE_XATTR) == 0 ||
        xattr_blob_is_valid(command->value)) {
        return true;
    }
    reply_error(command, MCBP_STATUS_XATTR_INVALID, "The provided xattr segment is not valid");
    return false;
}

/* False: they are wrong, and the answer says so. */
static bool take_frame_infos(struct command *command, const struct row *row)
{
    struct frame_infos infos = {0};
    const struct frame_infos allowed = {.durable = has_trait(row, DURABLE),
                                        .preserve_expiry = has_trait(row, KEEPS_EXPIRY)};
    char fault[FRAME_INFOS_FAULT_SIZE] = "";
    enum mcbp_status status =
        frame_infos_read(command->frame->framing_extras, &allowed, &infos, fault);
    command->durable = infos.durable;
    command->preserve_expiry = infos.preserve_expiry;
    if (status != MCBP_STATUS_SUCCESS) {
        reply_error(command, status, fault[0] == '\0' ? NULL : fault);
    }
    return status == MCBP_STATUS_SUCCESS;
}

/* ---------------------------------------------------------------- where the document is */

/* Of the bytes that a number may have, one has to say that it is the last. */
static bool has_stop_byte(struct span bytes)
{
    for (size_t i = 0; i < bytes.size && i < MCBP_LEB128_MAX; i++) {
        if (bytes.data[i] < 0x80) {
            return true;
        }
    }
    return false;
}

/* Takes the collection off the key. */
static bool take_key(struct command *command)
{
    struct span *key = &command->id.key;
    command->id = (struct document_id){COLLECTIONS_DEFAULT, command->frame->key};
    if (!session_has(command->session, MCBP_FEATURE_COLLECTIONS)) {
        return true;
    }
    if (key->size < 2) {
        return refuse(command, "Key length must be >= 2");
    }
    if (mcbp_leb128_take(key, &command->id.collection) != MCBP_LEB128_OK) {
        return refuse(command, has_stop_byte(*key) ? "Key contains non-canonical leb128"
                                                   : "No stop-byte found");
    }
    uint32_t collection = command->id.collection;
    int most = collection == COLLECTIONS_DEFAULT ? KEY_MAX : KEY_MAX_IN_COLLECTION;
    if (key->size == 0) {
        return refuse(command, "No logical key found");
    }
    if (collection != COLLECTIONS_DEFAULT && collection < COLLECTIONS_FIRST) {
        return refuse(command, "Invalid collection-id:%" PRIu32, collection);
    }
    return key->size <= (size_t)most || refuse(command, "Logical key exceeds %d", most);
}

bool command_has_vbucket(struct command *command)
{
    uint16_t vbucket = command->frame->header.vbucket_or_status;
    if (vbucket < command->node->vbuckets_count) {
        command->vbucket = &command->node->vbuckets[vbucket];
        return true;
    }
    reply_error(command, MCBP_STATUS_NOT_MY_VBUCKET, NULL);
    return false;
}

/* Another collection than the default one is looked up through the vbucket. */
static bool has_collection(struct command *command)
{
    if (command->id.collection == COLLECTIONS_DEFAULT) {
        return true;
    }
    if (!command_has_vbucket(command)) {
        return false;
    }
    if (!collections_has(&command->node->collections, command->id.collection)) {
        reply_unknown_collection(command, MCBP_STATUS_UNKNOWN_COLLECTION);
        return false;
    }
    return true;
}

/* Whether the request is as it has to be; the answer says what is wrong. Of several faults the
 * first one counts that McbpValidator::verify_header finds (daemon/mcbp_validators.cc). */
static bool check_form(struct command *command, const struct row *row)
{
    enum { DATATYPES = MCBP_DATATYPE_JSON | MCBP_DATATYPE_SNAPPY | MCBP_DATATYPE_XATTR };
    if ((command->frame->header.datatype & ~DATATYPES) != 0) {
        return refuse(command, "Request datatype invalid");
    }
    return check_extras(command, row) && check_key(command, row) && check_value(command, row) &&
           check_cas(command, row) && check_datatype(command, row) && inflate(command) &&
           check_xattrs(command) && take_frame_infos(command, row) &&
           (!has_trait(row, DOCUMENT) || take_key(command)) &&
           (!has_trait(row, FIRST_VBUCKET) || command->frame->header.vbucket_or_status == 0 ||
            refuse(command, "Request vbucket id must be 0"));
}

/* ---------------------------------------------------------------- execution */

/* Streams of changes are for clients with privileges that nobody has here. Source:
 * daemon/mcbp_privileges.cc, daemon/protocol/mcbp/dcp_open_executor.cc. */
static void execute_stream(struct command *command, enum mcbp_family family)
{
    enum { OPEN_FLAGS_AT = 7, PRODUCER = 1 };
    const struct mcbp_frame *frame = command->frame;
    bool opens = frame->header.opcode == MCBP_DCP_OPEN;
    if (!mcbp_form_is_known(&frame->header)) {
        reply_error(command, MCBP_STATUS_INVALID_ARGUMENTS, BAD_LENGTHS);
    } else if (opens ? (frame->extras.data[OPEN_FLAGS_AT] & PRODUCER) == 0
                     : family == MCBP_FAMILY_DCP_PRODUCER) {
        reply_no_privilege(command, "DcpConsumer");
    } else {
        reply_no_privilege(command, "DcpProducer");
    }
}

static void execute_unknown(struct command *command)
{
    char text[MCBP_OPCODE_TEXT_SIZE];
    uint8_t opcode = command->frame->header.opcode;
    enum mcbp_family family = mcbp_opcode_family(opcode);
    bool streams = family == MCBP_FAMILY_DCP_CONSUMER || family == MCBP_FAMILY_DCP_PRODUCER ||
                   family == MCBP_FAMILY_DCP_EITHER;
    if (streams && opcode != MCBP_DCP_FLUSH) { /* that one was given up */
        execute_stream(command, family);
        return;
    }
    bool named = mcbp_opcode_text(MCBP_CLIENT_REQUEST, opcode, text) != text;
    reply_error(command, named ? MCBP_STATUS_NOT_SUPPORTED : MCBP_STATUS_UNKNOWN_COMMAND, NULL);
}

static void execute_row(struct command *command, const struct row *row)
{
    if (!command->session->authenticated && !has_trait(row, ANY_CLIENT)) {
        reply_error(command, MCBP_STATUS_NO_ACCESS, NULL);
        return;
    }
    if (row->run == NULL) {
        execute_unknown(command);
        return;
    }
    if (!check_form(command, row)) {
        return;
    }
    if (has_trait(row, NEEDS_BUCKET) && !command->session->has_bucket) {
        reply_error(command, MCBP_STATUS_NO_BUCKET, NULL);
    } else if (!has_trait(row, DOCUMENT) ||
               (has_collection(command) &&
                (has_trait(row, LOOKS_FIRST) || command_has_vbucket(command)))) {
        row->run(command);
    }
}

static struct command begin_command(struct couchbase_node *node, struct couchbase_session *session,
                                    const struct couchbase_request *request,
                                    struct couchbase_answer *answer)
{
    node_forget_answer(node);
    couchbase_set_duration(node, 0);
    answer->count = 0;
    answer->close = answer->more = false;
    return (struct command){
        .node = node,
        .session = session,
        .frame = request->frame,
        .answer = answer,
        .now = request->now,
        .told = request->told,
        .quiet = mcbp_opcode_is_quiet(request->frame->header.opcode),
    };
}

void couchbase_execute(struct couchbase_node *node, struct couchbase_session *session,
                       const struct couchbase_request *request, struct couchbase_answer *answer)
{
    struct command command = begin_command(node, session, request, answer);
    execute_row(&command, &ROWS[request->frame->header.opcode]);
    blob_drop(command.inflated);
}

void couchbase_refuse(struct couchbase_node *node, struct couchbase_session *session,
                      const struct couchbase_request *request, struct couchbase_answer *answer)
{
    struct command command = begin_command(node, session, request, answer);
    reply_error(&command, MCBP_STATUS_NO_MEMORY, NULL);
}

void couchbase_set_duration(struct couchbase_node *node, uint64_t microseconds)
{
    node->duration[0] = MCBP_FRAME_INFO_DURATION << 4 | sizeof(uint16_t);
    write_be16(node->duration + 1, mcbp_duration_encode(microseconds));
}
