#include "replay/dcp.h"

#include "base/endian.h"
#include "mcbp/opcode.h"
#include "replay/differences.h"
#include "replay/outcome.h"
#include "replay/pairing.h"
#include "shadow/dcp.h"

#include <stdlib.h>

/* Those of the connection; NULL: no memory. */
static struct shadow_dcp *streams_of(struct run *run, struct connection *connection)
{
    if (connection->dcp == NULL) {
        bool lost = connection->hello_unseen || connection->answers_uncertain ||
                    connection->answers_lost_at != 0;
        connection->dcp = shadow_dcp_create(connection->conversation->from_start && !lost);
        run->no_memory |= connection->dcp == NULL;
    }
    return connection->dcp;
}

void dcp_note_answer(struct run *run, struct connection *connection,
                     const struct dissect_frame *answer)
{
    const struct mcbp_header *header = &answer->frame.header;
    size_t index;
    if ((header->magic != MCBP_CLIENT_RESPONSE && header->magic != MCBP_FLEX_CLIENT_RESPONSE) ||
        !shadow_dcp_is_about(header->opcode) || streams_of(run, connection) == NULL) {
        return;
    }
    bool asked = pairing_find(connection, answer, 0, &index);
    const struct mcbp_frame *request =
        asked ? &pending_queue_at(&connection->queue, index)->frame : NULL;
    run->no_memory |= !shadow_dcp_note_answer(connection->dcp, request, &answer->frame);
}

void dcp_lost(struct connection *connection)
{
    if (connection->dcp != NULL) {
        shadow_dcp_lost(connection->dcp);
    }
}

/* ---------------------------------------------------------------- what is wrong */

static void report_unexpected(struct run *run, const struct connection *connection,
                              const struct dissect_frame *message, const char *why)
{
    const struct difference_subject subject = {
        .check = CHECK_EXECUTED,
        .kind = DIFFERENCE_UNEXPECTED,
        .connection = connection,
        .origin = &message->origin,
        .header = &message->frame.header,
    };
    struct difference *difference = difference_add(run, &subject);
    difference_set_detail(difference, "%s", why);
    difference_show(difference, message->frame.bytes);
}

static void report_sides(struct run *run, const struct connection *connection,
                         const struct dissect_frame *message, const struct comparison *comparison,
                         struct span right, const char *why)
{
    const struct difference_subject subject = {
        .check = CHECK_EXECUTED,
        .kind = DIFFERENCE_FIELD,
        .connection = connection,
        .origin = &message->origin,
        .header = &message->frame.header,
    };
    struct difference *difference = difference_add(run, &subject);
    difference_set_sides(difference, comparison, message->frame.bytes, right);
    difference_set_detail(difference, "%s", why);
}

/* Beside the message as it would be right. False: the field is masked. */
static bool report_number(struct run *run, const struct connection *connection,
                          const struct dissect_frame *message, const struct shadow_dcp_fault *fault)
{
    struct span told = message->frame.bytes;
    struct comparison comparison;
    uint8_t *right = malloc(told.size);
    if (right == NULL) {
        run->no_memory = true;
        return false;
    }
    memcpy(right, told.data, told.size);
    write_be64(right + fault->offset, fault->number);
    bool differs = compare_frames(told, span_of(right, told.size), &run->options->masks,
                                  &comparison) == COMPARED_DIFFERENT;
    if (differs) {
        report_sides(run, connection, message, &comparison, span_of(right, told.size), fault->why);
    }
    free(right);
    return differs;
}

/* ---------------------------------------------------------------- messages */

static bool is_message(const struct connection *connection, const struct mcbp_header *header)
{
    return (connection->streams || connection->client != NULL) &&
           (header->magic == MCBP_CLIENT_REQUEST || header->magic == MCBP_FLEX_CLIENT_REQUEST) &&
           mcbp_opcode_family(header->opcode) == MCBP_FAMILY_DCP_PRODUCER;
}

bool dcp_message(struct run *run, struct connection *connection,
                 const struct dissect_frame *message)
{
    struct shadow_dcp_fault fault = {0};
    if (message->bad_lengths || !is_message(connection, &message->frame.header) ||
        streams_of(run, connection) == NULL) {
        return false;
    }
    bool wrong = false;
    switch (shadow_dcp_judge(connection->dcp, &message->frame, &fault)) {
    case SHADOW_DCP_UNEXPECTED:
        report_unexpected(run, connection, message, fault.why);
        wrong = true;
        break;
    case SHADOW_DCP_WRONG_NUMBER:
        wrong = report_number(run, connection, message, &fault);
        break;
    case SHADOW_DCP_NO_MEMORY:
        run->no_memory = true;
        break;
    case SHADOW_DCP_RIGHT:
        break;
    }
    outcome_count(run, &message->frame.header, wrong ? OUTCOME_DIFFERENT : OUTCOME_NOT_EXECUTED);
    return true;
}
