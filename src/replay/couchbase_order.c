#include "replay/couchbase_order.h"

#include "mcbp/opcode.h"

bool couchbase_order_is_free(const struct doing *one, const struct doing *other)
{
    return one->connection != other->connection ||
           shadow_may_overtake(one->connection->client, one->opcode, other->opcode);
}

/* Those that wait for their answers, and this one, overlap. */
static void note_changes(struct about *about, struct doing *doing)
{
    LIST_EACH (struct doing, other, &about->doings, link) {
        if (other->changes && couchbase_order_is_free(doing, other)) {
            other->is_among = doing->is_among = true;
        }
    }
}

/* A CAS that was brought tells no order, nor do those of all that overlap with it. */
static bool mixes(const struct about *about, const struct doing *doing)
{
    bool brings = shadow_brings_version(doing->opcode);
    LIST_EACH (const struct doing, other, &about->doings, link) {
        if ((brings || shadow_brings_version(other->opcode)) &&
            couchbase_order_is_free(doing, other)) {
            return true;
        }
    }
    return false;
}

bool couchbase_order_add(struct run *run, struct connection *connection, struct pending *request)
{
    struct document *document = request->asked.document;
    struct about *about = about_of(document);
    struct doing *doing = blocks_take(&run->blocks, sizeof(*doing));
    if (about == NULL && (about = blocks_take(&run->blocks, sizeof(*about))) != NULL) {
        *about = (struct about){.changes = 0};
        list_init(&about->doings);
        document->user = about;
        document->doubted = false;
    }
    if (doing == NULL || about == NULL) {
        blocks_give(&run->blocks, doing, sizeof(*doing));
        return false;
    }
    doing->connection = connection;
    doing->opcode = request->opcode;
    doing->changes = request->asked.changes_it;
    doing->is_kept = false;
    doing->is_placed = false;
    doing->is_among = false;
    doing->asked = request->sequence;
    if (doing->changes) {
        note_changes(about, doing);
    }
    about->is_mixed |= mixes(about, doing);
    list_append(&about->doings, &doing->link);
    about->changes += doing->changes;
    request->doing = doing;
    return true;
}

void couchbase_order_take_out(struct run *run, struct document *document, struct doing *doing)
{
    struct about *about = about_of(document);
    list_remove(&doing->link);
    about->changes -= doing->changes;
    about->kept -= doing->is_kept;
    blocks_give(&run->blocks, doing, sizeof(*doing));
    if (list_is_empty(&about->doings) && !about->busy) {
        document->user = NULL;
        blocks_give(&run->blocks, about, sizeof(*about));
    }
}

void couchbase_order_remove(struct run *run, struct pending *request)
{
    couchbase_order_take_out(run, request->asked.document, request->doing);
    request->doing = NULL;
}

bool couchbase_order_overlaps(const struct pending *request)
{
    const struct about *about = about_of(request->asked.document);
    const struct doing *doing = request->doing;
    if (about->kept > 0 || about->is_mixed) {
        return true;
    }
    if (about->changes == 0 || about->doings.next == about->doings.previous) {
        return false;
    }
    LIST_EACH (const struct doing, other, &about->doings, link) {
        if (other != doing && couchbase_order_is_free(doing, other) &&
            (doing->changes || other->changes)) {
            return true;
        }
    }
    return false;
}

void couchbase_order_release(struct run *run, struct doing *doing)
{
    if (doing->answer.header.magic != 0) {
        blocks_give(&run->blocks, (void *)doing->answer.bytes.data, doing->answer.bytes.size);
    }
    pending_release(&doing->request, &run->blocks);
    doing->connection->deferred--;
    run->released |= doing->connection->deferred == 0;
}

bool couchbase_order_keep(struct run *run, struct pending *request,
                          const struct dissect_frame *response)
{
    struct doing *doing = request->doing;
    doing->answer = (struct mcbp_frame){0};
    doing->version = 0;
    doing->answered = run->sequence;
    doing->origin = request->origin;
    if (response != NULL) {
        struct span bytes = response->frame.bytes;
        uint8_t *copy = blocks_take(&run->blocks, bytes.size);
        if (copy == NULL) {
            return false;
        }
        memcpy(copy, bytes.data, bytes.size);
        doing->answer = mcbp_frame_in_copy(&response->frame, copy);
        doing->origin = response->origin;
        if (shadow_makes_version(&request->frame, &response->frame)) {
            doing->version = shadow_version_of(&response->frame);
        }
    }
    doing->request = *request;
    doing->is_kept = true;
    doing->connection->deferred++;
    about_of(request->asked.document)->kept++;
    return true;
}
