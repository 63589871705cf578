#include "replay/couchbase_ask.h"

#include "replay/couchbase_order.h"

void couchbase_begin(struct run *run, struct connection *connection)
{
    struct model *model = connection->model;
    if (connection->client != NULL) {
        return;
    }
    if (model->shadow == NULL) {
        model->shadow = shadow_create(run->options->cold);
    }
    if (model->shadow != NULL) {
        bool whole = connection->conversation->from_start && !connection->hello_unseen;
        connection->client = shadow_client_create(model->shadow, whole);
    }
    run->no_memory |= connection->client == NULL;
    connection->features_negotiated = true;
}

struct span couchbase_key(const struct connection *connection, const struct mcbp_frame *request)
{
    return connection->client == NULL ? request->key : shadow_key(connection->client, request);
}

void couchbase_ask(struct run *run, struct connection *connection, struct pending *request)
{
    if (connection->client == NULL || request->bad_lengths) {
        return;
    }
    if (!shadow_ask(run->model->shadow, connection->client, &request->frame, &request->asked) ||
        (request->asked.document != NULL && !couchbase_order_add(run, connection, request))) {
        run->no_memory = true;
    }
}

void couchbase_forget(struct run *run, struct pending *request)
{
    if (request->doing != NULL) {
        couchbase_order_remove(run, request);
    }
    if (request->asked.changes_it) {
        shadow_doubt(request->asked.document);
    }
}
