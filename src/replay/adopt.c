#include "replay/adopt.h"

#include "base/endian.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"

#include <inttypes.h>
#include <stdio.h>

enum { FLAGS_SIZE = 4, COUNTER_SIZE = 8, DELTA_SIZE = 8 };

/* Silence says success of a change, and a miss of a retrieval. */
static uint16_t adopt_status_of(const struct trial *trial, uint8_t loud)
{
    if (trial->recorded != NULL) {
        return trial->recorded->header.vbucket_or_status;
    }
    return mcbp_opcode_retrieves(loud) ? MCBP_STATUS_KEY_NOT_FOUND : MCBP_STATUS_SUCCESS;
}

static bool hit(const struct mcbp_frame *recorded, struct engine_item *item)
{
    if (recorded == NULL || recorded->extras.size < FLAGS_SIZE) {
        return false;
    }
    item->doubtful = false;
    item->flags = read_be32(recorded->extras.data);
    item->datatype = recorded->header.datatype;
    item->value = recorded->value;
    item->cas = 0;
    item->cas_unknown = true; /* until the answer is found to be right */
    return true;
}

/* The number before an increment or decrement that came to the recorded one; if nothing is
 * decremented to that, nothing was there. */
static void counter(const struct trial *trial, uint8_t loud, struct engine_item *item,
                    uint8_t number[ADOPT_NUMBER_SIZE])
{
    uint64_t before = 0;
    if (trial->recorded != NULL && trial->recorded->value.size == COUNTER_SIZE &&
        trial->frame.extras.size >= DELTA_SIZE) {
        uint64_t after = read_be64(trial->recorded->value.data);
        uint64_t delta = read_be64(trial->frame.extras.data);
        if (loud == MCBP_INCREMENT) {
            before = after - delta; /* modulo 2^64, as there */
        } else if (__builtin_add_overflow(after, delta, &before)) {
            *item = (struct engine_item){.knowledge = ENGINE_ABSENT};
            return;
        }
    }
    int size = snprintf((char *)number, ADOPT_NUMBER_SIZE, "%" PRIu64, before);
    item->value = span_of(number, (size_t)size);
}

/* Something that explains the answer. False: no state of the key does. */
static bool explain_answer(const struct trial *trial, struct engine_item *item,
                           uint8_t number[ADOPT_NUMBER_SIZE])
{
    uint8_t loud = mcbp_opcode_loud(trial->frame.header.opcode);
    uint64_t cas = loud == MCBP_TOUCH ? 0 : trial->frame.header.cas; /* TOUCH looks at none */
    *item = (struct engine_item){
        .knowledge = ENGINE_PRESENT,
        .doubtful = true,
        .cas = cas,
        .cas_unknown = cas == 0,
        .expiry_unknown = true,
    };

    switch (adopt_status_of(trial, loud)) {
    case MCBP_STATUS_SUCCESS:
        if (mcbp_opcode_retrieves(loud)) {
            return hit(trial->recorded, item);
        }
        if (loud == MCBP_ADD && cas == 0) { /* with a CAS, memcached replaces what is there */
            *item = (struct engine_item){.knowledge = ENGINE_ABSENT};
        } else if (loud == MCBP_TOUCH && trial->recorded != NULL &&
                   trial->recorded->extras.size >= FLAGS_SIZE) {
            item->flags = read_be32(trial->recorded->extras.data);
        } else if (mcbp_opcode_counts(loud)) {
            counter(trial, loud, item, number);
        }
        return true;
    case MCBP_STATUS_KEY_EXISTS: /* it is there, with another CAS than the one asked for */
        item->value = span_of("0", mcbp_opcode_counts(loud) ? 1 : 0);
        item->cas = cas == 0 ? 0 : ~cas;
        item->cas_unknown = cas == 0;
        return true;
    case MCBP_STATUS_DELTA_BAD_VALUE:
        item->value = span_of("x", 1);
        return true;
    case MCBP_STATUS_KEY_NOT_FOUND:
    case MCBP_STATUS_NOT_STORED:
        *item = (struct engine_item){.knowledge = ENGINE_ABSENT};
        return true;
    default:
        return false;
    }
}

static struct span without_padding(struct span value)
{
    while (value.size > 0 && value.data[value.size - 1] == ' ') {
        value.size--;
    }
    return value;
}

static bool is_number(struct span value, uint64_t number)
{
    char text[ADOPT_NUMBER_SIZE];
    int size = snprintf(text, sizeof(text), "%" PRIu64, number);
    return span_equal(value, span_of(text, (size_t)size));
}

static bool is_some_number(struct span value)
{
    size_t digits = 0;
    while (digits < value.size && value.data[digits] >= '0' && value.data[digits] <= '9') {
        digits++;
    }
    return digits > 0 && digits == value.size;
}

static bool has_number(const struct engine_item *item, struct span number, uint32_t flags)
{
    const struct engine_certain *certain = &item->certain;
    bool may = span_equal(number, without_padding(item->value)) &&
               (!certain->flags || flags == item->flags);
    for (size_t i = 0; i < certain->count && !may; i++) {
        may = is_number(number, certain->others[i]) && (!certain->flags || flags == 0);
    }
    return may;
}

static bool has_ends(const struct engine_item *item, struct span value)
{
    size_t head = item->certain.head;
    size_t tail = item->certain.tail;
    return value.size >= head + tail &&
           span_equal(span_head(value, head), span_head(item->value, head)) &&
           span_equal(span_skip(value, value.size - tail),
                      span_skip(item->value, item->value.size - tail));
}

/* The item may hold that value with these flags. */
static bool may_hold(const struct engine_item *item, struct span value, uint32_t flags)
{
    switch (item->certain.kind) {
    case ENGINE_SOME_NUMBER:
        return is_some_number(without_padding(value));
    case ENGINE_NUMBERS:
        return has_number(item, without_padding(value), flags);
    case ENGINE_ENDS:
        return has_ends(item, value);
    default:
        return true;
    }
}

/* One of the other numbers, counted, is the recorded one. */
static bool may_count(const struct trial *trial, const struct engine_certain *certain, bool up)
{
    uint64_t delta = read_be64(trial->frame.extras.data);
    uint64_t recorded = read_be64(trial->recorded->value.data);
    bool may = false;
    for (size_t i = 0; i < certain->count; i++) {
        uint64_t other = certain->others[i];
        may |= recorded == (up ? other + delta : other > delta ? other - delta : 0);
    }
    return may;
}

/* What is certain of a doubtful item rules the recorded answer out. Where it is one of a few
 * numbers, silence tells no other: the store counts on from them. */
static bool adopt_contradicts(const struct trial *trial, const struct engine_item *item)
{
    uint8_t loud = mcbp_opcode_loud(trial->frame.header.opcode);
    const struct mcbp_frame *recorded = trial->recorded;
    bool counts = mcbp_opcode_counts(loud) && item->certain.kind == ENGINE_NUMBERS;
    if (!item->doubtful || recorded == NULL) {
        return item->doubtful && counts;
    }
    if (recorded->header.vbucket_or_status != MCBP_STATUS_SUCCESS) {
        return false;
    }
    if (mcbp_opcode_retrieves(loud) && recorded->extras.size >= FLAGS_SIZE) {
        return !may_hold(item, recorded->value, read_be32(recorded->extras.data));
    }
    return counts &&
           (recorded->value.size != COUNTER_SIZE || trial->frame.extras.size < DELTA_SIZE ||
            !may_count(trial, &item->certain, loud == MCBP_INCREMENT));
}

/* What a change leaves of a doubtful item's value stays a guess; its flags too. */
static void keep_guess(const struct trial *trial, const struct engine_item *before,
                       struct engine_item *item)
{
    uint8_t loud = mcbp_opcode_loud(trial->frame.header.opcode);
    if (item->value.size > 0) { /* where one of the others was counted, they are 0 */
        item->certain.flags =
            before->certain.flags && adopt_status_of(trial, loud) == MCBP_STATUS_SUCCESS;
        return;
    }
    item->value = before->value;
    item->certain = before->certain;
    if (loud != MCBP_TOUCH) { /* which tells them */
        item->flags = before->flags;
    }
}

bool adopt_state(const struct run *run, const struct trial *trial, const struct engine_item *before,
                 struct engine_item *item, uint8_t number[ADOPT_NUMBER_SIZE])
{
    bool unknown = before->knowledge == ENGINE_UNKNOWN && !run_is_cold(run);
    if ((!unknown && !before->doubtful) || adopt_contradicts(trial, before) ||
        !explain_answer(trial, item, number)) {
        return false;
    }
    if (item->doubtful && before->doubtful) {
        keep_guess(trial, before, item);
    }
    return true;
}
