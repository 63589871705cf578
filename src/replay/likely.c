#include "replay/likely.h"

#include "base/endian.h"
#include "mcbp/opcode.h"
#include "replay/run.h"

#include <stdlib.h>

enum {
    FLAGS_SIZE = 4,
    LONG = 5, /* bytes that hardly two changes write */
};

/* --------------------------------------------------------------------------------------- values
 */

/* False: it is no number. */
static bool read_number(struct span text, uint64_t *number)
{
    enum { DIGITS_MAX = 20 };
    *number = 0;
    for (size_t i = 0; i < text.size && text.data[i] != ' '; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || i >= DIGITS_MAX) {
            return false;
        }
        *number = *number * 10 + (uint64_t)(text.data[i] - '0');
    }
    return text.size > 0;
}

static bool ends_with(struct span value, struct span end)
{
    return end.size <= value.size &&
           span_equal(span_of(value.data + value.size - end.size, end.size), end);
}

static bool begins_with(struct span value, struct span begin)
{
    return begin.size <= value.size && span_equal(span_of(value.data, begin.size), begin);
}

static bool contains(struct span value, struct span part)
{
    for (size_t i = 0; i + part.size <= value.size; i++) {
        if (begins_with(span_of(value.data + i, value.size - i), part)) {
            return true;
        }
    }
    return false;
}

/* A counter has come to that value, on what is there. */
static bool counts_to(const struct engine_item *state, const struct operation *operation,
                      uint8_t loud, struct span value)
{
    uint64_t before;
    uint64_t after;
    uint64_t delta = read_be64(operation->request.frame.extras.data);
    if (!read_number(value, &after)) {
        return false;
    }
    if (state->knowledge == ENGINE_ABSENT) {
        return after == read_be64(operation->request.frame.extras.data + sizeof(delta));
    }
    return read_number(state->value, &before) &&
           (loud == MCBP_INCREMENT ? before + delta == after
                                   : before == after + delta || (after == 0 && before < delta));
}

bool likely_leaves(const struct engine_item *state, const struct operation *operation,
                   struct span value)
{
    struct span own = operation->request.frame.value;
    uint8_t loud = mcbp_opcode_loud(operation->request.opcode);
    switch (loud) {
    case MCBP_APPEND:
        return ends_with(value, own);
    case MCBP_PREPEND:
        return begins_with(value, own);
    case MCBP_INCREMENT:
    case MCBP_DECREMENT:
        return counts_to(state, operation, loud, value);
    default:
        return span_equal(own, value);
    }
}

/* --------------------------------------------------------------------------------------- guesses
 */

struct shown {
    const struct operation **reads; /* of a version each, in the order of their CAS values */
    size_t count;
    size_t room;
};

static bool shows_value(const struct operation *operation)
{
    return operation->cas != 0 && !operation->versions &&
           operation->recorded.extras.size >= FLAGS_SIZE &&
           mcbp_opcode_loud(operation->request.opcode) != MCBP_TOUCH;
}

static int compare_cas(const void *a, const void *b)
{
    uint64_t x = (*(const struct operation *const *)a)->cas;
    uint64_t y = (*(const struct operation *const *)b)->cas;
    return (x > y) - (x < y);
}

static bool likely_add(struct shown *shown, const struct operation *read)
{
    if (shown->count == shown->room) {
        size_t more = shown->room == 0 ? 64 : 2 * shown->room;
        void *grown = reallocarray(shown->reads, more, sizeof(*shown->reads));
        if (grown == NULL) {
            return false;
        }
        shown->reads = grown;
        shown->room = more;
    }
    shown->reads[shown->count++] = read;
    return true;
}

/* False: no memory. */
static bool gather(const struct overlap *overlap, struct shown *shown)
{
    uint64_t last = 0;
    for (size_t i = 0; i < overlap->strands_count; i++) {
        const struct strand *strand = &overlap->strands[i];
        for (size_t j = strand->next; j < strand->count; j++) {
            const struct operation *operation = strand->operations[j];
            if (!shows_value(operation) || operation->cas == last) {
                continue;
            }
            if (!likely_add(shown, operation)) {
                return false;
            }
            last = operation->cas;
        }
    }
    if (shown->count > 1) {
        qsort(shown->reads, shown->count, sizeof(*shown->reads), compare_cas);
    }
    return true;
}

/* A change has told that it got that CAS. */
static bool is_given(const struct run *run, uint64_t cas)
{
    const struct cas_record *entry = cas_memory_find(&run->model->cas, cas);
    return entry != NULL && entry->source == CAS_GIVEN;
}

/* The CAS up to which the change has run, if the read shows what it wrote; or NO_CAS. */
static uint64_t shown_by(const struct run *run, const struct operation *change,
                         const struct operation *read)
{
    struct span own = change->request.frame.value;
    struct span value = read->recorded.value;
    bool joins = mcbp_opcode_concatenates(change->request.opcode);
    if (own.size == 0 || (!joins && memcmp(read->recorded.extras.data,
                                           change->request.frame.extras.data, FLAGS_SIZE) != 0)) {
        return NO_CAS;
    }
    if (likely_leaves(NULL, change, value) && !is_given(run, read->cas)) {
        return read->cas;
    }
    return own.size >= LONG && (joins || own.size < value.size) && contains(value, own)
               ? read->cas - 1
               : NO_CAS;
}

static size_t first_above(const struct shown *shown, uint64_t cas)
{
    size_t from = 0;
    size_t to = shown->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (shown->reads[middle]->cas <= cas) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

static uint64_t guess_written(const struct run *run, const struct shown *shown,
                              const struct operation *change)
{
    const struct stretch *stretch = change->stretch;
    for (size_t i = first_above(shown, stretch->above);
         i < shown->count && shown->reads[i]->cas <= stretch->below; i++) {
        uint64_t likely = shown_by(run, change, shown->reads[i]);
        if (likely != NO_CAS) {
            return likely > stretch->above ? likely : stretch->above + 1;
        }
    }
    return NO_CAS;
}

/* By what its connection reads next. */
static uint64_t guess_by_own(const struct run *run, const struct strand *strand, size_t index)
{
    uint64_t number;
    const struct operation *change = strand->operations[index];
    size_t i = index + 1;
    while (i < strand->count && !strand->operations[i]->hidden && strand->operations[i]->cas == 0) {
        i++;
    }
    const struct operation *read = i < strand->count ? strand->operations[i] : change;
    if (!shows_value(read)) {
        return NO_CAS;
    }
    if (!mcbp_opcode_counts(change->request.opcode)) {
        return shown_by(run, change, read);
    }
    return read_number(read->recorded.value, &number) && !is_given(run, read->cas) ? read->cas
                                                                                   : NO_CAS;
}

/* A few bytes at one end of a value are no evidence. */
static bool is_evidence(const struct operation *change)
{
    return change->request.frame.value.size >= LONG ||
           !mcbp_opcode_concatenates(change->request.opcode);
}

static uint64_t guess(const struct run *run, const struct shown *shown, const struct strand *strand,
                      size_t index)
{
    const struct operation *change = strand->operations[index];
    uint64_t likely = guess_by_own(run, strand, index);
    return likely == NO_CAS && is_evidence(change) ? guess_written(run, shown, change) : likely;
}

void likely_guess(const struct run *run, struct overlap *overlap)
{
    struct shown shown = {0};
    bool complete = gather(overlap, &shown);
    for (size_t i = 0; i < overlap->strands_count && complete && shown.count > 0; i++) {
        const struct strand *strand = &overlap->strands[i];
        for (size_t j = strand->next; j < strand->count; j++) {
            struct operation *change = strand->operations[j];
            if (change->hidden && change->likely == NO_CAS) {
                change->likely = guess(run, &shown, strand, j);
            }
        }
    }
    free(shown.reads);
}
