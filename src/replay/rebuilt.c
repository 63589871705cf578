#include "replay/rebuilt.h"

#include "replay/differences.h"
#include "response/from_frame.h"

static const struct mask_list no_masks;

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
    struct difference_subject subject = {
        .check = CHECK_REBUILT,
        .kind = DIFFERENCE_FIELD,
        .connection = connection,
        .origin = &frame->origin,
        .header = &frame->frame.header,
    };
    struct difference *difference = difference_add(run, &subject);
    difference_set_sides(difference, &comparison, frame->frame.bytes, flat);
    difference_set_detail(difference, "the flat encoder itself comes to other bytes: %s",
                          kvr_error_text(error));
    rebuilt_built(run, true);
    return false;
}

void rebuilt_check(struct run *run, const struct connection *connection,
                   const struct dissect_frame *frame)
{
    struct kvr_response response;
    response_from_frame(&frame->frame, &response);
    run->capture->rebuilt.compared++;
    if (!flat_is_equal(run, connection, frame, &response)) {
        return;
    }
    struct construct_label *label = construct_add(run->construct, &frame->frame);
    if (label == NULL) {
        run->no_memory = true;
        return;
    }
    label->check = CHECK_REBUILT;
    label->connection = connection;
    label->origin = frame->origin;
    label->request.packet = 0;
}

void rebuilt_built(struct run *run, bool faulty)
{
    if (faulty) {
        run->capture->rebuilt.different++;
    } else {
        run->capture->rebuilt.identical++;
    }
}
