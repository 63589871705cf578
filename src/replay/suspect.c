#include "replay/suspect.h"

#include "replay/differences.h"
#include "replay/pairing.h"

void suspect_clear(struct run *run, struct connection *connection)
{
    if (connection->suspect.valid) {
        pending_release(&connection->suspect.request, &run->blocks);
        saved_item_deinit(&connection->suspect.before);
        connection->suspect.valid = false;
    }
}

void suspect_set(struct run *run, struct connection *connection, struct pending *request,
                 struct saved_item *before, struct difference *difference)
{
    suspect_clear(run, connection);
    connection->suspect.valid = true;
    connection->suspect.request = *request;
    connection->suspect.before = *before;
    connection->suspect.difference = difference;
}

bool suspect_is_answered(struct run *run, struct connection *connection,
                         const struct dissect_frame *response, struct settlement *settlement)
{
    struct pending *request = &connection->suspect.request;
    if (!connection->suspect.valid || !pairing_fits(response, request)) {
        return false;
    }
    struct saved_item now;
    struct span key = request->frame.key;
    int64_t time = origin_seconds(&response->origin);
    if (key.size > 0) {
        if (!saved_item_take(&now, run->engine, key, time)) {
            return false;
        }
        saved_item_restore(&connection->suspect.before, run->engine, key);
    }
    settle_try(run, connection, request, &response->frame, time, true, settlement);
    if (key.size > 0) {
        if (!settlement->agreed) {
            saved_item_restore(&now, run->engine, key);
        }
        saved_item_deinit(&now);
    }
    if (settlement->agreed && connection->suspect.difference != NULL) {
        struct difference *difference = connection->suspect.difference;
        difference->kind = DIFFERENCE_UNEXPECTED;
        difference->field[0] = '\0';
        difference->built.size = 0;
        difference_set_detail(difference, "the answer after it is the one to this request");
    }
    return settlement->agreed;
}
