#include "replay/adopt.h"

#include "base/endian.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"

#include <inttypes.h>
#include <stdio.h>

enum { FLAGS_SIZE = 4, COUNTER_SIZE = 8, DELTA_SIZE = 8 };

static bool is_retrieval(uint8_t loud)
{
    return loud == MCBP_GET || loud == MCBP_GETK || loud == MCBP_GAT || loud == MCBP_GATK;
}

/* Silence says success of a change, and a miss of a retrieval. */
static uint16_t status_of(const struct trial *trial, uint8_t loud)
{
    if (trial->recorded != NULL) {
        return trial->recorded->header.vbucket_or_status;
    }
    return is_retrieval(loud) ? MCBP_STATUS_KEY_NOT_FOUND : MCBP_STATUS_SUCCESS;
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
    item->cas = recorded->header.cas;
    return true;
}

/* The number before an increment or decrement that came to the recorded one. */
static void counter(const struct trial *trial, uint8_t loud, struct engine_item *item,
                    uint8_t number[ADOPT_NUMBER_SIZE])
{
    uint64_t before = 0;
    if (trial->recorded != NULL && trial->recorded->value.size == COUNTER_SIZE &&
        trial->frame.extras.size >= DELTA_SIZE) {
        uint64_t after = read_be64(trial->recorded->value.data);
        uint64_t delta = read_be64(trial->frame.extras.data);
        before = loud == MCBP_INCREMENT ? after - delta : after + delta; /* modulo 2^64, as there */
    }
    item->number_told = trial->recorded != NULL;
    int size = snprintf((char *)number, ADOPT_NUMBER_SIZE, "%" PRIu64, before);
    item->value = span_of(number, (size_t)size);
}

/* Something that explains the answer. False: no state of the key does. */
static bool explain_answer(const struct trial *trial, struct engine_item *item,
                           uint8_t number[ADOPT_NUMBER_SIZE])
{
    uint8_t loud = mcbp_opcode_loud(trial->frame.header.opcode);
    uint64_t cas = trial->frame.header.cas;
    *item = (struct engine_item){
        .knowledge = ENGINE_PRESENT, .doubtful = true, .cas = cas, .cas_unknown = cas == 0};

    switch (status_of(trial, loud)) {
    case MCBP_STATUS_SUCCESS:
        if (is_retrieval(loud)) {
            return hit(trial->recorded, item);
        }
        if (loud == MCBP_ADD && cas == 0) { /* with a CAS, memcached replaces what is there */
            *item = (struct engine_item){.knowledge = ENGINE_ABSENT};
        } else if (loud == MCBP_TOUCH && trial->recorded != NULL &&
                   trial->recorded->extras.size >= FLAGS_SIZE) {
            item->flags = read_be32(trial->recorded->extras.data);
        } else if (loud == MCBP_INCREMENT || loud == MCBP_DECREMENT) {
            counter(trial, loud, item, number);
        }
        return true;
    case MCBP_STATUS_KEY_EXISTS: /* it is there, with another CAS than the one asked for */
        item->value = span_of("0", loud == MCBP_INCREMENT || loud == MCBP_DECREMENT ? 1 : 0);
        item->cas = ~cas;
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

/* What is certain of a number that the server has told rules the recorded answer out. */
static bool contradicts_number(const struct trial *trial, const struct engine_item *item)
{
    uint8_t loud = mcbp_opcode_loud(trial->frame.header.opcode);
    const struct mcbp_frame *recorded = trial->recorded;
    if (!item->number_told || recorded == NULL ||
        recorded->header.vbucket_or_status != MCBP_STATUS_SUCCESS) {
        return false;
    }
    if (is_retrieval(loud)) {
        return !span_equal(without_padding(recorded->value), without_padding(item->value));
    }
    return loud == MCBP_INCREMENT || loud == MCBP_DECREMENT;
}

bool adopt_state(const struct run *run, const struct trial *trial, const struct engine_item *before,
                 struct engine_item *item, uint8_t number[ADOPT_NUMBER_SIZE])
{
    bool unknown = before->knowledge == ENGINE_UNKNOWN && !run->options->cold;
    if ((!unknown && !before->doubtful) || contradicts_number(trial, before) ||
        !explain_answer(trial, item, number)) {
        return false;
    }
    /* What a change leaves of a doubtful item's value stays a guess; its flags too. */
    if (item->doubtful && before->doubtful && item->value.size == 0) {
        item->value = before->value;
        item->number_told = before->number_told;
        if (mcbp_opcode_loud(trial->frame.header.opcode) != MCBP_TOUCH) { /* which tells them */
            item->flags = before->flags;
        }
    }
    return true;
}
