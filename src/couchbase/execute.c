/* From opcode to command, if form and rights are there; and the document that it is about. */
#include "base/endian.h"
#include "couchbase/frame_infos.h"
#include "couchbase/reply.h"
#include "mcbp/duration.h"
#include "mcbp/form.h"
#include "mcbp/frame_info.h"
#include "mcbp/leb128.h"

/* ---------------------------------------------------------------- the table of commands */

enum {
    ANY_CLIENT = 1,   /* also before it has authenticated */
    NEEDS_BUCKET = 2, /* one has to be selected */
    DOCUMENT = 4,     /* about one document: its key has the collection, its vbucket is looked at */
    NO_CAS = 8,       /* the request's CAS has to be 0 */
    HAS_CAS = 16,     /* or has not to be */
    TAKES_DATA = 32,  /* the value may be JSON or compressed */
    DURABLE = 64,     /* frame infos that it may have */
    KEEPS_EXPIRY = 128,
    FIRST_VBUCKET = 256, /* the request's vbucket has to be 0 */

    READ = NEEDS_BUCKET | DOCUMENT,
    STORE = READ | TAKES_DATA | DURABLE,
};

/* Source: daemon/mcbp_validators.cc and protocol/mcbp/opcode.cc. */
static const struct row {
    void (*run)(struct command *command);
    unsigned traits;
} ROWS[256] = {
    [MCBP_GET] = {handle_get, READ | NO_CAS},
    [MCBP_GETQ] = {handle_get, READ | NO_CAS},
    [MCBP_GETK] = {handle_getk, READ | NO_CAS},
    [MCBP_GETKQ] = {handle_getk, READ | NO_CAS},
    [MCBP_GET_REPLICA] = {handle_get_replica, READ | NO_CAS},
    [MCBP_GET_LOCKED] = {handle_get_locked, READ | NO_CAS},
    [MCBP_UNLOCK_KEY] = {handle_unlock, READ | HAS_CAS},
    [MCBP_TOUCH] = {handle_touch, READ | NO_CAS},
    [MCBP_GAT] = {handle_get_and_touch, READ | NO_CAS},
    [MCBP_GATQ] = {handle_get_and_touch, READ | NO_CAS},
    [MCBP_GET_META] = {handle_get_meta, READ | NO_CAS},
    [MCBP_GETQ_META] = {handle_get_meta, READ | NO_CAS},
    [MCBP_GET_RANDOM_KEY] = {handle_get_random_key, NEEDS_BUCKET | NO_CAS},

    [MCBP_SET] = {handle_set, STORE | KEEPS_EXPIRY},
    [MCBP_SETQ] = {handle_set, STORE | KEEPS_EXPIRY},
    [MCBP_ADD] = {handle_add, STORE | NO_CAS},
    [MCBP_ADDQ] = {handle_add, STORE | NO_CAS},
    [MCBP_REPLACE] = {handle_replace, STORE | KEEPS_EXPIRY},
    [MCBP_REPLACEQ] = {handle_replace, STORE | KEEPS_EXPIRY},
    [MCBP_APPEND] = {handle_append, STORE | KEEPS_EXPIRY},
    [MCBP_APPENDQ] = {handle_append, STORE | KEEPS_EXPIRY},
    [MCBP_PREPEND] = {handle_prepend, STORE | KEEPS_EXPIRY},
    [MCBP_PREPENDQ] = {handle_prepend, STORE | KEEPS_EXPIRY},
    [MCBP_DELETE] = {handle_remove, READ | DURABLE},
    [MCBP_DELETEQ] = {handle_remove, READ | DURABLE},
    [MCBP_INCREMENT] = {handle_count, READ | DURABLE | KEEPS_EXPIRY | NO_CAS},
    [MCBP_INCREMENTQ] = {handle_count, READ | DURABLE | KEEPS_EXPIRY | NO_CAS},
    [MCBP_DECREMENT] = {handle_count, READ | DURABLE | KEEPS_EXPIRY | NO_CAS},
    [MCBP_DECREMENTQ] = {handle_count, READ | DURABLE | KEEPS_EXPIRY | NO_CAS},

    [MCBP_SUBDOC_GET] = {handle_subdoc, READ | NO_CAS},
    [MCBP_SUBDOC_EXISTS] = {handle_subdoc, READ | NO_CAS},
    [MCBP_SUBDOC_GET_COUNT] = {handle_subdoc, READ | NO_CAS},
    [MCBP_SUBDOC_MULTI_LOOKUP] = {handle_subdoc, READ | NO_CAS},
    [MCBP_SUBDOC_DICT_ADD] = {handle_subdoc, READ | DURABLE | KEEPS_EXPIRY},
    [MCBP_SUBDOC_DICT_UPSERT] = {handle_subdoc, READ | DURABLE | KEEPS_EXPIRY},
    [MCBP_SUBDOC_DELETE] = {handle_subdoc, READ | DURABLE | KEEPS_EXPIRY},
    [MCBP_SUBDOC_REPLACE] = {handle_subdoc, READ | DURABLE | KEEPS_EXPIRY},
    [MCBP_SUBDOC_ARRAY_PUSH_LAST] = {handle_subdoc, READ | DURABLE | KEEPS_EXPIRY},
    [MCBP_SUBDOC_ARRAY_PUSH_FIRST] = {handle_subdoc, READ | DURABLE | KEEPS_EXPIRY},
    [MCBP_SUBDOC_ARRAY_INSERT] = {handle_subdoc, READ | DURABLE | KEEPS_EXPIRY},
    [MCBP_SUBDOC_ARRAY_ADD_UNIQUE] = {handle_subdoc, READ | DURABLE | KEEPS_EXPIRY},
    [MCBP_SUBDOC_COUNTER] = {handle_subdoc, READ | DURABLE | KEEPS_EXPIRY},
    [MCBP_SUBDOC_MULTI_MUTATION] = {handle_subdoc, READ | DURABLE | KEEPS_EXPIRY},

    [MCBP_HELLO] = {handle_hello, ANY_CLIENT | NO_CAS},
    [MCBP_SASL_LIST_MECHS] = {handle_sasl_list, ANY_CLIENT | NO_CAS},
    [MCBP_SASL_AUTH] = {handle_sasl, ANY_CLIENT | NO_CAS},
    [MCBP_SASL_STEP] = {handle_sasl, ANY_CLIENT | NO_CAS},
    [MCBP_GET_ERROR_MAP] = {handle_error_map, ANY_CLIENT | NO_CAS | FIRST_VBUCKET},
    [MCBP_SELECT_BUCKET] = {handle_select_bucket, 0},
    [MCBP_NOOP] = {handle_noop, NO_CAS},
    [MCBP_VERSION] = {handle_version, NO_CAS},
    [MCBP_QUIT] = {handle_quit, NO_CAS},
    [MCBP_QUITQ] = {handle_quit, NO_CAS},
    [MCBP_STAT] = {handle_stat, NEEDS_BUCKET | NO_CAS},
    [MCBP_GET_CLUSTER_CONFIG] = {handle_cluster_config, NO_CAS},
    [MCBP_COLLECTIONS_GET_MANIFEST] = {handle_manifest, NEEDS_BUCKET | NO_CAS | FIRST_VBUCKET},
    [MCBP_COLLECTIONS_SET_MANIFEST] = {handle_set_manifest, NEEDS_BUCKET | NO_CAS | FIRST_VBUCKET},
    [MCBP_COLLECTIONS_GET_ID] = {handle_collection_id, NEEDS_BUCKET | NO_CAS | FIRST_VBUCKET},
    [MCBP_COLLECTIONS_GET_SCOPE_ID] = {handle_scope_id, NEEDS_BUCKET | NO_CAS | FIRST_VBUCKET},
    [MCBP_RANGE_SCAN_CREATE] = {handle_scan_create, NEEDS_BUCKET | TAKES_DATA | NO_CAS},
    [MCBP_RANGE_SCAN_CONTINUE] = {handle_scan_continue, NEEDS_BUCKET | NO_CAS},
    [MCBP_RANGE_SCAN_CANCEL] = {handle_scan_cancel, NEEDS_BUCKET | NO_CAS},
    [MCBP_OBSERVE] = {handle_observe, NEEDS_BUCKET | NO_CAS},
    [MCBP_OBSERVE_SEQNO] = {handle_observe_seqno, NEEDS_BUCKET | NO_CAS},
};

/* ---------------------------------------------------------------- what a request has to be */

static const char BAD_LENGTHS[] = "Lengths are not those of the command";

/* NULL: it is as it has to be. */
static const char *find_fault(const struct command *command, const struct row *row)
{
    const struct mcbp_header *header = &command->frame->header;
    uint8_t allowed = (row->traits & TAKES_DATA) == 0
                          ? 0
                          : session_datatypes(command->session) & (uint8_t)~MCBP_DATATYPE_XATTR;
    if (!mcbp_form_is_known(header)) {
        return BAD_LENGTHS;
    }
    if ((row->traits & NO_CAS) != 0 && header->cas != 0) {
        return "CAS must be 0";
    }
    if ((row->traits & HAS_CAS) != 0 && header->cas == 0) {
        return "CAS must be set";
    }
    if ((header->datatype & ~allowed) != 0) {
        return "Datatype is not allowed";
    }
    if ((row->traits & FIRST_VBUCKET) != 0 && header->vbucket_or_status != 0) {
        return "vbucket must be 0";
    }
    return NULL;
}

/* False: they are wrong, and the answer says so. */
static bool take_frame_infos(struct command *command, const struct row *row)
{
    struct frame_infos infos;
    const char *fault = NULL;
    enum mcbp_status status = frame_infos_read(command->frame->framing_extras, &infos, &fault);
    if (status == MCBP_STATUS_SUCCESS && infos.durable && (row->traits & DURABLE) == 0) {
        status = MCBP_STATUS_INVALID_ARGUMENTS;
        fault = "Durability is not possible with the command";
    } else if (status == MCBP_STATUS_SUCCESS && infos.preserve_expiry &&
               (row->traits & KEEPS_EXPIRY) == 0) {
        status = MCBP_STATUS_NOT_SUPPORTED;
    }
    command->durable = infos.durable;
    command->preserve_expiry = infos.preserve_expiry;
    if (status != MCBP_STATUS_SUCCESS) {
        reply_error(command, status, fault);
    }
    return status == MCBP_STATUS_SUCCESS;
}

/* ---------------------------------------------------------------- where the document is */

/* Takes the collection off the key. False: the answer says why. */
static bool take_collection(struct command *command)
{
    enum { KEY_MAX = 250, KEY_MAX_IN_COLLECTION = 246, RESERVED_FROM = 1 };
    command->id = (struct document_id){COLLECTIONS_DEFAULT, command->frame->key};
    if (session_has(command->session, MCBP_FEATURE_COLLECTIONS) &&
        (mcbp_leb128_take(&command->id.key, &command->id.collection) != MCBP_LEB128_OK ||
         (command->id.collection >= RESERVED_FROM && command->id.collection < COLLECTIONS_FIRST))) {
        reply_error(command, MCBP_STATUS_INVALID_ARGUMENTS, "No valid collection in the key");
        return false;
    }
    size_t most = command->id.collection == COLLECTIONS_DEFAULT ? KEY_MAX : KEY_MAX_IN_COLLECTION;
    if (command->id.key.size == 0 || command->id.key.size > most) {
        reply_error(command, MCBP_STATUS_INVALID_ARGUMENTS, "Length of the key");
        return false;
    }
    return true;
}

static void reply_not_my_vbucket(struct command *command)
{
    reply_error(command, MCBP_STATUS_NOT_MY_VBUCKET, NULL);
    struct kvr_response *response = &command->answer->responses[command->answer->count - 1];
    reply_give(command, response, blob_hold(command->node->cluster_config));
    response->datatype = session_has(command->session, MCBP_FEATURE_JSON) ? MCBP_DATATYPE_JSON : 0;
}

/* The id is looked up through the vbucket: without that, other collections than the default one
 * can't be told. */
static bool find_place(struct command *command)
{
    uint16_t vbucket = command->frame->header.vbucket_or_status;
    if (!take_collection(command)) {
        return false;
    }
    if (vbucket >= command->node->vbuckets_count) {
        reply_not_my_vbucket(command);
        return false;
    }
    command->vbucket = &command->node->vbuckets[vbucket];
    if (!collections_has(&command->node->collections, command->id.collection)) {
        reply_unknown_collection(command, MCBP_STATUS_UNKNOWN_COLLECTION);
        return false;
    }
    return true;
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
    if (!command->session->authenticated && (row->traits & ANY_CLIENT) == 0) {
        reply_error(command, MCBP_STATUS_NO_ACCESS, NULL);
        return;
    }
    if (row->run == NULL) {
        execute_unknown(command);
        return;
    }
    const char *fault = find_fault(command, row);
    if (fault != NULL) {
        reply_error(command, MCBP_STATUS_INVALID_ARGUMENTS, fault);
    } else if (!take_frame_infos(command, row)) {
        return;
    } else if ((row->traits & NEEDS_BUCKET) != 0 && !command->session->has_bucket) {
        reply_error(command, MCBP_STATUS_NO_BUCKET, NULL);
    } else if ((row->traits & DOCUMENT) == 0 || find_place(command)) {
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
    answer->close = false;
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
