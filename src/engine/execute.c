/* From opcode to function, if the lengths are right; and what the functions have in common. */
#include "engine/execute.h"

#include "engine/engine.h"
#include "mcbp/form.h"

enum {
    /* memcached gathers header, extras and key in a buffer of this size, and closes when it's full
     */
    READ_BUFFER_SIZE = 16384,
    KEY_MAX = 250,
    RELATIVE_MAX = 60 * 60 * 24 * 30, /* a longer time is a Unix time */
};

/* ---------------------------------------------------------------- the table of commands */

static const struct command {
    void (*run)(struct execution *execution); /* NULL: memcached doesn't know the command */
    bool leaves_value; /* not refused, but left in the stream for the next request */
} COMMANDS[256] = {
    [MCBP_GET] = {command_get, false},
    [MCBP_GETQ] = {command_get, false},
    [MCBP_GETK] = {command_getk, false},
    [MCBP_GETKQ] = {command_getk, false},
    [MCBP_TOUCH] = {command_touch, true},
    [MCBP_GAT] = {command_gat, true},
    [MCBP_GATQ] = {command_gat, true},
    [MCBP_GATK] = {command_gatk, true},
    [MCBP_GATKQ] = {command_gatk, true},

    [MCBP_SET] = {command_set, false},
    [MCBP_SETQ] = {command_set, false},
    [MCBP_ADD] = {command_add, false},
    [MCBP_ADDQ] = {command_add, false},
    [MCBP_REPLACE] = {command_replace, false},
    [MCBP_REPLACEQ] = {command_replace, false},
    [MCBP_APPEND] = {command_append, false},
    [MCBP_APPENDQ] = {command_append, false},
    [MCBP_PREPEND] = {command_prepend, false},
    [MCBP_PREPENDQ] = {command_prepend, false},
    [MCBP_DELETE] = {command_delete, false},
    [MCBP_DELETEQ] = {command_delete, false},

    [MCBP_INCREMENT] = {command_increment, false},
    [MCBP_INCREMENTQ] = {command_increment, false},
    [MCBP_DECREMENT] = {command_decrement, false},
    [MCBP_DECREMENTQ] = {command_decrement, false},

    [MCBP_FLUSH] = {command_flush, false},
    [MCBP_FLUSHQ] = {command_flush, false},
    [MCBP_NOOP] = {command_noop, false},
    [MCBP_VERSION] = {command_version, false},
    [MCBP_QUIT] = {command_quit, false},
    [MCBP_QUITQ] = {command_quit, false},
    [MCBP_STAT] = {command_stat, true},
    [MCBP_SASL_LIST_MECHS] = {command_sasl, false},
    [MCBP_SASL_AUTH] = {command_sasl, false},
    [MCBP_SASL_STEP] = {command_sasl, false},
};

/* The lengths are those that the command takes. */
static bool execute_fits(const struct command *command, const struct mcbp_frame *frame)
{
    struct mcbp_header header = frame->header;
    if (command->leaves_value) {
        header.body_length -= mcbp_value_size(&frame->header);
    }
    return mcbp_form_is_known(&header);
}

/* An error upon which the connection is closed. */
static void execute_refuse(struct execution *execution, enum mcbp_status status)
{
    answer_error(execution, status);
    execution->answer->close = true;
}

static void execute_command(struct execution *execution, const struct command *command)
{
    const struct mcbp_frame *frame = execution->frame;
    if (execution->request->bad_lengths) {
        execute_refuse(execution, MCBP_STATUS_UNKNOWN_COMMAND);
    } else if (frame->key.size > KEY_MAX) {
        execute_refuse(execution, MCBP_STATUS_INVALID_ARGUMENTS);
    } else if (command->run == NULL) {
        command_unknown(execution);
    } else if (!execute_fits(command, frame)) {
        execute_refuse(execution, MCBP_STATUS_INVALID_ARGUMENTS);
    } else {
        command->run(execution);
    }

    if (command->run == NULL) {
        execution->answer->verdict = ENGINE_NO_SEMANTICS;
    } else if (command->leaves_value && !execution->answer->close) {
        execution->answer->unread = mcbp_value_size(&frame->header);
    }
}

bool engine_is_well_formed(const struct mcbp_frame *frame)
{
    const struct command *command = &COMMANDS[frame->header.opcode];
    return frame->header.magic == MCBP_CLIENT_REQUEST && command->run != NULL &&
           frame->key.size <= KEY_MAX &&
           MCBP_HEADER_SIZE + frame->extras.size + frame->key.size <= READ_BUFFER_SIZE &&
           execute_fits(command, frame) &&
           (!command->leaves_value || mcbp_value_size(&frame->header) == 0);
}

bool engine_refuses(const struct mcbp_frame *frame)
{
    const struct command *command = &COMMANDS[frame->header.opcode];
    return frame->header.magic == MCBP_CLIENT_REQUEST &&
           (frame->key.size > KEY_MAX || (command->run != NULL && !execute_fits(command, frame)));
}

bool engine_loses_step(const struct mcbp_frame *frame)
{
    const struct command *command = &COMMANDS[frame->header.opcode];
    if (frame->header.magic != MCBP_CLIENT_REQUEST || frame->key.size > KEY_MAX) {
        return false;
    }
    if (command->run == NULL) {
        return frame->extras.size + frame->key.size != 0;
    }
    return command->leaves_value && mcbp_value_size(&frame->header) != 0 &&
           execute_fits(command, frame);
}

bool engine_runs_early(const struct mcbp_frame *frame, size_t item_size_max)
{
    const struct command *command = &COMMANDS[frame->header.opcode];
    return frame->header.magic == MCBP_CLIENT_REQUEST && command->run != NULL &&
           (command->leaves_value || engine_refuses(frame) ||
            (engine_reads_value(frame->header.opcode) &&
             request_is_too_large(frame, item_size_max)));
}

bool engine_is_of_store(uint8_t opcode)
{
    return COMMANDS[opcode].run != NULL || mcbp_opcode_is_memcacheds(opcode);
}

bool engine_reads_value(uint8_t opcode)
{
    return mcbp_opcode_family(opcode) == MCBP_FAMILY_STORE || mcbp_opcode_concatenates(opcode);
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
    engine->store.stamp = request->stored != 0 ? request->stored : request->now;
    engine->cas_before = engine->last_cas;
    *answer = (struct engine_answer){.verdict = ENGINE_SILENT, .responses = engine->responses};
    struct execution execution = {
        .engine = engine,
        .request = request,
        .frame = request->frame,
        .answer = answer,
        .quiet = mcbp_opcode_is_quiet(header->opcode),
    };
    if (header->magic != MCBP_CLIENT_REQUEST ||
        MCBP_HEADER_SIZE + header->extras_length + header->key_length > READ_BUFFER_SIZE) {
        answer->close = true;
    } else {
        execute_command(&execution, command);
    }
}

/* ---------------------------------------------------------------- the item */

const struct content *execution_find(struct execution *execution)
{
    struct store *store = &execution->engine->store;
    execution->hash = store_hash(store, execution->frame->key);
    execution->entry = store_find(store, execution->frame->key, execution->hash);
    if (execution->entry == NULL) {
        return NULL;
    }
    store_use(store, execution->entry);
    if (store_knowledge(store, execution->entry, store->now) == ENGINE_PRESENT) {
        return &execution->entry->content;
    }
    if (store_counts(store, &execution->entry->content)) {
        execution_remove(execution);
    }
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
    if (size == 0) {
        return true;
    }
    content->value = values_take(&execution->engine->store.values, size);
    if (content->value == NULL) {
        execution->answer->verdict = ENGINE_NO_MEMORY;
    }
    return content->value != NULL;
}

bool execution_store(struct execution *execution, struct content *content)
{
    struct store *store = &execution->engine->store;
    if (execution->entry == NULL) {
        execution->entry = store_add(store, execution->frame->key, execution->hash);
    }
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
    const struct entry *entry = execution->entry;
    content->cas = engine->options.own_cas ? ++engine->last_cas : execution->request->cas;
    content->cas_unknown = content->cas == 0;
    if (content->cas_unknown && entry != NULL && store_counts(&engine->store, &entry->content)) {
        content->cas = entry->content.cas; /* which it is not any more */
    }
}

bool execution_cas_matches(struct execution *execution, const struct content *content)
{
    uint64_t cas = execution->frame->header.cas;
    if (cas == 0) {
        return true;
    }
    if (execution->request->without_cas) {
        return false;
    }
    if (!content->cas_unknown) {
        return cas == content->cas;
    }
    execution->answer->cas_assumed = cas != content->cas;
    return execution->answer->cas_assumed;
}

int64_t execution_expiry(const struct execution *execution, uint32_t exptime)
{
    if (exptime == 0) {
        return 0;
    }
    const struct engine_request *request = execution->request;
    int64_t from = request->counts_from != 0 ? request->counts_from : request->now;
    return exptime > RELATIVE_MAX ? exptime : from + exptime;
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
    if (!execution->quiet) {
        answer_add(execution);
    }
}

void answer_stored(struct execution *execution, const struct content *content)
{
    if (execution->quiet) {
        return;
    }
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
