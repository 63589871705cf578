/* Servers that are restarted, and vbuckets that come back from other nodes: both may have new
 * UUIDs, and other documents. */
#include "shadow/parts.h"

void shadow_left(struct shadow *shadow)
{
    shadow->absences++;
    for (struct shadow_bucket *bucket = shadow->buckets; bucket != NULL; bucket = bucket->next) {
        bucket->era++;
        bucket->cas_left = bucket->cas;
        bucket->may_be_empty = true;
    }
}

bool shadow_has_restarted(struct shadow *shadow)
{
    bool has = shadow->has_restarted;
    shadow->has_restarted = false;
    return has;
}

bool anew_is_possible(const struct shadow_vbucket *vbucket)
{
    return vbucket->era != vbucket->bucket->era;
}

struct forgetting {
    struct documents *documents;
    const struct document *but;
};

static bool doubt(void *context, const struct document_id *id, const struct document *document)
{
    bool is_new;
    struct forgetting *forgetting = context;
    struct document *found = documents_find_or_add(forgetting->documents, id, &is_new);
    if (found == document && found != forgetting->but) {
        shadow_doubt(found);
    }
    return true;
}

static void doubt_all(struct shadow_vbucket *vbucket, const struct document *but)
{
    struct forgetting forgetting = {&vbucket->held->documents, but};
    documents_each(&vbucket->held->documents, doubt, &forgetting);
}

static void forget(struct shadow_vbucket *vbucket, const struct document *but)
{
    doubt_all(vbucket, but);
    vbucket->uuid = vbucket->cas = vbucket->seqno = vbucket->seqno_cas = 0;
    vbucket->held->cas = vbucket->held->seqno = vbucket->observed = 0;
    vbucket->untold_count = vbucket->pairs_count = 0;
    vbucket->untold_more = vbucket->seqno_open = false;
    vbucket->era = vbucket->bucket->era;
    vbucket->forgotten++;
}

/* A vbucket that was elsewhere comes back alone. */
void anew_begin(struct shadow *shadow, struct shadow_vbucket *vbucket, const struct document *but)
{
    struct shadow_bucket *bucket = vbucket->bucket;
    if (vbucket->era == 0 && !bucket->may_be_empty) {
        forget(vbucket, but);
        return;
    }
    if (!anew_is_possible(vbucket)) { /* its UUID is that of the new server */
        doubt_all(vbucket, but);
    }
    for (size_t i = 0; i < COUCHBASE_VBUCKETS_MAX; i++) {
        if (anew_is_possible(&bucket->vbuckets[i])) {
            forget(&bucket->vbuckets[i], but);
        }
    }
    bucket->may_be_empty = false;
    shadow->has_restarted |= shadow->restarted != shadow->absences;
    shadow->restarted = shadow->absences;
}

/* One that was not known before shows nothing. */
void anew_note_same(struct shadow_vbucket *vbucket)
{
    vbucket->bucket->may_be_empty &= !anew_is_possible(vbucket);
    vbucket->era = vbucket->bucket->era;
}

void anew_may_begin(struct shadow_vbucket *vbucket)
{
    doubt_all(vbucket, NULL);
    vbucket->era = 0;
    vbucket->may_jump = true;
}
