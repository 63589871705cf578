/* From opcode to length rule to function; and what the functions have in common. */
#include "engine/execute.h"

enum {
    /* memcached gathers header, extras and key in a buffer of this size, and closes when it's full
     */
    READ_BUFFER_SIZE = 16384,
    KEY_MAX = 250,
    RELATIVE_MAX = 60 * 60 * 24 * 30, /* a longer time is a Unix time */
};

/* ---------------------------------------------------------------- the table of commands */

enum value_rule {
    NO_VALUE,
    ANY_VALUE,
    VALUE_UNREAD, /* not refused, but left in the stream for the next request */
};

enum key_rule { NO_KEY, KEY, ANY_KEY };

/* The lengths that a command takes. */
struct shape {
    uint8_t extras;
    bool extras_optional;
    enum key_rule key;
    enum value_rule value;
};

static const struct shape NOTHING = {0, false, NO_KEY, NO_VALUE};
static const struct shape JUST_KEY = {0, false, KEY, NO_VALUE};
static const struct shape STORAGE = {8, false, KEY, ANY_VALUE};
static const struct shape KEY_VALUE = {0, false, KEY, ANY_VALUE};
static const struct shape ARITHMETIC = {20, false, KEY, NO_VALUE};
static const struct shape EXPIRY = {4, false, KEY, VALUE_UNREAD};
static const struct shape FLUSHING = {4, true, NO_KEY, NO_VALUE};
static const struct shape STATISTICS = {0, false, ANY_KEY, VALUE_UNREAD};

static const struct command {
    const struct shape *shape; /* NULL: memcached doesn't know the command */
    void (*run)(struct execution *execution);
    bool quiet;
} COMMANDS[256] = {
    [MCBP_GET] = {&JUST_KEY, command_get, false},
    [MCBP_GETQ] = {&JUST_KEY, command_get, true},
    [MCBP_GETK] = {&JUST_KEY, command_getk, false},
    [MCBP_GETKQ] = {&JUST_KEY, command_getk, true},
    [MCBP_TOUCH] = {&EXPIRY, command_touch, false},
    [MCBP_GAT] = {&EXPIRY, command_gat, false},
    [MCBP_GATQ] = {&EXPIRY, command_gat, true},
    [MCBP_GATK] = {&EXPIRY, command_gatk, false},
    [MCBP_GATKQ] = {&EXPIRY, command_gatk, true},

    [MCBP_SET] = {&STORAGE, command_set, false},
    [MCBP_SETQ] = {&STORAGE, command_set, true},
    [MCBP_ADD] = {&STORAGE, command_add, false},
    [MCBP_ADDQ] = {&STORAGE, command_add, true},
    [MCBP_REPLACE] = {&STORAGE, command_replace, false},
    [MCBP_REPLACEQ] = {&STORAGE, command_replace, true},
    [MCBP_APPEND] = {&KEY_VALUE, command_append, false},
    [MCBP_APPENDQ] = {&KEY_VALUE, command_append, true},
    [MCBP_PREPEND] = {&KEY_VALUE, command_prepend, false},
    [MCBP_PREPENDQ] = {&KEY_VALUE, command_prepend, true},
    [MCBP_DELETE] = {&JUST_KEY, command_delete, false},
    [MCBP_DELETEQ] = {&JUST_KEY, command_delete, true},

    [MCBP_INCREMENT] = {&ARITHMETIC, command_increment, false},
    [MCBP_INCREMENTQ] = {&ARITHMETIC, command_increment, true},
    [MCBP_DECREMENT] = {&ARITHMETIC, command_decrement, false},
    [MCBP_DECREMENTQ] = {&ARITHMETIC, command_decrement, true},

    [MCBP_FLUSH] = {&FLUSHING, command_flush, false},
    [MCBP_FLUSHQ] = {&FLUSHING, command_flush, true},
    [MCBP_NOOP] = {&NOTHING, command_noop, false},
    [MCBP_VERSION] = {&NOTHING, command_version, false},
    [MCBP_QUIT] = {&NOTHING, command_quit, false},
    [MCBP_QUITQ] = {&NOTHING, command_quit, true},
    [MCBP_STAT] = {&STATISTICS, command_stat, false},
    [MCBP_SASL_LIST_MECHS] = {&NOTHING, command_sasl, false},
    [MCBP_SASL_AUTH] = {&KEY_VALUE, command_sasl, false},
    [MCBP_SASL_STEP] = {&KEY_VALUE, command_sasl, false},
};

static bool fits(const struct shape *shape, const struct mcbp_frame *frame)
{
    if (frame->extras.size != shape->extras && !(frame->extras.size == 0 && shape->extras_optional))
        return false;
    if (shape->key != ANY_KEY && (frame->key.size != 0) != (shape->key == KEY))
        return false;
    return frame->value.size == 0 || shape->value != NO_VALUE;
}

/* An error upon which the connection is closed. */
static void refuse(struct execution *execution, enum mcbp_status status)
{
    answer_error(execution, status);
    execution->answer->close = true;
}

static void run(struct execution *execution, const struct command *command)
{
    const struct mcbp_frame *frame = execution->frame;
    if (execution->request->bad_lengths)
        refuse(execution, MCBP_STATUS_UNKNOWN_COMMAND);
    else if (frame->key.size > KEY_MAX)
        refuse(execution, MCBP_STATUS_INVALID_ARGUMENTS);
    else if (command->shape == NULL)
        command_unknown(execution);
    else if (!fits(command->shape, frame))
        refuse(execution, MCBP_STATUS_INVALID_ARGUMENTS);
    else
        command->run(execution);

    if (command->shape == NULL)
        execution->answer->verdict = ENGINE_NO_SEMANTICS;
    else if (command->shape->value == VALUE_UNREAD && !execution->answer->close)
        execution->answer->unread = (uint32_t)frame->value.size;
}

bool engine_reads_value(uint8_t opcode)
{
    const struct command *command = &COMMANDS[opcode];
    return command->shape != NULL && command->shape->value == ANY_VALUE &&
           command->run != command_sasl;
}

void engine_execute(struct engine *engine, const struct engine_request *request,
                    struct engine_answer *answer)
{
    const struct mcbp_header *header = &request->frame->header;
    const struct command *command = &COMMANDS[header->opcode];
    store_settle(&engine->store);
    values_collect(&engine->store.values);
    store_evict(&engine->store);
    engine->store.now = request->now;
    engine->cas_before = engine->last_cas;
    *answer = (struct engine_answer){.verdict = ENGINE_SILENT, .responses = engine->responses};
    struct execution execution = {
        .engine = engine,
        .request = request,
        .frame = request->frame,
        .answer = answer,
        .quiet = command->quiet,
    };
    if (header->magic != MCBP_CLIENT_REQUEST ||
        MCBP_HEADER_SIZE + header->extras_length + header->key_length > READ_BUFFER_SIZE)
        answer->close = true;
    else
        run(&execution, command);
}

/* ---------------------------------------------------------------- the item */

const struct content *execution_find(struct execution *execution)
{
    struct store *store = &execution->engine->store;
    execution->hash = store_hash(store, execution->frame->key);
    execution->entry = store_find(store, execution->frame->key, execution->hash);
    if (execution->entry == NULL)
        return NULL;
    store_use(store, execution->entry);
    if (store_knowledge(store, execution->entry, store->now) == ENGINE_PRESENT)
        return &execution->entry->content;
    if (store_counts(store, &execution->entry->content))
        execution_remove(execution);
    return NULL;
}

void execution_remove(struct execution *execution)
{
    struct content content = {.knowledge = ENGINE_ABSENT};
    store_stamp(&execution->engine->store, &content);
    store_change(&execution->engine->store, execution->entry, &content);
    store_retire(&execution->engine->store, execution->entry);
}

bool execution_value(struct execution *execution, struct content *content, size_t size)
{
    content->value = NULL;
    content->value_size = (uint32_t)size;
    if (size == 0)
        return true;
    content->value = values_take(&execution->engine->store.values, size);
    if (content->value == NULL)
        execution->answer->verdict = ENGINE_NO_MEMORY;
    return content->value != NULL;
}

bool execution_store(struct execution *execution, struct content *content)
{
    struct store *store = &execution->engine->store;
    if (execution->entry == NULL)
        execution->entry = store_add(store, execution->frame->key, execution->hash);
    if (execution->entry == NULL) {
        values_give(&store->values, content->value, content->value_size);
        execution->answer->verdict = ENGINE_NO_MEMORY;
        return false;
    }
    store_stamp(store, content);
    store_change(store, execution->entry, content);
    store_use(store, execution->entry);
    return true;
}

void execution_assign_cas(struct execution *execution, struct content *content)
{
    struct engine *engine = execution->engine;
    content->cas = engine->options.own_cas ? ++engine->last_cas : execution->request->cas;
    content->cas_unknown = content->cas == 0;
}

bool execution_cas_matches(struct execution *execution, const struct content *content)
{
    uint64_t cas = execution->frame->header.cas;
    if (cas != 0 && content->cas_unknown)
        execution->answer->cas_assumed = true;
    return cas == 0 || content->cas_unknown || cas == content->cas;
}

int64_t execution_expiry(const struct execution *execution, uint32_t exptime)
{
    if (exptime == 0)
        return 0;
    return exptime > RELATIVE_MAX ? exptime : execution->request->now + exptime;
}

/* ---------------------------------------------------------------- the answer */

struct kvr_response *answer_add(struct execution *execution)
{
    struct engine *engine = execution->engine;
    assert(execution->answer->count < ENGINE_ROWS);
    struct kvr_response *response = &engine->responses[execution->answer->count++];
    execution->answer->verdict = ENGINE_ANSWERED;
    *response = (struct kvr_response){
        .magic = MCBP_CLIENT_RESPONSE,
        .opcode = execution->frame->header.opcode,
        .opaque = execution->frame->header.opaque,
    };
    return response;
}

void answer_done(struct execution *execution)
{
    if (!execution->quiet)
        answer_add(execution);
}

void answer_stored(struct execution *execution, const struct content *content)
{
    if (execution->quiet)
        return;
    answer_add(execution)->cas = content->cas;
    execution->answer->cas_unknown = content->cas_unknown;
}

void answer_error(struct execution *execution, enum mcbp_status status)
{
    const char *text = mcbp_status_error_body((uint16_t)status);
    struct kvr_response *response = answer_add(execution);
    response->status = (uint16_t)status;
    response->value = text;
    response->value_size = strlen(text);
}
