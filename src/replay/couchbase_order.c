#include "replay/couchbase_order.h"

#include "couchbase/documents.h"
#include "mcbp/opcode.h"

/* Those about one document, as long as there are any. */
struct about {
    struct list_link doings;
    size_t changes; /* of them */
    size_t kept;
    bool busy;
};

static struct about *about_of(const struct document *document)
{
    return document->user;
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
    }
    if (doing == NULL || about == NULL) {
        blocks_give(&run->blocks, doing, sizeof(*doing));
        return false;
    }
    doing->connection = connection;
    doing->opcode = request->opcode;
    doing->changes = request->asked.changes_it;
    doing->is_kept = false;
    doing->asked = request->sequence;
    list_append(&about->doings, &doing->link);
    about->changes += doing->changes;
    request->doing = doing;
    return true;
}

static void take_out(struct run *run, struct document *document, struct doing *doing)
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
    take_out(run, request->asked.document, request->doing);
    request->doing = NULL;
}

/* Whether that one may have run before `doing`, though it was sent later, or the other way. */
static bool is_of_another(const struct doing *one, const struct doing *other)
{
    return one->connection != other->connection ||
           shadow_may_overtake(one->connection->client, one->opcode, other->opcode);
}

bool couchbase_order_overlaps(const struct pending *request)
{
    const struct about *about = about_of(request->asked.document);
    const struct doing *doing = request->doing;
    if (about->kept > 0) {
        return true;
    }
    if (about->changes == 0 || about->doings.next == about->doings.previous) {
        return false;
    }
    LIST_EACH (const struct doing, other, &about->doings, link) {
        if (other != doing && is_of_another(doing, other) && (doing->changes || other->changes)) {
            return true;
        }
    }
    return false;
}

static void release(struct run *run, struct doing *doing)
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

/* ---------------------------------------------------------------- the order */

/* All that were over before it was sent, and those of its own connection that it can't overtake,
 * are judged. */
static bool is_available(const struct about *about, const struct doing *doing)
{
    LIST_EACH (const struct doing, other, &about->doings, link) {
        if (other == doing) {
            return true;
        }
        if ((other->is_kept && other->answered < doing->asked) || !is_of_another(doing, other)) {
            return false;
        }
    }
    return true;
}

/* Nothing that waits for its answer may have run before it. */
static bool is_ready(const struct about *about, const struct doing *doing)
{
    LIST_EACH (const struct doing, other, &about->doings, link) {
        if (!other->is_kept && other->asked < doing->answered && is_of_another(doing, other)) {
            return false;
        }
    }
    return true;
}

static bool settle_doing(struct run *run, struct document *document, struct doing *doing,
                         couchbase_settle *settle, bool strict)
{
    struct dissect_frame response = {
        .frame = doing->answer, .origin = doing->origin, .role = FROM_SERVER, .request_id = -1};
    bool silent = doing->answer.header.magic == 0;
    if (!settle(run, doing->connection, &doing->request, silent ? NULL : &response, strict)) {
        return false;
    }
    release(run, doing);
    take_out(run, document, doing);
    return true;
}

/* A touch with the time of expiry that is there shows the CAS of the change before it. */
static bool comes_before(const struct doing *one, const struct doing *other)
{
    return one->version < other->version ||
           (one->version == other->version && shadow_touches(&other->request.frame));
}

/* The change with the lowest CAS. NULL: there is none. */
static struct doing *next_version(const struct about *about)
{
    struct doing *first = NULL;
    LIST_EACH (struct doing, doing, &about->doings, link) {
        if (doing->is_kept && doing->version != 0 &&
            (first == NULL || comes_before(doing, first))) {
            first = doing;
        }
    }
    return first;
}

/* It makes no version, and may be right as things are. Of a document whose version is not known,
 * the changes that have made what it shows come first. */
static bool may_be_next(const struct about *about, const struct document *document,
                        const struct doing *doing)
{
    bool silent = doing->answer.header.magic == 0;
    uint64_t seen = silent ? 0 : shadow_version_of(&doing->answer);
    if (doing->version != 0 &&
        !(shadow_touches(&doing->request.frame) && shadow_has_version(document, seen))) {
        return false;
    }
    if (seen == 0 || shadow_has_version(document, seen)) {
        return true;
    }
    const struct doing *next = next_version(about);
    return !shadow_has_other_version(document, seen) && (next == NULL || next->version > seen) &&
           is_ready(about, doing);
}

/* A change whose version nothing tells but what is seen of it. */
static bool is_hidden(const struct doing *doing)
{
    return doing->changes && doing->answer.header.magic == 0;
}

/* What does not make a version, and is right. True: there was one. */
static bool place_reads(struct run *run, struct document *document, couchbase_settle *settle)
{
    struct about *about = about_of(document);
    struct doing *next;
    bool placed = false;
    for (struct list_link *link = about->doings.next; link != &about->doings; link = &next->link) {
        struct doing *doing = LIST_MEMBER(link, struct doing, link);
        next = LIST_MEMBER(link->next, struct doing, link);
        if (doing->is_kept && !is_hidden(doing) && is_available(about, doing) &&
            may_be_next(about, document, doing)) {
            placed |= settle_doing(run, document, doing, settle, true);
        }
    }
    return placed;
}

/* One that was over before `doing` was sent, and has not been right so far; NULL: there is none.
 * `doing` NULL: one that nothing can make right any more. */
static struct doing *find_overdue(const struct about *about, const struct doing *doing)
{
    LIST_EACH (struct doing, other, &about->doings, link) {
        if (other != doing && other->is_kept && other->version == 0 &&
            (doing == NULL ? is_ready(about, other) : other->answered < doing->asked)) {
            return other;
        }
    }
    return NULL;
}

/* The version that is seen is newer than that of the document, and older than the next one. */
static bool shows_hidden(const struct document *document, const struct doing *seen,
                         const struct doing *next)
{
    uint64_t version = seen->is_kept ? shadow_version_of(&seen->answer) : 0;
    return seen->version == 0 && version != 0 && shadow_has_other_version(document, version) &&
           version > document->cas && (next == NULL || version < next->version);
}

/* A hidden change that comes next: what is seen shows it, or no other change is left. */
static struct doing *find_hidden(const struct about *about, const struct document *document,
                                 const struct doing *next)
{
    struct doing *hidden = NULL;
    bool shown = false;
    LIST_EACH (struct doing, doing, &about->doings, link) {
        if (hidden == NULL && doing->is_kept && is_hidden(doing) && is_available(about, doing)) {
            hidden = doing;
        }
        shown |= shows_hidden(document, doing, next);
    }
    bool last = hidden != NULL && next == NULL && is_ready(about, hidden);
    return shown || last ? hidden : NULL;
}

/* True: something was judged. */
static bool place_one(struct run *run, struct document *document, couchbase_settle *settle)
{
    struct about *about = about_of(document);
    struct doing *next = next_version(about);
    struct doing *hidden = find_hidden(about, document, next);
    struct doing *overdue = find_overdue(about, next);
    if (hidden != NULL) {
        settle_doing(run, document, hidden, settle, false);
        shadow_doubt(document); /* its place is a guess */
        return true;
    }
    if (overdue != NULL) {
        return settle_doing(run, document, overdue, settle, false);
    }
    return next != NULL && is_ready(about, next) &&
           settle_doing(run, document, next, settle, false);
}

void couchbase_order_advance(struct run *run, struct document *document, couchbase_settle *settle)
{
    struct about *about = about_of(document);
    if (about == NULL || about->kept == 0 || about->busy) {
        return;
    }
    about->busy = true;
    while (about->kept > 0 &&
           (place_reads(run, document, settle) || place_one(run, document, settle))) {
    }
    about->busy = false;
    if (list_is_empty(&about->doings)) {
        document->user = NULL;
        blocks_give(&run->blocks, about, sizeof(*about));
    }
}
