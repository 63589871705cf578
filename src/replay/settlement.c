#include "replay/settlement.h"

bool settlement_compare(struct run *run, const struct kvr_response *response,
                        const struct mcbp_frame *recorded, struct settlement *settlement)
{
    enum kvr_error error;
    struct comparison comparison;
    struct span flat = construct_flat(run->construct, response, &error);
    settlement->mask_needed = false;
    if (span_equal(flat, recorded->bytes)) {
        return true;
    }
    if (error != KVR_OK || run->options->masks.count == 0 ||
        compare_frames(recorded->bytes, flat, &run->options->masks, &comparison) ==
            COMPARED_DIFFERENT) {
        return false;
    }
    settlement->mask_needed = true;
    settlement->mask = comparison.mask;
    return true;
}

void settlement_show(struct run *run, struct span flat, const struct mcbp_frame *recorded,
                     struct settlement *settlement)
{
    if (run->options->construct.reference != REFERENCE_CAPTURE) {
        settlement->outcome = OUTCOME_IDENTICAL;
        settlement->flat = flat;
        return;
    }
    settlement->outcome = OUTCOME_DIFFERENT;
    construct_one(run->construct, flat, &settlement->built, &settlement->failure);
    settlement->reference = recorded->bytes;
    compare_frames(recorded->bytes, settlement->built, &run->options->masks,
                   &settlement->comparison);
}

void settlement_of_row(struct run *run, const struct kvr_response *row,
                       const struct mcbp_frame *recorded, struct settlement *settlement)
{
    enum kvr_error error;
    struct span flat = construct_flat(run->construct, row, &error);
    *settlement = (struct settlement){.outcome = OUTCOME_ADOPTED, .agreed = true, .answers = true};
    settlement->flat = flat;
    switch (compare_frames(recorded->bytes, flat, &run->options->masks, &settlement->comparison)) {
    case COMPARED_DIFFERENT:
        settlement->agreed = false;
        settlement->flat = span_of(NULL, 0);
        settlement_show(run, flat, recorded, settlement);
        break;
    case COMPARED_EQUAL_MASKED:
        settlement->mask_needed = true;
        settlement->mask = settlement->comparison.mask;
        break;
    case COMPARED_EQUAL:
        break;
    }
}
