#include "replay/rebuilt.h"

#include "replay/differences.h"
#include "response/from_frame.h"

static const struct mask_list no_masks;

static void differ(struct run *run, const struct connection *connection,
                   const struct dissect_frame *frame, enum kvr_error refused,
                   const struct comparison *comparison, struct span reference, struct span built)
{
    struct difference_subject subject = {
        .check = CHECK_REBUILT,
        .kind = refused != KVR_OK ? DIFFERENCE_REFUSED : DIFFERENCE_FIELD,
        .connection = connection,
        .origin = &frame->origin,
        .header = &frame->frame.header,
    };
    struct difference *difference = difference_add(run, &subject);
    if (refused != KVR_OK) {
        difference_set_detail(difference, "the writer refused the response: %s",
                              kvr_error_text(refused));
    } else {
        difference_set_sides(difference, comparison, reference, built);
    }
    run->capture->rebuilt.different++;
}

/* The flat encoder has to come to the recorded bytes too, or it could not be anybody's reference.
 */
static bool flat_is_equal(struct run *run, const struct connection *connection,
                          const struct dissect_frame *frame, const struct kvr_response *response)
{
    enum kvr_error error;
    struct comparison comparison;
    struct span flat = construct_flat(run->construct, response, &error);
    if (span_equal(flat, frame->frame.bytes)) {
        return true;
    }
    compare_frames(frame->frame.bytes, flat, &no_masks, &comparison);
    differ(run, connection, frame, error, &comparison, frame->frame.bytes, flat);
    return false;
}

void rebuilt_check(struct run *run, const struct connection *connection,
                   const struct dissect_frame *frame)
{
    struct kvr_response response;
    struct comparison comparison = {0};
    struct construct *construct = run->construct;
    response_from_frame(&frame->frame, &response);
    run->capture->rebuilt.compared++;
    if (!flat_is_equal(run, connection, frame, &response)) {
        return;
    }
    switch (construct_check(construct, &response, frame->frame.bytes, &no_masks, &comparison)) {
    case CONSTRUCT_EQUAL:
        run->capture->rebuilt.identical++;
        break;
    case CONSTRUCT_REFUSED:
        differ(run, connection, frame, construct_error(construct), &comparison, frame->frame.bytes,
               span_of(NULL, 0));
        break;
    case CONSTRUCT_MASKED: /* there are no masks */
    case CONSTRUCT_DIFFERENT:
        differ(run, connection, frame, KVR_OK, &comparison, construct_reference(construct),
               construct_built(construct));
        break;
    }
}
