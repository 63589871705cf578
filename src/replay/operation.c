#include "replay/operation.h"

#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "replay/run.h"

bool operation_is_flush(const struct pending *request)
{
    return mcbp_opcode_empties(request->opcode) && !request->bad_lengths &&
           request->magic == MCBP_CLIENT_REQUEST && engine_is_well_formed(&request->frame);
}

bool operations_overlap(const struct operation *a, const struct operation *b)
{
    return a->request.sequence < b->answered && b->request.sequence < a->answered;
}

/* ------------------------------------------------------------------------------ classification */

/* Silence is the success of a change, and the miss of a retrieval. */
static uint16_t operation_status_of(const struct operation *operation, uint8_t loud)
{
    if (operation->answer != NULL) {
        return operation->recorded.header.vbucket_or_status;
    }
    return mcbp_opcode_retrieves(loud) ? MCBP_STATUS_KEY_NOT_FOUND : MCBP_STATUS_SUCCESS;
}

/* `any`: whatever CAS the item has. */
static void classify_success(struct operation *operation, uint8_t loud, bool any)
{
    operation->changes = mcbp_opcode_changes(loud);
    switch (loud) {
    case MCBP_SET:
        operation->needs = any ? NEEDS_NOTHING : NEEDS_PRESENT;
        operation->settles = true;
        break;
    case MCBP_ADD:
        operation->needs = operation->request.frame.header.cas == 0 ? NEEDS_ABSENT : NEEDS_NOTHING;
        operation->settles = true;
        break;
    case MCBP_INCREMENT:
    case MCBP_DECREMENT:
        operation->needs = NEEDS_NOTHING; /* it may create the number */
        break;
    case MCBP_DELETE:
        operation->needs = NEEDS_PRESENT;
        operation->removes = operation->settles = true;
        break;
    default:
        operation->needs = NEEDS_PRESENT;
        operation->settles = loud == MCBP_GET || loud == MCBP_GETK || loud == MCBP_REPLACE;
    }
}

static void classify(struct operation *operation, bool any)
{
    uint8_t loud = mcbp_opcode_loud(operation->request.opcode);
    if (operation->is_flush) {
        bool at_once = operation->flush.at_once || operation->flush.live <= operation->now;
        operation->changes = true;
        operation->removes = operation->settles = at_once;
        return;
    }
    if (operation->answered == NOT_ANSWERED || operation->untold) {
        operation->changes = mcbp_opcode_changes(loud);
        return;
    }
    switch (operation_status_of(operation, loud)) {
    case MCBP_STATUS_SUCCESS:
        classify_success(operation, loud, any);
        operation->cas = operation->answer != NULL ? operation->recorded.header.cas : 0;
        operation->versions = operation->cas != 0 && mcbp_opcode_makes_version(loud);
        operation->hidden = operation->cas == 0 && mcbp_opcode_makes_version(loud);
        break;
    case MCBP_STATUS_NOT_STORED:
        if (mcbp_opcode_concatenates(loud)) {
            break; /* it is not there, or too large with what would be joined to it */
        }
        operation->raced = mcbp_opcode_counts(loud);
        operation->needs = NEEDS_ABSENT;
        operation->settles = !operation->raced;
        break;
    case MCBP_STATUS_KEY_NOT_FOUND:
        operation->needs = NEEDS_ABSENT;
        operation->settles = true;
        break;
    case MCBP_STATUS_KEY_EXISTS:
    case MCBP_STATUS_DELTA_BAD_VALUE:
        operation->needs = NEEDS_PRESENT;
        break;
    default:
        operation->changes = true; /* a value that is too large removes what was there */
    }
}

/* ----------------------------------------------------------------------------------- stretches */

void stretch_release(struct run *run, struct stretch *stretch)
{
    if (stretch != NULL && --stretch->users == 0) {
        blocks_give(&run->blocks, stretch, sizeof(*stretch));
    }
}

bool stretch_end(struct run *run, struct stretch **stretch, uint64_t cas)
{
    struct stretch *old = *stretch;
    if (old != NULL && old->users == 1) {
        old->above = cas;
        return true;
    }
    struct stretch *next = blocks_take(&run->blocks, sizeof(*next));
    if (next == NULL) {
        return false;
    }
    if (old != NULL) {
        old->below = cas;
    }
    *next = (struct stretch){.above = cas, .below = NO_CAS, .users = 1};
    stretch_release(run, old);
    *stretch = next;
    return true;
}

/* ----------------------------------------------------------------------------------- lifetime */

static bool copy_answer(struct run *run, struct operation *operation,
                        const struct dissect_frame *response)
{
    struct span bytes = response->frame.bytes;
    operation->answer = blocks_take(&run->blocks, bytes.size);
    if (operation->answer == NULL) {
        return false;
    }
    memcpy(operation->answer, bytes.data, bytes.size);
    operation->answer_size = bytes.size;
    operation->origin = response->origin;
    operation->now = origin_seconds(&response->origin);
    operation->recorded = mcbp_frame_in_copy(&response->frame, operation->answer);
    return true;
}

/* Without memory for the value, a SET drops the item while that is on its way. */
static bool runs_when_begun(const struct operation *operation)
{
    return operation->answer != NULL && mcbp_opcode_loud(operation->request.opcode) == MCBP_SET &&
           operation->recorded.header.vbucket_or_status == MCBP_STATUS_NO_MEMORY;
}

struct operation *operation_create(struct run *run, struct connection *connection,
                                   const struct pending *request,
                                   const struct dissect_frame *response, uint64_t answered,
                                   bool any_cas)
{
    struct operation *operation = blocks_take(&run->blocks, sizeof(*operation));
    if (connection->stretch == NULL && !stretch_end(run, &connection->stretch, 0)) {
        blocks_give(&run->blocks, operation, sizeof(*operation));
        return NULL;
    }
    if (operation == NULL) {
        return NULL;
    }
    *operation = (struct operation){
        .answered = answered,
        .untold = response == NULL && request->lost_ok && answered != NOT_ANSWERED,
        .origin = request->origin,
        .now = origin_seconds(&request->origin),
        .lowest = NO_CAS,
        .likely = NO_CAS,
    };
    if (!pending_copy(&operation->request, request, &run->blocks) ||
        (response != NULL && !copy_answer(run, operation, response))) {
        operation_destroy(run, operation);
        return NULL;
    }
    if (runs_when_begun(operation)) {
        operation->request.sequence = operation->request.begun;
    }
    operation->connection = connection;
    connection->deferred++;
    operation->stretch = connection->stretch;
    operation->stretch->users++;
    operation->is_flush = operation_is_flush(request);
    operation->flush = engine_flush_state(run->model->engine);
    classify(operation, any_cas);
    return operation;
}

void operation_destroy(struct run *run, struct operation *operation)
{
    if (operation->connection != NULL) {
        run->released |= --operation->connection->deferred == 0;
    }
    stretch_release(run, operation->stretch);
    pending_release(&operation->request, &run->blocks);
    blocks_give(&run->blocks, operation->answer, operation->answer_size);
    blocks_give(&run->blocks, operation, sizeof(*operation));
}

size_t operation_size(const struct operation *operation)
{
    return sizeof(*operation) + operation->request.frame.bytes.size + operation->answer_size;
}
