/* SET, ADD, REPLACE, APPEND, PREPEND and DELETE. */
#include "base/endian.h"
#include "engine/execute.h"

/*
 * What an item adds to its key and value in memcached: the header of 48 bytes, 8 bytes of CAS, the
 * key's terminator and the value's "\r\n"; another 4 if there are flags.
 */
enum {
    ITEM_OVERHEAD = 48 + 8 + 1 + 2,
    ITEM_FLAGS = 4,
};

static size_t item_size(size_t key_size, uint32_t flags, size_t value_size)
{
    return ITEM_OVERHEAD + key_size + (flags != 0 ? ITEM_FLAGS : 0) + value_size;
}

static bool is_too_large(const struct execution *execution, uint32_t flags, size_t value_size)
{
    return item_size(execution->frame->key.size, flags, value_size) >
           execution->engine->options.item_size_max;
}

bool execution_is_chunked(const struct execution *execution, const struct content *item)
{
    return item_size(execution->frame->key.size, item->flags, item->value_size) >
           execution->engine->options.item_chunk_max;
}

enum condition { ANY, IF_ABSENT, IF_PRESENT };

/* Whether the request may store; answers it if not. A CAS asked for outweighs the condition. */
static bool may_store(struct execution *execution, const struct content *item,
                      enum condition condition)
{
    bool with_cas = execution->frame->header.cas != 0;
    if (item == NULL && (with_cas || condition == IF_PRESENT))
        answer_error(execution, MCBP_STATUS_KEY_NOT_FOUND);
    else if (item != NULL && with_cas && !execution_cas_matches(execution, item))
        answer_error(execution, MCBP_STATUS_KEY_EXISTS);
    else if (item != NULL && !with_cas && condition == IF_ABSENT)
        answer_error(execution, MCBP_STATUS_KEY_EXISTS);
    else
        return true;
    return false;
}

static void store_request(struct execution *execution, enum condition condition)
{
    const struct mcbp_frame *frame = execution->frame;
    uint32_t flags = read_be32(frame->extras.data);
    if (is_too_large(execution, flags, frame->value.size)) {
        /* So that nobody reads any more what SET meant to replace, its CAS or not. */
        if (condition == ANY && execution_find(execution) != NULL)
            execution_remove(execution);
        answer_error(execution, MCBP_STATUS_TOO_LARGE);
        return;
    }
    const struct content *item = execution_find(execution);
    if (!may_store(execution, item, condition))
        return;

    struct content content = {.knowledge = ENGINE_PRESENT, .flags = flags};
    if (!execution_value(execution, &content, frame->value.size))
        return;
    if (frame->value.size != 0)
        memcpy(content.value, frame->value.data, frame->value.size);
    content.expires = execution_expiry(execution, read_be32(frame->extras.data + 4));
    execution_assign_cas(execution, &content);
    if (execution_store(execution, &content))
        answer_stored(execution, &content);
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

static void store_joined(struct execution *execution, const struct content *item, struct span first,
                         struct span second)
{
    struct content content = *item;
    if (!execution_value(execution, &content, first.size + second.size))
        return;
    content.number_told = false; /* where the other part stands depends on the padding */
    if (first.size != 0)
        memcpy(content.value, first.data, first.size);
    if (second.size != 0)
        memcpy(content.value + first.size, second.data, second.size);
    execution_assign_cas(execution, &content);
    if (execution_store(execution, &content))
        answer_stored(execution, &content);
}

/* The piece alone may be too large, which is said so; that the sum is, is only "not stored". */
static void join(struct execution *execution, bool append)
{
    struct span piece = execution->frame->value;
    if (is_too_large(execution, 0, piece.size)) {
        answer_error(execution, MCBP_STATUS_TOO_LARGE);
        return;
    }
    const struct content *item = execution_find(execution);
    if (item == NULL) {
        answer_error(execution, MCBP_STATUS_NOT_STORED);
        return;
    }
    if (!execution_cas_matches(execution, item)) {
        answer_error(execution, MCBP_STATUS_KEY_EXISTS);
        return;
    }
    struct span old = span_of(item->value, item->value_size);
    if (is_too_large(execution, item->flags, old.size + piece.size))
        answer_error(execution, MCBP_STATUS_NOT_STORED);
    else
        store_joined(execution, item, append ? old : piece, append ? piece : old);
}

void command_append(struct execution *execution)
{
    join(execution, true);
}

void command_prepend(struct execution *execution)
{
    join(execution, false);
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
