#include "replay/cas.h"

#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "replay/overlap.h"
#include "replay/race.h"

static const char *const RISES_ON_CONNECTION = "CAS values of changes rise on a connection";
static const char *const RISES_WITH_KEY =
    "what is asked after an answer about the same key has a higher CAS";
static const char *const SHOWN_BEFORE =
    "an item has shown this CAS or a higher one before the change was asked for";
static const char *const GIVEN_BEFORE = "another change got this CAS before";
static const char *const OF_ANOTHER_KEY = "this CAS is that of another key";
static const char *const NEVER_GIVEN = "this server gives no CAS";
static const char *const ALWAYS_GIVEN = "this server gives every change a CAS";

static const struct cas_ruling NOTHING_AGAINST_IT = {0};

static struct cas_memory *memory_of(struct run *run)
{
    return &run->model->cas;
}

static bool is_success(const struct trial *trial)
{
    const struct mcbp_frame *recorded = trial->recorded;
    return recorded != NULL && recorded->header.vbucket_or_status == MCBP_STATUS_SUCCESS &&
           recorded->header.opcode == trial->frame.header.opcode && trial->frame.key.size > 0;
}

/* With a vbucket it is a request to a server with a counter for each of them. */
static bool is_about_one_counter(const struct trial *trial)
{
    return trial->frame.header.vbucket_or_status == 0;
}

bool cas_makes_version(const struct trial *trial)
{
    uint8_t opcode = trial->frame.header.opcode;
    return mcbp_opcode_makes_version(opcode) &&
           !mcbp_opcode_is_quiet(opcode) && /* success is silent */
           is_success(trial) && is_about_one_counter(trial);
}

bool cas_is_never_given(const struct run *run, const struct trial *trial)
{
    const struct cas_memory *memory = &run->model->cas;
    if (!memory->known) {
        return cas_makes_version(trial) && trial->recorded->header.cas == 0;
    }
    return !memory->gives;
}

bool cas_is_off(const struct run *run)
{
    return run->model->cas.known && !run->model->cas.gives;
}

bool cas_is_open(const struct run *run)
{
    return !run->model->cas.known && run->model->unseen.cas == 0;
}

bool cas_takes_any(const struct run *run, struct connection *connection,
                   const struct pending *request, const struct mcbp_frame *recorded)
{
    struct trial trial = trial_begin(connection, request, recorded, 0);
    return request->frame.header.cas == 0 || cas_is_open(run) || cas_is_never_given(run, &trial);
}

static bool shows_version(const struct trial *trial)
{
    uint8_t opcode = trial->frame.header.opcode;
    return (mcbp_opcode_retrieves(opcode) || opcode == MCBP_TOUCH) && is_success(trial) &&
           is_about_one_counter(trial);
}

/* ------------------------------------------------------------------------------------- ruling */

static bool cas_contradicts(const struct cas_memory *memory, uint64_t cas)
{
    return memory->known && memory->gives != (cas != 0);
}

static struct cas_ruling judge_evidence(const struct cas_memory *memory)
{
    return (struct cas_ruling){
        .why = memory->gives ? ALWAYS_GIVEN : NEVER_GIVEN,
        .instead = memory->gives ? memory->highest + 1 : 0,
    };
}

static uint64_t packet_of(const struct cas_memory *memory, uint64_t cas)
{
    const struct cas_record *entry = cas_memory_find(memory, cas);
    return entry != NULL ? entry->packet : 0;
}

/* What the key's last change got, if the request was asked after that was answered; 0 otherwise.
 * What the capture has late may have been asked earlier than it seems. */
static uint64_t latest_before(struct run *run, const struct trial *trial)
{
    const struct pending *request = trial->request;
    const struct cas_latest *latest = memory_of(run)->latest;
    if (latest == NULL || request->late) {
        return 0;
    }
    latest += request->key_hash % CAS_LATEST;
    return latest->key_hash == request->key_hash && latest->answered < request->sequence
               ? latest->cas
               : 0;
}

/* What was shown before the request was asked is what another change got before this one. */
static uint64_t shown_before(struct run *run, const struct pending *request)
{
    const struct cas_shown *shown = &memory_of(run)->shown;
    return !request->late && shown->answered < request->sequence ? shown->cas : 0;
}

static bool keeps_order(const struct pending *request)
{
    return request->request_id < 0; /* datagrams overtake each other */
}

/* INCREMENT or DECREMENT has made the item, and told the CAS of another one behind it. */
static bool is_shared(const struct trial *trial, const struct cas_record *entry)
{
    return entry->source == CAS_GIVEN && entry->key_hash == trial->request->key_hash &&
           trial->request->sequence < entry->answered &&
           ((entry->may_share && race_gives_next_cas(trial->frame.header.opcode)) ||
            (entry->counted && race_may_tell_next_cas(&trial->frame, trial->recorded)));
}

struct cas_ruling cas_judge_change(struct run *run, const struct trial *trial)
{
    struct cas_memory *memory = memory_of(run);
    if (!cas_makes_version(trial)) {
        return NOTHING_AGAINST_IT;
    }
    uint64_t cas = trial->recorded->header.cas;
    if (cas_contradicts(memory, cas)) {
        return judge_evidence(memory);
    }
    if (cas == 0) {
        return NOTHING_AGAINST_IT;
    }
    uint64_t last = keeps_order(trial->request) ? trial->connection->cas_last : 0;
    uint64_t latest = latest_before(run, trial);
    if (cas <= last || cas <= latest) {
        uint64_t above = last > latest ? last : latest;
        return (struct cas_ruling){
            .why = cas <= last ? RISES_ON_CONNECTION : RISES_WITH_KEY,
            .packet = packet_of(memory, above),
            .instead = above + 1,
        };
    }
    if (cas <= shown_before(run, trial->request)) {
        return (struct cas_ruling){
            .why = SHOWN_BEFORE,
            .packet = memory->shown.packet,
            .instead = memory->shown.cas + 1,
        };
    }
    const struct cas_record *entry = cas_memory_find(memory, cas);
    if (entry == NULL || entry->source == CAS_VOID || is_shared(trial, entry) ||
        (entry->source == CAS_SEEN && entry->key_hash == trial->request->key_hash)) {
        return NOTHING_AGAINST_IT;
    }
    return (struct cas_ruling){
        .why = entry->source == CAS_GIVEN ? GIVEN_BEFORE : OF_ANOTHER_KEY,
        .packet = entry->packet,
        .instead = memory->highest + 1,
    };
}

bool cas_is_against_evidence(struct run *run, const struct trial *trial)
{
    return (cas_makes_version(trial) || shows_version(trial)) &&
           cas_contradicts(memory_of(run), trial->recorded->header.cas);
}

struct cas_ruling cas_judge_look(struct run *run, const struct trial *trial)
{
    struct cas_memory *memory = memory_of(run);
    if (!shows_version(trial)) {
        return NOTHING_AGAINST_IT;
    }
    uint64_t cas = trial->recorded->header.cas;
    if (cas_contradicts(memory, cas)) {
        return judge_evidence(memory);
    }
    const struct cas_record *entry = cas_memory_find(memory, cas);
    if (entry != NULL && entry->source == CAS_GIVEN &&
        entry->key_hash != trial->request->key_hash) {
        return (struct cas_ruling){
            .why = OF_ANOTHER_KEY, .packet = entry->packet, .instead = memory->highest + 1};
    }
    uint64_t latest = latest_before(run, trial);
    if (cas < latest && overlap_find(run, trial->frame.key, trial->request->key_hash) == NULL) {
        return (struct cas_ruling){
            .why = RISES_WITH_KEY, .packet = packet_of(memory, latest), .instead = latest};
    }
    return NOTHING_AGAINST_IT;
}

/* ----------------------------------------------------------------------------------- learning */

static void note_evidence(struct cas_memory *memory, uint64_t cas)
{
    memory->gives = cas != 0;
    memory->known = true;
    if (cas > memory->highest) {
        memory->highest = cas;
    }
}

void cas_note_variant(struct run *run, enum variant variant)
{
    if (variant == VARIANT_NO_CAS) {
        note_evidence(memory_of(run), 0);
    }
}

static void remember(struct run *run, const struct trial *trial, enum cas_source source)
{
    struct cas_record entry = {
        .cas = trial->recorded->header.cas,
        .key_hash = trial->request->key_hash,
        .packet = run->packet,
        .answered = run->sequence,
        .source = source,
        .counted = source == CAS_GIVEN && race_gives_next_cas(trial->frame.header.opcode),
        .may_share = source == CAS_GIVEN && race_may_tell_next_cas(&trial->frame, trial->recorded),
    };
    run->no_memory |= !cas_memory_add(memory_of(run), &entry);
}

static void note_latest(struct run *run, const struct trial *trial)
{
    struct cas_latest *latest = cas_memory_latest(memory_of(run), trial->request->key_hash);
    if (latest == NULL) {
        run->no_memory = true;
        return;
    }
    *latest = (struct cas_latest){
        .key_hash = trial->request->key_hash,
        .cas = trial->recorded->header.cas,
        .answered = run->sequence,
    };
}

void cas_note(struct run *run, const struct trial *trial, bool told)
{
    struct cas_memory *memory = memory_of(run);
    bool change = cas_makes_version(trial);
    if (trial->ruling.why != NULL || !(change || (told && shows_version(trial)))) {
        return; /* a mask has let it pass, or there is nothing to learn */
    }
    uint64_t cas = trial->recorded->header.cas;
    note_evidence(memory, cas);
    if (cas == 0) {
        return;
    }
    if (change) {
        trial->connection->cas_last = cas;
        note_latest(run, trial);
        remember(run, trial, CAS_GIVEN);
        return;
    }
    if (cas > memory->shown.cas) {
        memory->shown = (struct cas_shown){cas, run->sequence, run->packet};
    }
    if (cas_memory_find(memory, cas) == NULL) {
        remember(run, trial, CAS_SEEN);
    }
}

/* Either of the two values may be the wrong one: what comes next is not measured by them. */
static void doubt_last(struct run *run, struct connection *connection)
{
    struct cas_record *entry = cas_memory_find(memory_of(run), connection->cas_last);
    if (entry != NULL) {
        entry->source = CAS_VOID;
    }
    connection->cas_last = 0;
}

void cas_note_difference(struct run *run, struct connection *connection,
                         const struct pending *request, const struct cas_ruling *ruling,
                         uint64_t recorded)
{
    struct cas_memory *memory = memory_of(run);
    struct cas_latest *latest = memory->latest;
    bool falls = ruling->why == RISES_ON_CONNECTION;
    if (latest != NULL) {
        latest += request->key_hash % CAS_LATEST;
        falls |= latest->key_hash == request->key_hash && latest->cas == connection->cas_last;
        if (latest->key_hash == request->key_hash) {
            latest->cas = 0;
        }
    }
    if (falls) {
        doubt_last(run, connection);
    }
    if (ruling->why == RISES_ON_CONNECTION) {
        connection->cas_last = recorded;
    }
    if (ruling->why == SHOWN_BEFORE) {
        memory->shown.cas = 0; /* that one may be wrong as well */
    }
    if (ruling->why == ALWAYS_GIVEN || ruling->why == NEVER_GIVEN) {
        memory->known = false; /* the one before may be as wrong: the next one says which */
    }
}
