/* Commands about the server and the connection: FLUSH, NOOP, VERSION, QUIT, STAT, SASL. */
#include "base/endian.h"
#include "engine/engine.h"
#include "engine/execute.h"

#include <inttypes.h>
#include <stdio.h>

/*
 * memcached flushes everything stored before the second before the time asked for, up to and with
 * that second. Times at or before the server's start make that second 0, which stands for no flush.
 * Without CAS values it is the second asked for: for FLUSH at once, what is stored within it is
 * gone or not, depending on when memcached's clock ticks, which a caller has to look at.
 */
void command_flush(struct execution *execution)
{
    struct engine *engine = execution->engine;
    struct span extras = execution->frame->extras;
    uint32_t exptime = extras.size == 0 ? 0 : read_be32(extras.data);
    int64_t now = execution->request->now;
    bool later = exptime != 0 && execution->request->without_cas;
    int64_t live = (exptime == 0 ? now : execution_expiry(execution, exptime)) - (later ? 0 : 1);
    if (live <= engine->options.started && exptime != 0 && engine->options.started != 0) {
        live = 0;
    }
    bool at_once = live <= now;
    store_flush(&engine->store, live, at_once);
    if (at_once) {
        engine->last_cas++;
    }
    engine->delayed_flush = exptime == 0 ? 0 : live;
    answer_done(execution);
}

void command_noop(struct execution *execution)
{
    answer_done(execution);
}

void command_version(struct execution *execution)
{
    const char *version = execution->engine->options.version;
    struct kvr_response *response = answer_add(execution);
    response->value = version;
    response->value_size = strlen(version);
}

void command_quit(struct execution *execution)
{
    answer_done(execution);
    execution->answer->close = true;
}

/* A server without SASL doesn't know the commands. */
void command_sasl(struct execution *execution)
{
    answer_error(execution, MCBP_STATUS_UNKNOWN_COMMAND);
}

/* Swallows as many bytes as the whole body has after extras and key have been taken already. */
void command_unknown(struct execution *execution)
{
    answer_error(execution, MCBP_STATUS_UNKNOWN_COMMAND);
    execution->answer->verdict = ENGINE_NO_SEMANTICS;
    execution->answer->overread =
        (uint32_t)(execution->frame->extras.size + execution->frame->key.size);
}

static void answer_row(struct execution *execution, const char *key, const char *value)
{
    struct kvr_response *response = answer_add(execution);
    response->key = key;
    response->key_size = strlen(key);
    response->value = value;
    response->value_size = strlen(value);
}

static void answer_number(struct execution *execution, const char *key, uint64_t value)
{
    char *text = execution->engine->numbers[execution->answer->count];
    snprintf(text, ENGINE_NUMBER_SIZE, "%" PRIu64, value);
    answer_row(execution, key, text);
}

/* The terminator: a row without key and value. */
static void answer_end(struct execution *execution)
{
    answer_add(execution);
}

/* The rows are the engine's own, few and true; form and end are memcached's. */
static void stat_general(struct execution *execution)
{
    struct engine *engine = execution->engine;
    answer_number(execution, "time", (uint64_t)execution->request->now);
    answer_row(execution, "version", engine->options.version);
    answer_number(execution, "curr_items", engine_item_count(engine));
    answer_number(execution, "bytes", engine->store.blocks.taken_bytes);
    if (engine->options.memory_max != 0) {
        answer_number(execution, "limit_maxbytes", engine->options.memory_max);
        answer_number(execution, "evictions", engine_evictions(engine));
    }
    answer_end(execution);
}

static void stat_settings(struct execution *execution)
{
    answer_number(execution, "item_size_max", execution->engine->options.item_size_max);
    answer_number(execution, "slab_chunk_max", execution->engine->options.item_chunk_max);
    answer_row(execution, "cas_enabled", "yes");
    answer_end(execution);
}

static void stat_sizes(struct execution *execution)
{
    answer_row(execution, "sizes_status", "disabled");
    answer_end(execution);
}

/* These two have no terminator. */
static void stat_sizes_enable(struct execution *execution)
{
    answer_row(execution, "sizes_status", "enabled");
}

static void stat_sizes_disable(struct execution *execution)
{
    answer_row(execution, "sizes_status", "disabled");
}

/* No statistics by key prefix are kept. */
static void stat_detail_dump(struct execution *execution)
{
    answer_row(execution, "detailed", "END\r\n");
    answer_end(execution);
}

static const struct stat_argument {
    const char *text;
    bool may_go_on; /* whatever follows is not looked at: "resettle" resets */
    void (*run)(struct execution *execution);
} STAT_ARGUMENTS[] = {
    {"", false, stat_general},
    {"reset", true, answer_end},
    {"settings", true, stat_settings},
    {"detail dump", true, stat_detail_dump},
    {"detail on", true, answer_end},
    {"detail off", true, answer_end},
    {"items", false, answer_end},
    {"slabs", false, answer_end},
    {"sizes", false, stat_sizes},
    {"sizes_enable", false, stat_sizes_enable},
    {"sizes_disable", false, stat_sizes_disable},
};

void command_stat(struct execution *execution)
{
    struct span key = execution->frame->key;
    for (size_t i = 0; i < sizeof(STAT_ARGUMENTS) / sizeof(STAT_ARGUMENTS[0]); i++) {
        const struct stat_argument *argument = &STAT_ARGUMENTS[i];
        size_t size = strlen(argument->text);
        if (key.size < size || (key.size > size && !argument->may_go_on)) {
            continue;
        }
        if (span_equal(span_head(key, size), span_of(argument->text, size))) {
            argument->run(execution);
            return;
        }
    }
    answer_error(execution, MCBP_STATUS_KEY_NOT_FOUND);
}
