/* SET, ADD, REPLACE, APPEND, PREPEND and DELETE. */
#include "base/endian.h"
#include "engine/execute.h"

/*
 * What an item adds to its key and value in memcached: the header of 48 bytes, the key's terminator
 * and the value's "\r\n"; another 8 if there is a CAS, and 4 if there are flags.
 */
enum {
    ITEM_OVERHEAD = 48 + 1 + 2,
    ITEM_CAS = 8,
    ITEM_FLAGS = 4,
};

static size_t item_size(const struct execution *execution, uint32_t flags, size_t value_size)
{
    return ITEM_OVERHEAD + execution->frame->key.size + value_size +
           (execution->request->without_cas ? 0 : ITEM_CAS) + (flags != 0 ? ITEM_FLAGS : 0);
}

bool request_is_too_large(const struct mcbp_frame *frame, size_t item_size_max)
{
    return ITEM_OVERHEAD + frame->key.size + mcbp_value_size(&frame->header) > item_size_max;
}

static bool is_too_large(const struct execution *execution, uint32_t flags, size_t value_size)
{
    return item_size(execution, flags, value_size) > execution->engine->options.item_size_max;
}

bool execution_is_chunked(const struct execution *execution, const struct content *item)
{
    return item_size(execution, item->flags, item->value_size) >
           execution->engine->options.item_chunk_max;
}

enum condition { ANY, IF_ABSENT, IF_PRESENT };

/* Where items have no CAS, the new one has no room for the CAS asked for, and it is lost. */
static bool asks_for_cas(const struct execution *execution)
{
    return execution->frame->header.cas != 0 && !execution->request->without_cas;
}

/* Whether the request may store; answers it if not. A CAS asked for outweighs the condition. */
static bool may_store(struct execution *execution, const struct content *item,
                      enum condition condition)
{
    bool with_cas = asks_for_cas(execution);
    if (item == NULL && (with_cas || condition == IF_PRESENT)) {
        answer_error(execution, MCBP_STATUS_KEY_NOT_FOUND);
    } else if (item != NULL && with_cas && !execution_cas_matches(execution, item)) {
        answer_error(execution, MCBP_STATUS_KEY_EXISTS);
    } else if (item != NULL && !with_cas && condition == IF_ABSENT) {
        answer_error(execution, MCBP_STATUS_KEY_EXISTS);
    } else {
        return true;
    }
    return false;
}

/* memcached takes its new item before it looks for the old one. What SET meant to replace is
 * removed, so that nobody reads it any more. */
static void refuse_memory(struct execution *execution, enum condition condition)
{
    bool removes = condition == ANY && !execution->request->out_of_memory_late;
    if (removes && execution_find(execution) != NULL) {
        execution_remove(execution);
    }
    answer_error(execution, MCBP_STATUS_NO_MEMORY);
}

static void store_request(struct execution *execution, enum condition condition)
{
    const struct mcbp_frame *frame = execution->frame;
    uint32_t flags = read_be32(frame->extras.data);
    if (is_too_large(execution, flags, mcbp_value_size(&frame->header))) {
        /* As without memory: what SET meant to replace is removed, its CAS or not. */
        if (condition == ANY && execution_find(execution) != NULL) {
            execution_remove(execution);
        }
        answer_error(execution, MCBP_STATUS_TOO_LARGE);
        return;
    }
    if (execution->request->out_of_memory) {
        refuse_memory(execution, condition);
        return;
    }
    const struct content *item = execution_find(execution);
    if (!may_store(execution, item, condition)) {
        return;
    }

    struct content content = {.knowledge = ENGINE_PRESENT, .flags = flags};
    if (!execution_value(execution, &content, frame->value.size)) {
        return;
    }
    if (frame->value.size != 0) {
        memcpy(content.value, frame->value.data, frame->value.size);
    }
    content.expires = execution_expiry(execution, read_be32(frame->extras.data + 4));
    execution_assign_cas(execution, &content);
    if (execution_store(execution, &content)) {
        answer_stored(execution, &content);
    }
}

void command_set(struct execution *execution)
{
    store_request(execution, ANY);
}

void command_add(struct execution *execution)
{
    store_request(execution, IF_ABSENT);
}

void command_replace(struct execution *execution)
{
    store_request(execution, IF_PRESENT);
}

/* Of a doubtful item: what it was joined to is not, nor where in it a number ends. */
static struct engine_certain certain_ends(const struct content *item, size_t size, bool append)
{
    struct engine_certain ends = {.kind = ENGINE_ENDS};
    if (item->certain.kind == ENGINE_ENDS) {
        ends = item->certain;
    }
    *(append ? &ends.tail : &ends.head) += (uint32_t)size; /* no value is longer than 2^32 */
    return ends;
}

static void store_joined(struct execution *execution, const struct content *item, struct span piece,
                         bool append)
{
    struct span old = span_of(item->value, item->value_size);
    struct span first = append ? old : piece;
    struct span second = append ? piece : old;
    struct content content = *item;
    if (!execution_value(execution, &content, first.size + second.size)) {
        return;
    }
    if (item->doubtful) {
        content.certain = certain_ends(item, piece.size, append);
    }
    if (first.size != 0) {
        memcpy(content.value, first.data, first.size);
    }
    if (second.size != 0) {
        memcpy(content.value + first.size, second.data, second.size);
    }
    execution_assign_cas(execution, &content);
    if (execution_store(execution, &content)) {
        answer_stored(execution, &content);
    }
}

/* The piece alone may be too large, which is said so; that the sum is, is only "not stored". */
static void mutate_join(struct execution *execution, bool append)
{
    struct span piece = execution->frame->value;
    if (is_too_large(execution, 0, mcbp_value_size(&execution->frame->header))) {
        answer_error(execution, MCBP_STATUS_TOO_LARGE);
        return;
    }
    if (execution->request->out_of_memory) {
        refuse_memory(execution, IF_PRESENT);
        return;
    }
    const struct content *item = execution_find(execution);
    if (item == NULL) {
        answer_error(execution, MCBP_STATUS_NOT_STORED);
        return;
    }
    if (asks_for_cas(execution) && !execution_cas_matches(execution, item)) {
        answer_error(execution, MCBP_STATUS_KEY_EXISTS);
        return;
    }
    if (is_too_large(execution, item->flags, (size_t)item->value_size + piece.size)) {
        answer_error(execution, MCBP_STATUS_NOT_STORED);
    } else {
        store_joined(execution, item, piece, append);
    }
}

void command_append(struct execution *execution)
{
    mutate_join(execution, true);
}

void command_prepend(struct execution *execution)
{
    mutate_join(execution, false);
}

void command_delete(struct execution *execution)
{
    const struct content *item = execution_find(execution);
    if (item == NULL) {
        answer_error(execution, MCBP_STATUS_KEY_NOT_FOUND);
    } else if (!execution_cas_matches(execution, item)) {
        answer_error(execution, MCBP_STATUS_KEY_EXISTS);
    } else {
        execution_remove(execution);
        answer_done(execution);
    }
}
