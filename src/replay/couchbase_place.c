/* Places the answers about a document one after the other. */
#include "mcbp/opcode.h"
#include "replay/couchbase_order.h"

enum {
    CHOICES_MAX = 16, /* places that are looked at, */
    DEPTH_MAX = 12,   /* answers behind each, */
    TRIALS_MAX = 400, /* and executions for all */
};

/* ---------------------------------------------------------------- which may come next */

static bool is_waiting(const struct doing *doing)
{
    return !doing->is_kept;
}

static bool is_left(const struct doing *doing)
{
    return doing->is_kept && !doing->is_placed;
}

/* One that was over before it was sent, or that it can't overtake on its own connection, and that
 * is not judged yet. NULL: there is none. */
static struct doing *find_blocker(const struct about *about, const struct doing *doing)
{
    LIST_EACH (struct doing, other, &about->doings, link) {
        if (other == doing) {
            break;
        }
        if (!other->is_placed && ((other->is_kept && other->answered < doing->asked) ||
                                  !couchbase_order_is_free(doing, other))) {
            return other;
        }
    }
    return NULL;
}

static bool is_available(const struct about *about, const struct doing *doing)
{
    return find_blocker(about, doing) == NULL;
}

/* Nothing that waits for its answer may have run before it. */
static bool is_ready(const struct about *about, const struct doing *doing)
{
    LIST_EACH (const struct doing, other, &about->doings, link) {
        if (is_waiting(other) && other->asked < doing->answered &&
            couchbase_order_is_free(doing, other)) {
            return false;
        }
    }
    return true;
}

/* A change whose version nothing tells but what is seen of it. */
static bool is_hidden(const struct doing *doing)
{
    return doing->changes && doing->answer.header.magic == 0;
}

static bool touches(const struct doing *doing)
{
    return shadow_touches(&doing->request.frame);
}

/* A touch with the time of expiry that is there shows the CAS of the change before it. */
static bool comes_before(const struct doing *one, const struct doing *other)
{
    return one->version < other->version ||
           (one->version == other->version && touches(other) && !touches(one));
}

/* A touch may show a CAS that is older than that of a lock before it. */
static bool may_make_version(const struct about *about, const struct document *document,
                             const struct doing *doing)
{
    return doing->version != 0 &&
           (!touches(doing) ||
            (!shadow_has_version(document, doing->version) && is_available(about, doing)));
}

/* The change with the lowest CAS. NULL: there is none. */
static struct doing *next_version(const struct about *about, const struct document *document)
{
    struct doing *first = NULL;
    LIST_EACH (struct doing, doing, &about->doings, link) {
        if (is_left(doing) && may_make_version(about, document, doing) &&
            (first == NULL || comes_before(doing, first))) {
            first = doing;
        }
    }
    return first;
}

static uint64_t version_seen(const struct doing *doing)
{
    return is_hidden(doing) || doing->answer.header.magic == 0 ? 0
                                                               : shadow_version_of(&doing->answer);
}

/* It makes no version, and may be right as things are. Of a document whose version is not known,
 * the changes that have made what it shows come first, and it shows none that has been replaced. */
static bool may_be_next(const struct about *about, const struct document *document,
                        const struct doing *doing, const struct doing *next)
{
    uint64_t seen = version_seen(doing);
    if (doing->version != 0 && !(touches(doing) && shadow_has_version(document, seen))) {
        return false;
    }
    return seen == 0 || shadow_has_version(document, seen) ||
           (!shadow_has_other_version(document, seen) && seen >= about->newest &&
            (next == NULL || next->version > seen));
}

/* Even if it is right as things are, it may have another place: it changes something. */
static bool has_effect(const struct doing *doing)
{
    return is_hidden(doing) ||
           (doing->opcode == MCBP_UNLOCK_KEY && doing->answer.header.vbucket_or_status == 0);
}

/* ---------------------------------------------------------------- one is placed */

struct placing {
    struct run *run;
    struct document *document;
    struct about *about;
    couchbase_settle *settle;
    unsigned trials; /* that are left */
};

static bool settle_doing(struct placing *placing, struct doing *doing, enum settle_how how)
{
    struct dissect_frame response = {
        .frame = doing->answer, .origin = doing->origin, .role = FROM_SERVER, .request_id = -1};
    bool silent = doing->answer.header.magic == 0;
    return placing->settle(placing->run, doing->connection, &doing->request,
                           silent ? NULL : &response, how);
}

/* A lock's CAS is no version. */
static void note_newest(struct about *about, const struct doing *doing)
{
    if (doing->version > about->newest && doing->opcode != MCBP_GET_LOCKED) {
        about->newest = doing->version;
    }
}

/* Settles it for good, if it is right. */
static bool place(struct placing *placing, struct doing *doing, enum settle_how how)
{
    if (!settle_doing(placing, doing, how)) {
        return false;
    }
    note_newest(placing->about, doing);
    couchbase_order_release(placing->run, doing);
    couchbase_order_take_out(placing->run, placing->document, doing);
    return true;
}

/* What changes nothing, and is right: it has the version that it shows, or nothing that is not
 * known has to be taken from it. True: there was one. */
static bool place_known(struct placing *placing)
{
    struct about *about = placing->about;
    struct doing *after;
    bool placed = false;
    const struct doing *next = next_version(about, placing->document);
    for (struct list_link *link = about->doings.next; link != &about->doings; link = &after->link) {
        struct doing *doing = LIST_MEMBER(link, struct doing, link);
        after = LIST_MEMBER(link->next, struct doing, link);
        if (is_left(doing) && !has_effect(doing) && is_available(about, doing) &&
            may_be_next(about, placing->document, doing, next)) {
            bool shown = shadow_has_version(placing->document, version_seen(doing));
            placed |= place(placing, doing, shown ? SETTLE_IF_RIGHT : SETTLE_IF_KNOWN);
        }
    }
    return placed;
}

/* ---------------------------------------------------------------- choices */

/* The one that has to be judged first, and can be: before the next change, or the first one of what
 * is left. NULL: nothing tells, or something is missing. */
static struct doing *find_due(const struct placing *placing)
{
    const struct about *about = placing->about;
    struct doing *due = next_version(about, placing->document);
    if (due == NULL) {
        LIST_EACH (struct doing, doing, &about->doings, link) {
            if (is_left(doing) && is_available(about, doing) && is_ready(about, doing)) {
                return doing;
            }
        }
        return NULL;
    }
    for (struct doing *blocker; (blocker = find_blocker(about, due)) != NULL;) {
        due = blocker;
    }
    return is_left(due) && is_ready(about, due) ? due : NULL;
}

static bool is_choice(const struct placing *placing, const struct doing *doing,
                      const struct doing *next)
{
    const struct about *about = placing->about;
    return is_left(doing) && is_available(about, doing) &&
           (doing == next ? is_ready(about, doing)
                          : may_be_next(about, placing->document, doing, next));
}

/* One is placed now: it has to be judged, or it changes something, and nothing that is missing may
 * come before it. */
static bool is_time(const struct placing *placing, const struct doing *next)
{
    LIST_EACH (const struct doing, doing, &placing->about->doings, link) {
        if (is_left(doing) && has_effect(doing) && is_choice(placing, doing, next) &&
            is_ready(placing->about, doing)) {
            return true;
        }
    }
    return find_due(placing) != NULL;
}

/* Those that may come next: `next` behind what is seen, and before what has another effect. If none
 * of these can come yet, the others wait for what may explain them, too. */
static size_t find_choices(const struct placing *placing, struct doing *choices[CHOICES_MAX])
{
    const struct about *about = placing->about;
    struct doing *next = next_version(about, placing->document);
    bool now = is_time(placing, next);
    size_t count = 0;
    for (int effect = 0; effect < 2; effect++) {
        LIST_EACH (struct doing, doing, &about->doings, link) {
            if (doing != next && count + 1 < CHOICES_MAX && is_choice(placing, doing, next) &&
                has_effect(doing) == effect && (now || is_ready(about, doing))) {
                choices[count++] = doing;
            }
        }
        if (next != NULL && effect == 0 && is_choice(placing, next, next)) {
            choices[count++] = next;
        }
    }
    return count;
}

static bool may_go_on(struct placing *placing, unsigned depth);

/* Whether those behind it may be right when it comes next. */
static bool may_place(struct placing *placing, struct doing *doing, unsigned depth)
{
    const struct shadow_asked *asked = &doing->request.asked;
    struct shadow_memory *memory = shadow_remember(asked);
    if (memory == NULL || placing->trials == 0) {
        shadow_memory_destroy(memory);
        return true;
    }
    placing->trials--;
    bool right = settle_doing(placing, doing, SETTLE_TRY);
    if (right) {
        uint64_t newest = placing->about->newest;
        doing->is_placed = true;
        note_newest(placing->about, doing);
        right = may_go_on(placing, depth - 1);
        doing->is_placed = false;
        placing->about->newest = newest;
    }
    shadow_recall(asked, memory);
    shadow_memory_destroy(memory);
    return right;
}

static bool may_go_on(struct placing *placing, unsigned depth)
{
    struct doing *choices[CHOICES_MAX];
    if (depth == 0) {
        return true;
    }
    size_t count = find_choices(placing, choices);
    for (size_t i = 0; i < count; i++) {
        if (may_place(placing, choices[i], depth)) {
            return true;
        }
    }
    return find_due(placing) == NULL;
}

/* The place of a hidden change among others is a guess; that of others is if those behind it agree
 * with another one as well. */
static bool is_guess(struct placing *placing, struct doing *const *choices, size_t count,
                     size_t chosen)
{
    bool guess = is_hidden(choices[chosen]) && choices[chosen]->is_among;
    for (size_t i = chosen + 1; i < count && !guess; i++) {
        guess = may_place(placing, choices[i], DEPTH_MAX);
    }
    return guess;
}

static bool place_choice(struct placing *placing)
{
    struct doing *choices[CHOICES_MAX];
    size_t count = find_choices(placing, choices);
    placing->trials = TRIALS_MAX;
    for (size_t i = 0; i < count; i++) {
        bool only = count == 1 && choices[i]->version != 0;
        if (only || may_place(placing, choices[i], DEPTH_MAX)) {
            bool doubtful = is_hidden(choices[i]) && choices[i]->is_among;
            bool guess = is_guess(placing, choices, count, i);
            if (place(placing, choices[i], SETTLE_IF_RIGHT)) {
                placing->about->guessed = guess ? placing->run->sequence : placing->about->guessed;
                if (doubtful) {
                    shadow_doubt(placing->document);
                }
                return true;
            }
        }
    }
    return false;
}

/* It may have come before what has been judged, where the place of something was a guess: what it
 * tells is taken over, and what the document holds by now is not known. */
static bool place_late(struct placing *placing, struct doing *late)
{
    shadow_doubt(placing->document);
    bool placed = place(placing, late, SETTLE);
    shadow_doubt(placing->document);
    return placed;
}

/* One that shows no version, and is right for what it tells of its client, or of the server: until
 * it is placed, what was asked behind it can't be. */
static bool place_open(struct placing *placing)
{
    const struct about *about = placing->about;
    LIST_EACH (struct doing, doing, &about->doings, link) {
        if (is_left(doing) && version_seen(doing) == 0 && !is_hidden(doing) &&
            is_available(about, doing) && is_ready(about, doing) &&
            place(placing, doing, SETTLE_IF_OPEN)) {
            return true;
        }
    }
    return false;
}

/* One that nothing makes right, unless the place of another one was the wrong guess. */
static bool place_wrong(struct placing *placing)
{
    struct doing *wrong = find_due(placing);
    if (wrong == NULL) {
        return false;
    }
    if (is_hidden(wrong) && wrong->is_among) {
        placing->about->guessed = placing->run->sequence;
    }
    return wrong->asked < placing->about->guessed ? place_late(placing, wrong)
                                                  : place(placing, wrong, SETTLE);
}

/* Of those without an order, only what could never be right is wrong; and they leave nothing that
 * is known. */
static void place_mixed(struct placing *placing)
{
    LIST_EACH (struct doing, doing, &placing->about->doings, link) {
        if (is_left(doing)) {
            shadow_doubt(placing->document);
            place(placing, doing, SETTLE);
            break;
        }
    }
    shadow_doubt(placing->document);
}

/* Where something that has no place may have changed the document, all places are guesses. */
static void note_unseen(struct placing *placing)
{
    const struct unseen *unseen = &placing->run->model->unseen;
    struct about *about = placing->about;
    if (placing->document->doubted || unseen->open > 0) {
        placing->document->doubted = false;
        about->guessed = placing->run->sequence;
    } else if (unseen->ended > about->guessed) {
        about->guessed = unseen->ended;
    }
}

void couchbase_order_advance(struct run *run, struct document *document, couchbase_settle *settle)
{
    struct about *about = about_of(document);
    struct placing placing = {.run = run, .document = document, .about = about, .settle = settle};
    if (about == NULL || about->kept == 0 || about->busy) {
        return;
    }
    note_unseen(&placing);
    about->busy = true;
    while (about->is_mixed && about->kept > 0) {
        place_mixed(&placing);
    }
    while (about->kept > 0 && (place_known(&placing) || place_choice(&placing) ||
                               place_open(&placing) || place_wrong(&placing))) {
    }
    about->busy = false;
    if (list_is_empty(&about->doings)) {
        document->user = NULL;
        blocks_give(&run->blocks, about, sizeof(*about));
    }
}
