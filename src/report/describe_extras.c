#include "base/endian.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "mcbp/subdoc_spec.h"
#include "mcbp/token.h"
#include "report/describe_parts.h"

enum { PARTS_MAX = 8 };

enum part_form {
    NUMBER, /* decimal; 8 bytes: FIELDS_LARGE */
    HEX,
    NAMED, /* one of `names`, or its number */
    BITS,
    UUID,
    PADDING, /* not told */
    DATATYPE,
    OPCODE,
};

/* Some bytes of extras. */
struct part {
    const char *name;
    uint8_t size;
    enum part_form form;
    const struct describe_bit *names;
};

/* Extras of one size and direction. */
struct layout {
    uint8_t opcode; /* the loud one */
    bool answer;
    struct part parts[PARTS_MAX];
};

/* ----------------------------------------------------------------------------- names of numbers */

static const struct describe_bit vbucket_states[] = {
    {1, "ACTIVE"}, {2, "REPLICA"}, {3, "PENDING"}, {4, "DEAD"}, {0, NULL}};
static const struct describe_bit parameter_types[] = {
    {1, "FLUSH"},   {2, "REPLICATION"}, {3, "CHECKPOINT"}, {4, "DCP"},
    {5, "VBUCKET"}, {6, "CONFIG"},      {0, NULL}};
static const struct describe_bit mutation_types[] = {
    {1, "SET"}, {2, "ADD"}, {3, "DELETE"}, {0, NULL}};
static const struct describe_bit time_types[] = {{0, "TIME_OF_DAY"}, {1, "UPTIME"}, {0, NULL}};
static const struct describe_bit contents[] = {{0, "KEYS"}, {1, "DOCUMENTS"}, {0, NULL}};
static const struct describe_bit end_reasons[] = {{0, "OK"},
                                                  {1, "CLOSED"},
                                                  {2, "STATE_CHANGED"},
                                                  {3, "DISCONNECTED"},
                                                  {4, "SLOW"},
                                                  {5, "BACKFILL_FAILED"},
                                                  {6, "ROLLBACK"},
                                                  {7, "FILTER_EMPTY"},
                                                  {8, "LOST_PRIVILEGES"},
                                                  {0, NULL}};
static const struct describe_bit system_events[] = {{0, "BEGIN_COLLECTION"},  {1, "END_COLLECTION"},
                                                    {3, "CREATE_SCOPE"},      {4, "DROP_SCOPE"},
                                                    {5, "MODIFY_COLLECTION"}, {0, NULL}};
static const struct describe_bit open_flags[] = {{0x001, "PRODUCER"},
                                                 {0x002, "NOTIFIER"}, /* retired, as is PITR */
                                                 {0x004, "INCLUDE_XATTRS"},
                                                 {0x008, "NO_VALUE"},
                                                 {0x010, "COLLECTIONS"},
                                                 {0x020, "INCLUDE_DELETE_TIMES"},
                                                 {0x040, "NO_VALUE_WITH_UNDERLYING_DATATYPE"},
                                                 {0x080, "PITR"},
                                                 {0x100, "INCLUDE_DELETED_USER_XATTRS"},
                                                 {0x200, "SKIP_DELETES_IN_INITIAL_BACKFILL"},
                                                 {0, NULL}};
static const struct describe_bit stream_flags[] = {
    {0x001, "TAKE_OVER"},      {0x002, "DISK_ONLY"},
    {0x004, "TO_LATEST"},      {0x008, "NO_VALUE"},
    {0x010, "ACTIVE_ONLY"},    {0x020, "STRICT_VBUCKET_UUID"},
    {0x040, "FROM_LATEST"},    {0x080, "IGNORE_PURGED_TOMBSTONES"},
    {0x100, "CACHE_TRANSFER"}, {0, NULL}};
static const struct describe_bit snapshot_flags[] = {
    {0x01, "MEMORY"}, {0x02, "DISK"},    {0x04, "CHECKPOINT"},
    {0x08, "ACK"},    {0x10, "HISTORY"}, {0x20, "MAY_DUPLICATE_KEYS"},
    {0, NULL}};
static const struct describe_bit oso_flags[] = {{1, "BEGIN"}, {2, "END"}, {0, NULL}};
static const struct describe_bit durability_levels[] = {
    {1, "MAJORITY"}, {2, "MAJORITY_AND_PERSIST_ON_ACTIVE"}, {3, "PERSIST_TO_MAJORITY"}, {0, NULL}};
static const struct describe_bit meta_options[] = {
    {0x01, "FORCE_WITH_META_OP"}, {0x02, "FORCE_ACCEPT_WITH_META_OPS"},
    {0x04, "REGENERATE_CAS"},     {0x08, "SKIP_CONFLICT_RESOLUTION"},
    {0x10, "IS_EXPIRATION"},      {0, NULL}};

void describe_snapshot(struct fields *fields, uint32_t flags)
{
    describe_bits(fields, "snapshot", flags, snapshot_flags);
}

/* ---------------------------------------------------------------------------------- the layouts */

#define P(name, size, form)                                                                        \
    {                                                                                              \
        name, size, form, NULL                                                                     \
    }
#define NAMES(name, size, form, names)                                                             \
    {                                                                                              \
        name, size, form, names                                                                    \
    }
#define FLAGS       P("flags", 4, HEX)
#define EXPIRY      P("expiry", 4, NUMBER)
#define REV_SEQNO   P("rev_seqno", 8, NUMBER)
#define META        REV_SEQNO, P("meta_cas", 8, NUMBER)
#define OPTIONS     NAMES("options", 4, BITS, meta_options)
#define META_LENGTH P("meta_length", 2, NUMBER)
#define COUNTER     P("delta", 8, NUMBER), P("initial", 8, NUMBER), EXPIRY
#define REVISION    P("epoch", 8, NUMBER), P("revision", 8, NUMBER)
#define SCAN        P("scan", DESCRIBE_UUID_SIZE, UUID)
#define BY_SEQNO    P("by_seqno", 8, NUMBER)
#define SEQNOS      BY_SEQNO, REV_SEQNO
#define DELETE_TIME P("delete_time", 4, NUMBER)
#define NMETA       P("nmeta", 2, NUMBER)
#define PREPARED    P("prepared_seqno", 8, NUMBER)
#define STATE(size) NAMES("state", size, NAMED, vbucket_states)
#define FROM_TO     P("start_seqno", 8, NUMBER), P("end_seqno", 8, NUMBER)
#define SNAPSHOT    FROM_TO, NAMES("snapshot", 4, BITS, snapshot_flags)
#define STORED      FLAGS, EXPIRY, P("lock_time", 4, NUMBER)

static const struct layout layouts[] = {
    {MCBP_SET, false, {FLAGS, EXPIRY}},
    {MCBP_ADD, false, {FLAGS, EXPIRY}},
    {MCBP_REPLACE, false, {FLAGS, EXPIRY}},
    {MCBP_INCREMENT, false, {COUNTER}},
    {MCBP_DECREMENT, false, {COUNTER}},
    {MCBP_FLUSH, false, {EXPIRY}},
    {MCBP_VERBOSITY, false, {P("level", 4, NUMBER)}},
    {MCBP_TOUCH, false, {EXPIRY}},
    {MCBP_GAT, false, {EXPIRY}},
    {MCBP_GATK, false, {EXPIRY}},
    {MCBP_AUDIT_PUT, false, {P("audit", 4, NUMBER)}},
    {MCBP_SET_BUCKET_DATA_LIMIT_EXCEEDED, false, {P("limit_status", 2, HEX)}},
    {MCBP_SET_VBUCKET, false, {STATE(1)}},
    {MCBP_SET_VBUCKET, false, {STATE(4)}},
    {MCBP_GET_ALL_VB_SEQNOS, false, {STATE(4)}},
    {MCBP_GET_ALL_VB_SEQNOS, false, {STATE(4), P("of_collection", 4, HEX)}},
    {MCBP_MUTATE_WITH_META, false, {P("meta_length", 4, NUMBER)}},
    {MCBP_SET_PARAM, false, {NAMES("parameter", 4, NAMED, parameter_types)}},
    {MCBP_GET_LOCKED, false, {P("lock_time", 4, NUMBER)}},
    {MCBP_GET_META, false, {P("version", 1, NUMBER)}},
    {MCBP_GET_META, true, {P("deleted", 4, NUMBER), FLAGS, EXPIRY, REV_SEQNO}},
    {MCBP_GET_META,
     true,
     {P("deleted", 4, NUMBER), FLAGS, EXPIRY, REV_SEQNO, P("stored_as", 1, DATATYPE)}},
    {MCBP_SET_WITH_META, false, {FLAGS, EXPIRY, META}},
    {MCBP_SET_WITH_META, false, {FLAGS, EXPIRY, META, META_LENGTH}},
    {MCBP_SET_WITH_META, false, {FLAGS, EXPIRY, META, OPTIONS}},
    {MCBP_SET_WITH_META, false, {FLAGS, EXPIRY, META, OPTIONS, META_LENGTH}},
    {MCBP_ADD_WITH_META, false, {FLAGS, EXPIRY, META}},
    {MCBP_ADD_WITH_META, false, {FLAGS, EXPIRY, META, META_LENGTH}},
    {MCBP_ADD_WITH_META, false, {FLAGS, EXPIRY, META, OPTIONS}},
    {MCBP_ADD_WITH_META, false, {FLAGS, EXPIRY, META, OPTIONS, META_LENGTH}},
    {MCBP_DELETE_WITH_META, false, {FLAGS, DELETE_TIME, META}},
    {MCBP_DELETE_WITH_META, false, {FLAGS, DELETE_TIME, META, META_LENGTH}},
    {MCBP_DELETE_WITH_META, false, {FLAGS, DELETE_TIME, META, OPTIONS}},
    {MCBP_DELETE_WITH_META, false, {FLAGS, DELETE_TIME, META, OPTIONS, META_LENGTH}},
    {MCBP_RETURN_META, false, {NAMES("mutation", 4, NAMED, mutation_types), FLAGS, EXPIRY}},
    {MCBP_RETURN_META, true, {FLAGS, EXPIRY, REV_SEQNO}},
    {MCBP_COMPACT_DB,
     false,
     {P("purge_before_time", 8, NUMBER), P("purge_before_seqno", 8, NUMBER),
      P("drop_deletes", 1, NUMBER), P(NULL, 7, PADDING)}},
    {MCBP_SET_CLUSTER_CONFIG, false, {REVISION}},
    {MCBP_GET_CLUSTER_CONFIG, false, {REVISION}},
    {MCBP_GET_RANDOM_KEY, false, {P("of_collection", 4, HEX)}},
    {MCBP_GET_RANDOM_KEY, false, {P("of_collection", 4, HEX), P("include_xattrs", 1, NUMBER)}},
    {MCBP_SEQNO_PERSISTENCE, false, {P("seqno", 8, NUMBER)}},
    {MCBP_GET_KEYS, false, {P("count", 4, NUMBER)}},
    {MCBP_COLLECTIONS_GET_ID, true, {P("manifest", 8, HEX), P("id", 4, HEX)}},
    {MCBP_COLLECTIONS_GET_SCOPE_ID, true, {P("manifest", 8, HEX), P("id", 4, HEX)}},
    {MCBP_RANGE_SCAN_CONTINUE,
     false,
     {SCAN, P("item_limit", 4, NUMBER), P("time_limit_ms", 4, NUMBER), P("byte_limit", 4, NUMBER)}},
    {MCBP_RANGE_SCAN_CONTINUE, true, {NAMES("content", 4, NAMED, contents)}},
    {MCBP_RANGE_SCAN_CANCEL, false, {SCAN}},
    {MCBP_GET_CMD_TIMER, false, {P("of_opcode", 1, OPCODE)}},
    {MCBP_SET_CTRL_TOKEN, false, {P("token", 8, NUMBER)}},
    {MCBP_ADJUST_TIMEOFDAY, false, {P("offset", 8, NUMBER), NAMES("clock", 1, NAMED, time_types)}},
    {MCBP_EWOULDBLOCK_CTL,
     false,
     {P("mode", 4, NUMBER), P("argument", 4, NUMBER), P("error", 4, NUMBER)}},
    {MCBP_DCP_OPEN, false, {P("seqno", 4, NUMBER), NAMES("dcp_flags", 4, BITS, open_flags)}},
    {MCBP_DCP_ADD_STREAM, false, {NAMES("dcp_flags", 4, BITS, stream_flags)}},
    {MCBP_DCP_ADD_STREAM, true, {P("stream_opaque", 4, HEX)}},
    {MCBP_DCP_STREAM_REQ,
     false,
     {NAMES("dcp_flags", 4, BITS, stream_flags), P("reserved", 4, HEX), FROM_TO,
      P("vbucket_uuid", 8, HEX), P("snapshot_start_seqno", 8, NUMBER),
      P("snapshot_end_seqno", 8, NUMBER)}},
    {MCBP_DCP_STREAM_END, false, {NAMES("reason", 4, NAMED, end_reasons)}},
    {MCBP_DCP_SNAPSHOT_MARKER, false, {SNAPSHOT}},
    {MCBP_DCP_SNAPSHOT_MARKER, false, {P("version", 1, NUMBER)}},
    {MCBP_DCP_MUTATION, false, {SEQNOS, STORED, NMETA, P("nru", 1, NUMBER)}},
    {MCBP_DCP_DELETION, false, {SEQNOS, NMETA}},
    {MCBP_DCP_DELETION, false, {SEQNOS, DELETE_TIME, P(NULL, 1, PADDING)}},
    {MCBP_DCP_EXPIRATION, false, {SEQNOS, NMETA}},
    {MCBP_DCP_EXPIRATION, false, {SEQNOS, DELETE_TIME}},
    {MCBP_DCP_SET_VBUCKET_STATE, false, {STATE(1)}},
    {MCBP_DCP_BUFFER_ACKNOWLEDGEMENT, false, {P("bytes", 4, NUMBER)}},
    {MCBP_DCP_SYSTEM_EVENT,
     false,
     {BY_SEQNO, NAMES("system_event", 4, NAMED, system_events), P("version", 1, NUMBER)}},
    {MCBP_DCP_PREPARE,
     false,
     {SEQNOS, STORED, P("nru", 1, NUMBER), P("deleted", 1, NUMBER),
      NAMES("durability", 1, NAMED, durability_levels)}},
    {MCBP_DCP_SEQNO_ACKNOWLEDGED, false, {PREPARED}},
    {MCBP_DCP_COMMIT, false, {PREPARED, P("commit_seqno", 8, NUMBER)}},
    {MCBP_DCP_ABORT, false, {PREPARED, P("abort_seqno", 8, NUMBER)}},
    {MCBP_DCP_SEQNO_ADVANCED, false, {BY_SEQNO}},
    {MCBP_DCP_OSO_SNAPSHOT, false, {NAMES("snapshot", 4, BITS, oso_flags)}},
};

/* What a server sends of its own accord (opcode 0x01), today and in earlier versions. */
static const struct layout notifications[] = {
    {0x01, false, {REVISION}},
    {0x01, false, {P("revision", 4, NUMBER)}},
};

/* ------------------------------------------------------------------------------------- told by
 * them */

static uint64_t read_part(const uint8_t *data, size_t size)
{
    uint64_t number = 0;
    for (size_t i = 0; i < size; i++) {
        number = number << 8 | data[i];
    }
    return number;
}

static void describe_part_number(struct fields *fields, const struct part *part, uint64_t number)
{
    bool large = part->size > 4;
    if (part->form == HEX) {
        (large ? fields_large_hex : fields_hex)(fields, part->name, number);
    } else {
        (large ? fields_large : fields_number)(fields, part->name, number);
    }
}

static void describe_part(struct fields *fields, const struct part *part, const uint8_t *data)
{
    char text[MCBP_OPCODE_TEXT_SIZE];
    uint64_t number = part->form == UUID ? 0 : read_part(data, part->size);
    const char *name = part->form == NAMED ? describe_name((uint32_t)number, part->names) : NULL;
    if (part->form == UUID) {
        describe_uuid(fields, part->name, data);
    } else if (part->form == BITS) {
        describe_bits(fields, part->name, (uint32_t)number, part->names);
    } else if (part->form == DATATYPE) {
        describe_datatype(fields, part->name, (uint8_t)number);
    } else if (part->form == OPCODE) {
        fields_word(fields, part->name,
                    mcbp_opcode_couchbase_text(MCBP_CLIENT_REQUEST, (uint8_t)number, text));
    } else if (name != NULL) {
        fields_word(fields, part->name, name);
    } else {
        describe_part_number(fields, part, number);
    }
}

static size_t layout_size(const struct layout *layout)
{
    size_t size = 0;
    for (size_t i = 0; i < PARTS_MAX; i++) {
        size += layout->parts[i].size;
    }
    return size;
}

static bool describe_by_layout(struct fields *fields, const struct layout *from, size_t count,
                               uint8_t opcode, bool answer, struct span extras)
{
    for (size_t i = 0; i < count; i++) {
        const struct layout *layout = &from[i];
        if (layout->opcode == opcode && layout->answer == answer &&
            layout_size(layout) == extras.size) {
            for (size_t part = 0; part < PARTS_MAX && layout->parts[part].size > 0; part++) {
                if (layout->parts[part].form != PADDING) {
                    describe_part(fields, &layout->parts[part], extras.data);
                }
                extras = span_skip(extras, layout->parts[part].size);
            }
            return true;
        }
    }
    return false;
}

static const struct describe_bit path_flags[] = {
#define BIT(name, bit) {bit, #name},
    MCBP_SUBDOC_PATH_FLAGS(BIT){0, NULL}};
static const struct describe_bit doc_flags[] = {MCBP_SUBDOC_DOC_FLAGS(BIT){0, NULL}};
#undef BIT

static void describe_subdoc_extras(struct fields *fields, uint8_t opcode, struct span bytes)
{
    struct mcbp_subdoc_extras extras;
    enum mcbp_subdoc_shape shape = mcbp_subdoc_shape_of(opcode);
    if (!mcbp_subdoc_extras_read(shape, bytes, &extras)) {
        return;
    }
    if (shape == MCBP_SUBDOC_SINGLE) {
        describe_bits(fields, "path_flags", extras.path_flags, path_flags);
    }
    if (extras.has_expiry) {
        fields_number(fields, "expiry", extras.expiry);
    }
    if (extras.has_user_flags) {
        fields_hex(fields, "flags", extras.user_flags);
    }
    if (extras.doc_flags != 0) {
        describe_bits(fields, "doc_flags", extras.doc_flags, doc_flags);
    }
}

/* What most answers have in common: an item's flags, or the token of a change. */
static void describe_answer_extras(struct fields *fields, uint8_t opcode, struct span extras)
{
    struct mcbp_token token;
    if (mcbp_token_read(opcode, extras, &token)) {
        fields_large_hex(fields, "vbucket_uuid", token.vbucket_uuid);
        fields_large(fields, "seqno", token.seqno);
    } else if (extras.size == 4) {
        fields_hex(fields, "flags", read_be32(extras.data));
    }
}

void describe_extras(struct fields *fields, const struct mcbp_frame *frame)
{
    const struct mcbp_header *header = &frame->header;
    bool answer = mcbp_magic_is_response(header->magic);
    uint8_t loud = mcbp_opcode_loud(header->opcode);
    if (header->magic == MCBP_SERVER_REQUEST || header->magic == MCBP_SERVER_RESPONSE) {
        describe_by_layout(fields, notifications, sizeof(notifications) / sizeof(*notifications),
                           header->opcode, answer, frame->extras);
    } else if (!describe_by_layout(fields, layouts, sizeof(layouts) / sizeof(*layouts), loud,
                                   answer, frame->extras)) {
        if (answer) {
            describe_answer_extras(fields, header->opcode, frame->extras);
        } else {
            describe_subdoc_extras(fields, header->opcode, frame->extras);
        }
    }
}
