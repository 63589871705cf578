#include "replay/unseen.h"

#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "replay/overlap.h"
#include "replay/pairing.h"
#include "replay/provisional.h"
#include "replay/run.h"
#include "replay/trial.h"

#include <stdlib.h>

enum {
    KEYS_MIN = 64,
    KEYS_MAX = 1 << 20, /* then no key is certain any more */
};

/* Long enough for a server to have run what it was asked. */
static const int64_t RUN_NANOSECONDS = 1000000000;

/* ---------------------------------------------------------------------------------------- keys */

static uint64_t unseen_hash_of(uint64_t key_hash)
{
    return key_hash != 0 ? key_hash : 1;
}

/* The key's slot, or the free one where it would be; there is one. */
static struct unseen_key *slot_of(struct unseen_key *keys, size_t room, uint64_t hash)
{
    size_t i = hash & (room - 1);
    while (keys[i].hash != 0 && keys[i].hash != hash) {
        i = (i + 1) & (room - 1);
    }
    return &keys[i];
}

static struct unseen_key *unseen_find(const struct unseen *unseen, uint64_t key_hash)
{
    if (unseen->used == 0) {
        return NULL;
    }
    struct unseen_key *key = slot_of(unseen->keys, unseen->room, unseen_hash_of(key_hash));
    return key->hash != 0 ? key : NULL;
}

void unseen_deinit(struct unseen *unseen)
{
    free(unseen->keys);
    unseen->keys = NULL;
    unseen->room = unseen->used = 0;
}

static bool unseen_make_room(struct run *run)
{
    struct unseen *unseen = &run->model->unseen;
    if (unseen->used < unseen->room / 2) {
        return true;
    }
    if (unseen->used >= KEYS_MAX) {
        unseen_deinit(unseen);
        unseen->ended = run->sequence;
    }
    size_t room = unseen->room == 0 ? KEYS_MIN : 2 * unseen->room;
    struct unseen_key *keys = calloc(room, sizeof(*keys));
    if (keys == NULL) {
        run->no_memory = true;
        return false;
    }
    for (size_t i = 0; i < unseen->room; i++) {
        if (unseen->keys[i].hash != 0) {
            *slot_of(keys, room, unseen->keys[i].hash) = unseen->keys[i];
        }
    }
    free(unseen->keys);
    unseen->keys = keys;
    unseen->room = room;
    return true;
}

/* NULL: no memory. */
static struct unseen_key *unseen_add(struct run *run, uint64_t key_hash)
{
    struct unseen *unseen = &run->model->unseen;
    if (!unseen_make_room(run)) {
        return NULL;
    }
    struct unseen_key *key = slot_of(unseen->keys, unseen->room, unseen_hash_of(key_hash));
    unseen->used += key->hash == 0;
    key->hash = unseen_hash_of(key_hash);
    return key;
}

/* --------------------------------------------------------------------------------- connections */

void unseen_note_request(const struct run *run, struct connection *connection)
{
    connection->unseen.asked_packet = run->packet;
    connection->unseen.asked_cas = run->model->unseen.cas;
}

void unseen_note_answer(struct run *run, const struct mcbp_header *answer)
{
    struct unseen *unseen = &run->model->unseen;
    if (answer->vbucket_or_status == MCBP_STATUS_SUCCESS && answer->cas > unseen->cas) {
        unseen->cas = answer->cas;
    }
}

static void end(struct run *run, struct connection *connection, uint64_t sequence)
{
    struct unseen *unseen = &run->model->unseen;
    if (connection->unseen.open) {
        connection->unseen.open = false;
        unseen->open--;
        unseen->ended = sequence > unseen->ended ? sequence : unseen->ended;
    }
}

void unseen_note_time(struct run *run)
{
    struct unseen *unseen = &run->model->unseen;
    if (unseen->text_until != 0 && run->time > unseen->text_until) {
        unseen->text_until = 0;
        unseen->ended = run->sequence - 1;
    }
    if (unseen->open == 0 || run->time <= unseen->until) {
        return;
    }
    unseen->until = INT64_MAX;
    for (struct connection *c = run->model->connections; c != NULL; c = c->next) {
        if (c->unseen.open && run->time > c->unseen.until) {
            end(run, c, run->sequence - 1);
        } else if (c->unseen.open && c->unseen.until < unseen->until) {
            unseen->until = c->unseen.until;
        }
    }
}

/* Unseen requests were sent when the server had told no higher CAS: theirs are higher. */
static void note_cas_before(struct unseen *unseen, uint64_t cas)
{
    if (!unseen->begun || cas < unseen->cas_before) {
        unseen->cas_before = cas;
    }
    unseen->begun = true;
}

static void begin(struct run *run, struct connection *connection, int64_t until)
{
    struct unseen *unseen = &run->model->unseen;
    note_cas_before(unseen, connection->unseen.asked_cas);
    unseen->until = unseen->open == 0 || until < unseen->until ? until : unseen->until;
    unseen->open += !connection->unseen.open;
    connection->unseen.open = true;
    connection->unseen.since = run->sequence;
    connection->unseen.until = until;
    provisional_withdraw_unseen(&run->provisional, run->model, connection->unseen.asked_packet,
                                connection->unseen.asked_cas);
}

void unseen_begin(struct run *run, struct connection *connection)
{
    begin(run, connection, run->time + RUN_NANOSECONDS);
}

void unseen_begin_with(struct run *run, struct connection *connection,
                       const struct pending *request)
{
    connection->unseen.asked_packet = request->origin.packet;
    connection->unseen.asked_cas = request->cas_before;
    unseen_begin(run, connection);
}

void unseen_begin_midstream(struct run *run, struct connection *connection)
{
    if (run->time <= run->began + RUN_NANOSECONDS) {
        connection->unseen.asked_packet = 0;
        begin(run, connection, run->began + RUN_NANOSECONDS);
        connection->unseen.since = 0;
    }
}

void unseen_begin_text(struct run *run)
{
    struct unseen *unseen = &run->model->unseen;
    note_cas_before(unseen, unseen->cas);
    unseen->text_until = run->time + RUN_NANOSECONDS;
}

void unseen_end(struct run *run, struct connection *connection)
{
    end(run, connection, run->sequence);
}

void unseen_note_answered(struct run *run, struct connection *connection,
                          const struct pending *request)
{
    if (request->sequence > connection->unseen.since) {
        unseen_end(run, connection);
    }
}

/* ------------------------------------------------------------------------ requests in the capture
 */

void unseen_request_begins(struct run *run, struct connection *connection, struct pending *request)
{
    if (mcbp_opcode_empties(request->opcode)) {
        note_cas_before(&run->model->unseen, request->cas_before);
        begin(run, connection, run->time + RUN_NANOSECONDS);
    } else if (mcbp_opcode_changes(request->opcode) && !request->unseen) {
        struct unseen_key *key = unseen_add(run, request->key_hash);
        note_cas_before(&run->model->unseen, request->cas_before);
        request->unseen = key != NULL;
        if (key != NULL) {
            key->waiting++;
        }
    }
}

void unseen_request_ends(struct run *run, const struct pending *request)
{
    struct unseen_key *key =
        request->unseen ? unseen_find(&run->model->unseen, request->key_hash) : NULL;
    if (key != NULL && key->waiting > 0) { /* else: there were too many keys */
        key->waiting--;
        key->changed = run->sequence;
    }
}

void unseen_note_changed(struct run *run, const struct pending *request)
{
    struct unseen_key *key = unseen_add(run, request->key_hash);
    note_cas_before(&run->model->unseen, request->cas_before);
    if (key != NULL) {
        key->changed = run->sequence;
    }
}

/* --------------------------------------------------------------------------------- what is known
 */

bool unseen_may_have_changed(struct run *run, const struct pending *request, bool expiry)
{
    const struct unseen *unseen = &run->model->unseen;
    const struct unseen_key *key = unseen_find(unseen, request->key_hash);
    if (unseen->open > 0 || unseen->text_until != 0 || (key != NULL && key->waiting > 0)) {
        return true;
    }
    uint64_t changed = key != NULL && key->changed > unseen->ended ? key->changed : unseen->ended;
    if (changed == 0) {
        return false;
    }
    const struct overlap *overlap = overlap_find(run, request->frame.key, request->key_hash);
    uint64_t certain = overlap != NULL ? overlap->certain : key != NULL ? key->certain : 0;
    uint64_t written = key != NULL ? key->written : 0;
    return request->sequence < changed || certain < changed || (expiry && written < changed);
}

uint64_t unseen_shown_version(const struct trial *trial)
{
    const struct mcbp_frame *answer = trial->recorded;
    bool hit = answer != NULL && answer->extras.size > 0 &&
               answer->header.vbucket_or_status == MCBP_STATUS_SUCCESS;
    return hit ? answer->header.cas : 0;
}

/* What the item holds is known for certain, with the CAS that the answer shows. */
static bool is_known(struct run *run, const struct trial *trial, const struct engine_item *item,
                     uint64_t cas)
{
    const struct unseen *unseen = &run->model->unseen;
    const struct unseen_key *key = unseen_find(unseen, trial->request->key_hash);
    if (item->knowledge != ENGINE_PRESENT || item->doubtful) {
        return false;
    }
    if (key != NULL && key->told == cas && item->cas == cas && !item->cas_unknown) {
        return true;
    }
    /* What was taken to have succeeded may as well have failed, if its answer is missing. */
    bool as_it_was = key == NULL || (key->waiting == 0 && key->changed <= key->certain);
    bool same = item->cas_unknown
                    ? overlap_find(run, trial->frame.key, trial->request->key_hash) == NULL
                    : item->cas == cas;
    return as_it_was && same && cas <= unseen->cas_before;
}

bool unseen_is_ruled_out(struct run *run, const struct trial *trial, const struct engine_item *item)
{
    uint64_t cas = unseen_shown_version(trial);
    return cas != 0 && is_known(run, trial, item, cas);
}

static bool is_in_use(const struct unseen *unseen)
{
    return unseen->begun;
}

/* The CAS that the answer (NULL: silence) shows of the item; 0: it shows none. */
static uint64_t told_cas(const struct mcbp_frame *answer)
{
    bool success = answer != NULL && answer->header.vbucket_or_status == MCBP_STATUS_SUCCESS;
    return success ? answer->header.cas : 0;
}

void unseen_note_told(struct run *run, const struct trial *trial, bool adopted)
{
    struct unseen_key *key;
    uint64_t cas = told_cas(trial->recorded);
    if (!is_in_use(&run->model->unseen)) {
        return;
    }
    if (!pairing_is_certain(trial->connection, trial->request)) {
        if ((adopted || mcbp_opcode_changes(trial->request->opcode)) &&
            (key = unseen_add(run, trial->request->key_hash)) != NULL) {
            key->changed = run->sequence;
            key->told = 0;
        }
        return;
    }
    if (cas == 0) {
        return;
    }
    uint8_t opcode = trial->request->opcode;
    if ((mcbp_opcode_retrieves(opcode) || mcbp_opcode_family(opcode) == MCBP_FAMILY_STORE) &&
        (key = unseen_add(run, trial->request->key_hash)) != NULL) {
        key->told = cas;
    }
}

void unseen_note_certain(struct run *run, const struct pending *request, bool written)
{
    const struct unseen *unseen = &run->model->unseen;
    struct unseen_key *key = NULL;
    if (is_in_use(unseen) && (key = unseen_add(run, request->key_hash)) != NULL) {
        key->certain = request->sequence;
        key->written = written ? request->sequence : key->written;
    }
}

uint64_t unseen_certain_since(const struct run *run, uint64_t key_hash)
{
    const struct unseen_key *key = unseen_find(&run->model->unseen, key_hash);
    return key != NULL ? key->certain : 0;
}
