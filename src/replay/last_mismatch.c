#include "replay/last_mismatch.h"

#include "replay/differences.h"
#include "replay/pairing.h"

void last_mismatch_clear(struct run *run, struct connection *connection)
{
    if (connection->last_mismatch.valid) {
        pending_release(&connection->last_mismatch.request, &run->blocks);
        saved_item_deinit(&connection->last_mismatch.before);
        connection->last_mismatch.valid = false;
    }
}

void last_mismatch_set(struct run *run, struct connection *connection, struct pending *request,
                       struct saved_item *before, struct difference *difference)
{
    last_mismatch_clear(run, connection);
    connection->last_mismatch.valid = true;
    connection->last_mismatch.request = *request;
    connection->last_mismatch.before = *before;
    connection->last_mismatch.difference = difference;
}

bool last_mismatch_is_answered(struct run *run, struct connection *connection,
                               const struct dissect_frame *response, struct settlement *settlement)
{
    struct pending *request = &connection->last_mismatch.request;
    if (!connection->last_mismatch.valid || !pairing_fits(response, request)) {
        return false;
    }
    struct saved_item now;
    struct span key = request->frame.key;
    int64_t time = origin_seconds(&response->origin);
    if (key.size > 0) {
        if (!saved_item_take(&now, run->model->engine, key, time)) {
            return false;
        }
        saved_item_restore(&connection->last_mismatch.before, run->model->engine, key);
    }
    settle_try(run, connection, request, &response->frame, time, true, settlement);
    if (key.size > 0) {
        if (!settlement->agreed) {
            saved_item_restore(&now, run->model->engine, key);
        }
        saved_item_deinit(&now);
    }
    if (settlement->agreed && connection->last_mismatch.difference != NULL) {
        struct difference *difference = connection->last_mismatch.difference;
        difference->kind = DIFFERENCE_UNEXPECTED;
        difference->field[0] = '\0';
        difference->built.size = 0;
        difference_set_detail(difference, "the answer after it is the one to this request");
    }
    return settlement->agreed;
}
