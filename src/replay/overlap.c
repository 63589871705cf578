#include "replay/overlap.h"

#include "base/endian.h"
#include "base/hash.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "replay/operation.h"
#include "replay/run.h"

#include <stdlib.h>

uint64_t overlap_key_hash(struct span key)
{
    static const uint64_t seed[2] = {0x9e3779b97f4a7c15u, 0xd1b54a32d192ed03u};
    return hash_key(key, seed);
}

/* ------------------------------------------------------------------------------------ waiting */

static struct contention **page_of(struct run *run, uint64_t key_hash)
{
    return &run->model->contention[key_hash % CONTENTION_SLOTS / CONTENTION_PAGE];
}

static struct contention *slot_in(struct contention *page, uint64_t key_hash)
{
    return &page[key_hash % CONTENTION_PAGE];
}

const struct contention *overlap_contention(struct run *run, uint64_t key_hash)
{
    static const struct contention none;
    struct contention *page = *page_of(run, key_hash);
    return page == NULL ? &none : slot_in(page, key_hash);
}

void overlap_begins_to_wait(struct run *run, const struct connection *connection,
                            const struct pending *request)
{
    struct contention **page = page_of(run, request->key_hash);
    uint32_t id = (uint32_t)connection->conversation->id;
    run->model->flushes_waiting += mcbp_opcode_empties(request->opcode);
    if (*page == NULL && (*page = calloc(CONTENTION_PAGE, sizeof(**page))) == NULL) {
        run->no_memory = true;
        return;
    }
    struct contention *contention = slot_in(*page, request->key_hash);
    contention->changes += mcbp_opcode_changes(request->opcode);
    if (contention->waiting++ == 0) {
        contention->connection = id;
        contention->mixed = false;
    } else if (contention->connection != id) {
        contention->mixed = true;
    }
}

void overlap_ends_to_wait(struct run *run, const struct pending *request)
{
    struct contention *page = *page_of(run, request->key_hash);
    run->model->flushes_waiting -= mcbp_opcode_empties(request->opcode);
    if (page != NULL && slot_in(page, request->key_hash)->waiting > 0) { /* else: no memory */
        struct contention *contention = slot_in(page, request->key_hash);
        contention->waiting--;
        contention->changes -= mcbp_opcode_changes(request->opcode);
    }
}

bool overlap_is_contended(struct run *run, const struct pending *request)
{
    const struct contention *contention = overlap_contention(run, request->key_hash);
    return (contention->changes > 0 && contention->mixed) || run->model->flushes_waiting > 0 ||
           overlap_find(run, request->frame.key, request->key_hash) != NULL;
}

bool overlap_is_undisturbed(struct run *run, const struct pending *request)
{
    return run->model->flushes_waiting == 0 &&
           overlap_contention(run, request->key_hash)->waiting == 0 &&
           overlap_find(run, request->frame.key, request->key_hash) == NULL;
}

bool overlap_is_waited_for(struct run *run, const struct overlap *overlap)
{
    return run->model->flushes_waiting > 0 ||
           overlap_contention(run, overlap->key_hash)->waiting > 0;
}

/* --------------------------------------------------------------------------------- the overlaps */

static struct overlap **overlap_bucket_of(struct run *run, uint64_t key_hash)
{
    return &run->model->overlaps.buckets[key_hash % OVERLAP_BUCKETS];
}

struct span overlap_key(const struct overlap *overlap)
{
    return span_of(overlap->key, overlap->key_size);
}

struct overlap *overlap_find(struct run *run, struct span key, uint64_t key_hash)
{
    if (run->model->overlaps.used == 0 || key.size == 0) {
        return NULL;
    }
    struct overlap *overlap = *overlap_bucket_of(run, key_hash);
    while (overlap != NULL &&
           (overlap->key_hash != key_hash || !span_equal(overlap_key(overlap), key))) {
        overlap = overlap->next;
    }
    return overlap;
}

void overlap_set_bytes(struct run *run, struct overlap *overlap, size_t bytes)
{
    run->model->overlaps.bytes += bytes - overlap->bytes;
    overlap->bytes = bytes;
}

static void take_out(struct run *run, struct overlap *overlap)
{
    struct overlaps *all = &run->model->overlaps;
    struct overlap **at = overlap_bucket_of(run, overlap->key_hash);
    while (*at != overlap) {
        at = &(*at)->next;
    }
    *at = overlap->next;
    *(overlap->older != NULL ? &overlap->older->newer : &all->oldest) = overlap->newer;
    *(overlap->newer != NULL ? &overlap->newer->older : &all->newest) = overlap->older;
    all->used--;
}

void overlap_put_in(struct run *run, struct overlap *overlap)
{
    struct overlaps *all = &run->model->overlaps;
    struct overlap **bucket = overlap_bucket_of(run, overlap->key_hash);
    overlap->next = *bucket;
    *bucket = overlap;
    overlap->older = all->newest;
    *(all->newest != NULL ? &all->newest->newer : &all->oldest) = overlap;
    all->newest = overlap;
    all->used++;
}

void overlap_drop(struct run *run, struct overlap *overlap)
{
    for (size_t i = 0; i < overlap->placed_count; i++) {
        saved_item_deinit(&overlap->placed[i].after);
    }
    for (size_t i = 0; i < overlap->strands_count; i++) {
        for (size_t j = 0; j < overlap->strands[i].count; j++) {
            operation_destroy(run, overlap->strands[i].operations[j]);
        }
        free(overlap->strands[i].operations);
    }
    overlap_set_bytes(run, overlap, 0);
    take_out(run, overlap);
    saved_item_deinit(&overlap->base);
    free(overlap->strands);
    free(overlap->placed);
    free(overlap);
}

/* --------------------------------------------------------------------------------------- strands
 */

/* Makes room for one more of `count` entries of `size` bytes. False: no memory. */
static bool overlap_make_room(void **entries, size_t count, size_t *room, size_t size)
{
    if (count < *room) {
        return true;
    }
    size_t more = *room == 0 ? 4 : 2 * *room;
    void *grown = reallocarray(*entries, more, size);
    if (grown == NULL) {
        return false;
    }
    *entries = grown;
    *room = more;
    return true;
}

void overlap_set_head(struct strand *strand)
{
    strand->head = strand->next < strand->count ? strand->operations[strand->next] : NULL;
    strand->answered = strand->head != NULL ? strand->head->answered : NOT_ANSWERED;
    strand->lowest = strand->head != NULL ? strand->head->lowest : NO_CAS;
}

static struct strand *strand_of(struct overlap *overlap, const struct connection *connection)
{
    for (size_t i = 0; i < overlap->strands_count; i++) {
        if (overlap->strands[i].connection == connection) {
            return &overlap->strands[i];
        }
    }
    if (!overlap_make_room((void **)&overlap->strands, overlap->strands_count,
                           &overlap->strands_room, sizeof(*overlap->strands))) {
        return NULL;
    }
    struct strand *strand = &overlap->strands[overlap->strands_count++];
    *strand = (struct strand){.connection = connection};
    overlap_set_head(strand);
    return strand;
}

bool overlap_add(struct run *run, struct overlap *overlap, struct operation *operation)
{
    struct strand *strand = strand_of(overlap, operation->connection);
    if (strand == NULL || !overlap_make_room((void **)&strand->operations, strand->count,
                                             &strand->room, sizeof(*strand->operations))) {
        return false;
    }
    operation->strand = (size_t)(strand - overlap->strands);
    operation->lowest = operation->cas != 0 ? operation->cas : NO_CAS;
    strand->operations[strand->count++] = operation;
    for (size_t i = strand->count - 1; i-- > strand->next;) {
        if (strand->operations[i]->lowest <= operation->lowest) {
            break;
        }
        strand->operations[i]->lowest = operation->lowest;
    }
    overlap_set_head(strand);
    overlap->waiting++;
    overlap_set_bytes(run, overlap, overlap->bytes + operation_size(operation));
    return true;
}

/* The last strand takes the place of an empty one. */
static void remove_strand(struct overlap *overlap, size_t index)
{
    struct strand *strand = &overlap->strands[index];
    free(strand->operations);
    *strand = overlap->strands[--overlap->strands_count];
    for (size_t i = 0; index < overlap->strands_count && i < strand->count; i++) {
        strand->operations[i]->strand = index;
    }
}

void overlap_remove(struct run *run, struct overlap *overlap, struct operation *operation)
{
    struct strand *strand = &overlap->strands[operation->strand];
    strand->count--;
    memmove(strand->operations, strand->operations + 1, strand->count * sizeof(struct operation *));
    if (strand->next > 0) {
        strand->next--;
    } else {
        overlap->waiting--;
    }
    overlap_set_head(strand);
    overlap_set_bytes(run, overlap, overlap->bytes - operation_size(operation));
    if (strand->count == 0) {
        remove_strand(overlap, operation->strand);
    }
    operation_destroy(run, operation);
}

/* ---------------------------------------------------------------------------------- finishing */

void overlap_finish(struct run *run, struct span key, uint64_t key_hash)
{
    struct overlap *overlap = overlap_find(run, key, key_hash);
    if (overlap != NULL && !overlap->busy) {
        run->ordering.finish(run, overlap);
    }
}

void overlap_finish_all(struct run *run)
{
    while (run->model->overlaps.oldest != NULL) {
        run->ordering.finish(run, run->model->overlaps.oldest);
    }
}

void overlap_deinit(struct run *run)
{
    overlap_finish_all(run);
    for (size_t i = 0; i < CONTENTION_PAGES; i++) {
        free(run->model->contention[i]);
    }
}
