/* INCREMENT and DECREMENT. */
#include "base/endian.h"
#include "engine/execute.h"

#include <inttypes.h>
#include <stdio.h>

static bool is_space(uint8_t byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/* Takes digits off `text`. False: there are none, or they are more than 64 bits. */
static bool take_digits(struct span *text, uint64_t *number)
{
    size_t size = 0;
    *number = 0;
    for (; size < text->size && text->data[size] >= '0' && text->data[size] <= '9'; size++) {
        if (__builtin_mul_overflow(*number, 10, number) ||
            __builtin_add_overflow(*number, (uint64_t)(text->data[size] - '0'), number)) {
            return false;
        }
    }
    *text = span_skip(*text, size);
    return size != 0;
}

/* Up to the first NUL: memcached looks for the minus as in a string. */
static bool has_minus(struct span text)
{
    const uint8_t *nul = text.size == 0 ? NULL : memchr(text.data, 0, text.size);
    size_t size = nul == NULL ? text.size : (size_t)(nul - text.data);
    return size != 0 && memchr(text.data, '-', size) != NULL;
}

/*
 * What memcached takes for a number: what strtoull does, ended by white space, a NUL or the value's
 * end. That lets blanks, a sign and anything after "12 " pass; "-5" is found out by its highest
 * bit, so that "-18446744073709551615" is 1. (memcached reads on behind a value that is all blanks;
 * what lies there is not ours to know.)
 */
static bool arithmetic_parse_number(struct span value, uint64_t *number)
{
    struct span text = value;
    while (text.size != 0 && is_space(text.data[0])) {
        text = span_skip(text, 1);
    }
    bool negative = text.size != 0 && text.data[0] == '-';
    if (negative || (text.size != 0 && text.data[0] == '+')) {
        text = span_skip(text, 1);
    }
    if (!take_digits(&text, number)) {
        return false;
    }
    if (text.size != 0 && !is_space(text.data[0]) && text.data[0] != 0) {
        return false;
    }
    if (negative) {
        *number = 0 - *number;
    }
    return (int64_t)*number >= 0 || !has_minus(value);
}

static void answer_counter(struct execution *execution, const struct content *content,
                           uint64_t number)
{
    if (execution->quiet) {
        return;
    }
    struct engine *engine = execution->engine;
    answer_stored(execution, content);
    write_be64(engine->counter, number);
    engine->responses[0].value = engine->counter;
    engine->responses[0].value_size = sizeof(engine->counter);
}

/* It was counted, or made: when it expires is not certain, either. */
static void doubt(struct content *content)
{
    content->doubtful = true;
    content->expires = 0;
    content->expiry_unknown = true;
}

/* Stores the number as text in a value of at least `width` bytes, the rest of it blanks. */
static void store_number(struct execution *execution, struct content *content, uint64_t number,
                         size_t width)
{
    if (execution->request->out_of_memory) {
        answer_error(execution, MCBP_STATUS_NO_MEMORY);
        return;
    }
    if (execution->request->uncertain) {
        doubt(content);
    }
    char text[ENGINE_NUMBER_SIZE];
    size_t size = (size_t)snprintf(text, sizeof(text), "%" PRIu64, number);
    if (!execution_value(execution, content, size > width ? size : width)) {
        return;
    }
    memset(content->value, ' ', content->value_size);
    memcpy(content->value, text, size);
    execution_assign_cas(execution, content);
    if (execution_store(execution, content)) {
        answer_counter(execution, content, number);
    }
}

/* The initial value. The CAS of the request is not looked at. */
static void arithmetic_create(struct execution *execution)
{
    const uint8_t *extras = execution->frame->extras.data;
    uint32_t exptime = read_be32(extras + 16);
    if (exptime == UINT32_MAX) {
        answer_error(execution, MCBP_STATUS_KEY_NOT_FOUND);
        return;
    }
    struct content content = {.knowledge = ENGINE_PRESENT};
    content.certain.kind = execution->quiet ? ENGINE_SOME_NUMBER : ENGINE_NUMBERS;
    content.expires = execution_expiry(execution, exptime);
    store_number(execution, &content, read_be64(extras + 8), 0);
}

static uint64_t count(uint64_t number, uint64_t delta, bool up)
{
    if (up) {
        return number + delta; /* wraps around */
    }
    return number > delta ? number - delta : 0;
}

static bool is_other(const struct engine_certain *certain, uint64_t number)
{
    size_t i = 0;
    while (i < certain->count && certain->others[i] != number) {
        i++;
    }
    return i < certain->count;
}

/* The item may have been gone: then it was made, unless the request forbids that. */
static void add_made(const struct execution *execution, struct engine_certain *certain)
{
    const uint8_t *extras = execution->frame->extras.data;
    uint64_t initial = read_be64(extras + 8);
    if (read_be32(extras + 16) == UINT32_MAX || is_other(certain, initial)) {
        return;
    }
    if (certain->count == ENGINE_OTHERS) {
        *certain = (struct engine_certain){.kind = ENGINE_SOME_NUMBER};
    } else {
        certain->others[certain->count++] = initial;
    }
}

/* What is certain of the item, which held `number`, when it has been counted. */
static struct engine_certain certain_of(const struct execution *execution,
                                        const struct content *item, uint64_t number, bool up)
{
    struct engine_certain certain = {.kind = ENGINE_NUMBERS, .flags = true};
    if (item->doubtful) {
        certain = item->certain;
    }
    if (!execution->quiet) {
        return (struct engine_certain){
            .kind = ENGINE_NUMBERS,
            .flags = certain.flags && !is_other(&certain, number),
        };
    }
    if (certain.kind != ENGINE_NUMBERS) {
        return (struct engine_certain){.kind = ENGINE_SOME_NUMBER};
    }
    for (size_t i = 0; i < certain.count; i++) {
        certain.others[i] = count(certain.others[i], read_be64(execution->frame->extras.data), up);
    }
    if (execution->request->uncertain) {
        add_made(execution, &certain);
    }
    return certain;
}

/* MCBP_STATUS_SUCCESS: it is counted. */
static enum mcbp_status refusal(struct execution *execution, const struct content *item,
                                uint64_t *number)
{
    if (item->value_size == 0 || execution_is_chunked(execution, item)) {
        return MCBP_STATUS_DELTA_BAD_VALUE;
    }
    if (!execution_cas_matches(execution, item)) {
        return MCBP_STATUS_KEY_EXISTS;
    }
    return arithmetic_parse_number(span_of(item->value, item->value_size), number)
               ? MCBP_STATUS_SUCCESS
               : MCBP_STATUS_DELTA_BAD_VALUE;
}

/* What has been found to be gone by this request. NULL: nothing, or it would not be counted. */
static const struct content *countable_gone(struct execution *execution)
{
    const struct store *store = &execution->engine->store;
    uint64_t number;
    bool gone = execution->entry != NULL && store->changed == execution->entry;
    return gone && refusal(execution, &store->before, &number) == MCBP_STATUS_SUCCESS
               ? &store->before
               : NULL;
}

static void count_item(struct execution *execution, bool up)
{
    uint64_t number;
    const struct content *item = execution_find(execution);
    if (item == NULL && execution->request->uncertain) {
        item = countable_gone(execution);
    }
    if (item == NULL) {
        arithmetic_create(execution);
        return;
    }
    enum mcbp_status status = refusal(execution, item, &number);
    if (status != MCBP_STATUS_SUCCESS) {
        answer_error(execution, status);
        return;
    }
    execution->answer->number_doubtful = (int64_t)number < 0;
    if (execution->answer->number_doubtful && execution->request->minus_behind) {
        answer_error(execution, MCBP_STATUS_DELTA_BAD_VALUE);
        return;
    }
    struct content counted = *item;
    counted.certain = certain_of(execution, item, number, up);
    number = count(number, read_be64(execution->frame->extras.data), up);
    store_number(execution, &counted, number,
                 execution->request->referenced ? 0 : item->value_size);
}

void command_increment(struct execution *execution)
{
    count_item(execution, true);
}

void command_decrement(struct execution *execution)
{
    count_item(execution, false);
}
