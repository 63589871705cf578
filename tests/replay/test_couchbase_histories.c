/*
 * Orders of execution in Couchbase's dialect: a few connections with features of their own on one
 * or two documents, executed by a node in a random order between request and answer. What it has
 * answered is right. KVREPLAY_SEED repeats a run.
 */
#include "base/endian.h"
#include "couchbase/couchbase.h"
#include "mcbp/feature.h"
#include "scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    CLIENTS = 8,
    EACH_MIN = 4, /* requests of a client, behind those of LOGIN; and a NOOP */
    EACH_MAX = 40,
    LOGIN = 3,
    KEYS = 2,
    VBUCKETS = 4,
    FRAME_ROOM = 1024,
    HISTORIES = 300,
};

struct exchange {
    uint8_t request[FRAME_ROOM];
    size_t request_size;
    uint8_t answer[FRAME_ROOM];
    size_t answer_size; /* 0: silence */
};

struct client {
    struct couchbase_session *session;
    bool has_collections;
    struct exchange exchanges[LOGIN + EACH_MAX + 1];
    size_t count;
    size_t asked;
    size_t ran;
    size_t told;
    uint64_t cas[KEYS]; /* the last that it was told */
};

struct history {
    struct scene *scene;
    struct couchbase_node *node;
    struct client clients[CLIENTS];
    unsigned random;
    bool quiet;       /* requests may be */
    bool brings;      /* they may bring meta data */
    bool limited;     /* the collection limits how long documents live, which nothing tells */
    bool cold;        /* verify knows that there was no document before */
    size_t lies_at;   /* one of the GETs that find a document; 0: none */
    size_t gets;      /* likewise */
    bool of_deleted;  /* they are lookups that show a tombstone, instead */
    uint16_t without; /* this feature, all others are asked for; 0: any */
    size_t active;    /* clients; 0: all */
    size_t frames;    /* said so far, */
    size_t cut;       /* of which so many are not in the capture */
    size_t each;
    unsigned keys;
    unsigned depth; /* requests of a client that wait for their answers */
};

static unsigned pick(struct history *history, unsigned count)
{
    return (unsigned)rand_r(&history->random) / 7 % count;
}

/* ------------------------------------------------------------------------------------ requests */

struct kind {
    uint8_t opcode;
    const char *extras;
    size_t extras_size;
    const char *value; /* NULL: one of the documents */
    size_t value_size;
    bool takes_cas;
    bool needs_cas;
    unsigned weight;
};

#define BYTES(text) text, sizeof(text) - 1
#define NOTHING     "", 0
#define META        NULL, 28 /* made anew each time */

/* Of subdocument commands: a flag; attributes and a path that are looked at; and those set. */
#define ACCESS_DELETED "\4", 1
#define SEEN           BYTES("\305\4\0\2_s\306\4\0\1u\305\4\0\21$document.deleted\306\0\0\1n")
#define MARKED         BYTES("\310\4\0\2\0\0\0\7_s{\"a\":1}\310\4\0\1\0\0\0\1u7")

static const struct kind kinds[] = {
    {MCBP_GET, NOTHING, NOTHING, false, false, 24},
    {MCBP_GETQ, NOTHING, NOTHING, false, false, 6},
    {MCBP_SET, BYTES("\0\0\0\0\0\0\0\0"), NULL, 0, true, false, 16},
    {MCBP_SETQ, BYTES("\0\0\0\0\0\0\0\0"), NULL, 0, true, false, 4},
    {MCBP_ADD, BYTES("\0\0\0\0\0\0\0\0"), NULL, 0, false, false, 5},
    {MCBP_REPLACE, BYTES("\0\0\0\0\0\0\0\0"), NULL, 0, true, false, 5},
    {MCBP_DELETE, NOTHING, NOTHING, true, false, 5},
    {MCBP_DELETEQ, NOTHING, NOTHING, true, false, 2},
    {MCBP_INCREMENT, BYTES("\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\144\0\0\0\0"), NOTHING, false, false, 5},
    {MCBP_APPEND, NOTHING, BYTES("0"), true, false, 5},
    {MCBP_APPENDQ, NOTHING, BYTES("1"), true, false, 2},
    {MCBP_TOUCH, BYTES("\0\0\0\0"), NOTHING, false, false, 4},
    {MCBP_TOUCH, BYTES("\0\0\0\144"), NOTHING, false, false, 2},
    {MCBP_GAT, BYTES("\0\0\0\144"), NOTHING, false, false, 5},
    {MCBP_SUBDOC_MULTI_LOOKUP, NOTHING, BYTES("\305\0\0\1n\306\0\0\1l"), false, false, 5},
    {MCBP_SUBDOC_MULTI_MUTATION, NOTHING, BYTES("\317\1\0\3\0\0\0\1n.x1\313\1\0\1\0\0\0\1l7"), true,
     false, 6},
    {MCBP_SUBDOC_MULTI_LOOKUP, ACCESS_DELETED, SEEN, false, false, 4},
    {MCBP_SUBDOC_MULTI_LOOKUP, NOTHING, SEEN, false, false, 2},
    {MCBP_SUBDOC_GET, BYTES("\0\2\4\4"), BYTES("_s"), false, false, 2},
    {MCBP_SUBDOC_MULTI_MUTATION, NOTHING, MARKED, true, false, 3},
    {MCBP_SUBDOC_MULTI_MUTATION, ACCESS_DELETED, MARKED, true, false, 3},
    {MCBP_SUBDOC_MULTI_MUTATION, ACCESS_DELETED, BYTES("\4\0\0\0\0\0\0\0"), true, false, 2},
    {MCBP_SUBDOC_MULTI_MUTATION, BYTES("\5"), MARKED, true, false, 2},
    {MCBP_SUBDOC_MULTI_MUTATION, BYTES("\11"), MARKED, true, false, 2},
    {MCBP_SUBDOC_MULTI_MUTATION, BYTES("\12"), MARKED, false, false, 1},
    {MCBP_SUBDOC_MULTI_MUTATION, BYTES("\15"), MARKED, true, false, 1},
    {MCBP_SUBDOC_MULTI_MUTATION, BYTES("\24"), MARKED, true, false, 2},
    {MCBP_SUBDOC_MULTI_MUTATION, BYTES("\25"), MARKED, true, false, 1},
    {MCBP_SUBDOC_REPLACE_BODY_WITH_XATTR, BYTES("\0\2\4"), BYTES("_s"), true, false, 2},
    {MCBP_SUBDOC_REPLACE_BODY_WITH_XATTR, BYTES("\0\1\4\24"), BYTES("u"), true, false, 2},
    {MCBP_GET_LOCKED, BYTES("\0\0\0\1"), NOTHING, false, false, 3},
    {MCBP_UNLOCK_KEY, NOTHING, NOTHING, true, true, 3},
    {MCBP_GET_META, BYTES("\2"), NOTHING, false, false, 4},
    {MCBP_SET_WITH_META, META, NULL, 0, true, false, 2},
    {MCBP_ADD_WITH_META, META, NULL, 0, false, false, 1},
    {MCBP_DELETE_WITH_META, META, NOTHING, false, false, 1},
};

static const char *const documents[] = {"{\"a\":1}", "[1,2]", "12", "text",
                                        "{\"n\":{\"x\":5},\"l\":[1,2]}"};

/* Those that make and show tombstones are more frequent where lies are about those. */
static unsigned weight_of(const struct history *history, const struct kind *kind)
{
    bool wanted = kind->opcode == MCBP_SUBDOC_MULTI_LOOKUP || kind->opcode == MCBP_DELETE;
    return kind->weight * (history->of_deleted && wanted ? 4 : 1);
}

static const struct kind *pick_kind(struct history *history)
{
    for (;;) {
        const struct kind *kind = &kinds[pick(history, sizeof(kinds) / sizeof(kinds[0]))];
        if (pick(history, 24) < weight_of(history, kind) &&
            (history->brings || kind->extras != NULL) &&
            (history->quiet || !mcbp_opcode_is_quiet(kind->opcode))) {
            return kind;
        }
    }
}

struct parts {
    struct span extras, key, value;
    uint16_t vbucket;
    uint64_t cas;
};

static void write_request(struct client *client, uint8_t opcode, const struct parts *parts)
{
    assert_true(client->count < sizeof(client->exchanges) / sizeof(client->exchanges[0]));
    struct exchange *exchange = &client->exchanges[client->count];
    size_t size = parts->extras.size + parts->key.size + parts->value.size;
    uint8_t *at = exchange->request;
    memset(at, 0, MCBP_HEADER_SIZE);
    at[0] = MCBP_CLIENT_REQUEST;
    at[1] = opcode;
    write_be16(at + 2, (uint16_t)parts->key.size);
    at[4] = (uint8_t)parts->extras.size;
    write_be16(at + 6, parts->vbucket);
    write_be32(at + 8, (uint32_t)size);
    write_be32(at + 12, (uint32_t)++client->count);
    write_be64(at + 16, parts->cas);
    const struct span all[] = {parts->extras, parts->key, parts->value};
    at += MCBP_HEADER_SIZE;
    for (size_t i = 0; i < 3; i++) {
        if (all[i].size > 0) {
            memcpy(at, all[i].data, all[i].size);
        }
        at += all[i].size;
    }
    exchange->request_size = MCBP_HEADER_SIZE + size;
    exchange->answer_size = 0;
}

static struct span text(const char *text)
{
    return span_of(text, strlen(text));
}

static const uint16_t features[] = {
    MCBP_FEATURE_MUTATION_SEQNO, MCBP_FEATURE_XATTR,       MCBP_FEATURE_XERROR,
    MCBP_FEATURE_SNAPPY,         MCBP_FEATURE_JSON,        MCBP_FEATURE_UNORDERED_EXECUTION,
    MCBP_FEATURE_TRACING,        MCBP_FEATURE_ALT_REQUEST, MCBP_FEATURE_SYNC_REPLICATION,
    MCBP_FEATURE_COLLECTIONS,
};

static bool has_feature(struct history *history, uint16_t feature)
{
    return history->without != 0 ? history->without != feature : pick(history, 5) > 0;
}

static void log_in(struct history *history, struct client *client)
{
    uint8_t list[sizeof(features)];
    size_t size = 0;
    client->has_collections = false;
    for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
        if (has_feature(history, features[i])) {
            write_be16(list + size, features[i]);
            size += 2;
            client->has_collections |= features[i] == MCBP_FEATURE_COLLECTIONS;
        }
    }
    client->count = 0;
    write_request(client, MCBP_HELLO, &(struct parts){.value = span_of(list, size)});
    write_request(client, MCBP_SASL_AUTH,
                  &(struct parts){.key = text("PLAIN"), .value = span_of("\0u\0p", 4)});
    write_request(client, MCBP_SELECT_BUCKET, &(struct parts){.key = text("default")});
}

/* Revisions and CAS values around those that documents have, and options. */
static void make_meta(struct history *history, uint8_t extras[28])
{
    static const uint32_t options[] = {0, 0, 0, 8, 12};
    uint64_t time = (uint64_t)history->scene->time;
    write_be32(extras, pick(history, 3));
    write_be32(extras + 4, 0);
    write_be64(extras + 8, 1 + pick(history, 40));
    write_be64(extras + 16, time - 50000000 + (uint64_t)pick(history, 1000) * 100000);
    write_be32(extras + 24, options[pick(history, 5)]);
}

static unsigned key_of(const struct exchange *exchange)
{
    size_t key = read_be16(exchange->request + 2);
    size_t extras = exchange->request[4];
    return key == 0 ? 0 : exchange->request[MCBP_HEADER_SIZE + extras + key - 1] % KEYS;
}

static void ask_any(struct history *history, struct client *client)
{
    const struct kind *kind = pick_kind(history);
    unsigned number = pick(history, history->keys);
    char key[] = {'\0', 'k', (char)('0' + number)};
    bool cas = kind->needs_cas || (kind->takes_cas && pick(history, 4) == 0);
    uint8_t meta[28];
    if (kind->extras == NULL) {
        make_meta(history, meta);
    }
    struct parts parts = {
        .extras =
            span_of(kind->extras == NULL ? (const void *)meta : kind->extras, kind->extras_size),
        .key = client->has_collections ? span_of(key, 3) : span_of(key + 1, 2),
        .value = kind->value != NULL ? span_of(kind->value, kind->value_size)
                                     : text(documents[pick(history, 5)]),
        .cas = cas ? client->cas[number] : 0,
        .vbucket = (uint16_t)number,
    };
    parts.cas += kind->needs_cas && parts.cas == 0;
    write_request(client, kind->opcode, &parts);
}

/* -------------------------------------------------------------------------------------- the play
 */

static void run(struct history *history, struct client *client)
{
    struct exchange *exchange = &client->exchanges[client->ran++];
    struct couchbase_answer answer;
    struct mcbp_frame frame;
    assert_int_equal(mcbp_frame_parse(span_of(exchange->request, exchange->request_size), &frame),
                     MCBP_FRAME);
    const struct couchbase_request request = {.frame = &frame, .now = history->scene->time};
    couchbase_execute(history->node, client->session, &request, &answer);
    if (answer.count > 0) {
        assert_int_equal(kvr_encode_flat(&answer.responses[0], exchange->answer, FRAME_ROOM,
                                         &exchange->answer_size),
                         KVR_OK);
    }
}

static void say(struct history *history, unsigned number, bool client, struct span bytes)
{
    if (history->frames++ >= history->cut) {
        scene_say_bytes(history->scene, (enum person)number, client, bytes);
    }
}

static void ask(struct history *history, unsigned number)
{
    struct client *client = &history->clients[number];
    size_t depth = client->told < LOGIN ? 1 : history->depth;
    if (client->asked >= client->told + depth || client->asked == LOGIN + history->each + 1) {
        return;
    }
    if (client->asked == LOGIN + history->each) {
        write_request(client, MCBP_NOOP, &(struct parts){0});
    } else if (client->asked == client->count) {
        ask_any(history, client);
    }
    struct exchange *exchange = &client->exchanges[client->asked++];
    say(history, number, true, span_of(exchange->request, exchange->request_size));
}

/* Shows a version that there has never been, or another value; of a tombstone, another result of
 * the first path. */
static void lie(const struct history *history, struct exchange *exchange)
{
    size_t framing = exchange->answer[0] == MCBP_FLEX_CLIENT_RESPONSE ? exchange->answer[2] : 0;
    size_t value = MCBP_HEADER_SIZE + framing;
    if (history->lies_at % 2 == 0) {
        exchange->answer[23] ^= 0x80;
    } else {
        exchange->answer[value + (history->of_deleted ? 1 : 4)] ^= 2;
    }
}

static bool is_of_deleted(const struct exchange *exchange)
{
    uint16_t status = read_be16(exchange->answer + 6);
    return status == MCBP_STATUS_SUBDOC_SUCCESS_DELETED ||
           status == MCBP_STATUS_SUBDOC_MULTI_PATH_FAILURE_DELETED;
}

static bool shows_document(const struct history *history, const struct exchange *exchange)
{
    const uint8_t *answer = exchange->answer;
    if (exchange->answer_size == 0) {
        return false;
    }
    if (history->of_deleted) {
        return exchange->request[1] == MCBP_SUBDOC_MULTI_LOOKUP && is_of_deleted(exchange);
    }
    return exchange->request[1] == MCBP_GET && read_be16(answer + 6) == MCBP_STATUS_SUCCESS &&
           read_be64(answer + 16) != UINT64_MAX;
}

static void tell(struct history *history, unsigned number)
{
    struct client *client = &history->clients[number];
    struct exchange *exchange = &client->exchanges[client->told];
    if (client->told == client->ran) {
        return;
    }
    client->told++;
    if (shows_document(history, exchange) && ++history->gets == history->lies_at) {
        lie(history, exchange);
    }
    if (exchange->answer_size > 0) {
        uint64_t cas = read_be64(exchange->answer + 16);
        client->cas[key_of(exchange)] = cas != 0 ? cas : client->cas[key_of(exchange)];
        say(history, number, false, span_of(exchange->answer, exchange->answer_size));
    }
}

static void step(struct history *history, unsigned number)
{
    struct client *client = &history->clients[number];
    switch (pick(history, 3)) {
    case 0:
        ask(history, number);
        break;
    case 1:
        if (client->ran < client->asked) {
            run(history, client);
        }
        break;
    default:
        tell(history, number);
    }
}

static bool is_over(const struct history *history)
{
    for (size_t i = 0; i < history->active; i++) {
        if (history->clients[i].told <= LOGIN + history->each) {
            return false;
        }
    }
    return true;
}

static void limit(struct history *history)
{
    static const char manifest[] =
        "{\"uid\":\"1\",\"scopes\":[{\"name\":\"_default\",\"uid\":\"0\",\"collections\":[{"
        "\"name\":\"_default\",\"uid\":\"0\",\"maxTTL\":100}]}]}";
    static struct client administrator;
    administrator = (struct client){.session = couchbase_session_create(history->node)};
    assert_non_null(administrator.session);
    log_in(history, &administrator);
    write_request(&administrator, MCBP_COLLECTIONS_SET_MANIFEST,
                  &(struct parts){.value = text(manifest)});
    while (administrator.ran < administrator.count) {
        run(history, &administrator);
    }
    assert_int_equal(read_be16(administrator.exchanges[LOGIN].answer + 6), MCBP_STATUS_SUCCESS);
    couchbase_session_destroy(administrator.session);
}

static void play(struct history *history)
{
    static const struct couchbase_options options = {.bucket = "default", .vbuckets = VBUCKETS};
    history->keys = 1 + pick(history, KEYS);
    history->depth = 1 + pick(history, 2) * pick(history, 8);
    history->each = EACH_MIN + pick(history, EACH_MAX - EACH_MIN + 1);
    history->node = couchbase_node_create(&options);
    assert_non_null(history->node);
    scene_restart(history->scene);
    if (history->limited) {
        limit(history);
    }
    history->scene->options.cold = history->cold;
    history->active = history->active == 0 ? CLIENTS : history->active;
    for (size_t i = 0; i < CLIENTS; i++) {
        struct client *client = &history->clients[i];
        client->session = couchbase_session_create(history->node);
        assert_non_null(client->session);
        log_in(history, client);
        if (history->cut > 0) {
            scene_join(history->scene, (enum person)i);
        }
    }
    while (!is_over(history)) {
        step(history, pick(history, (unsigned)history->active));
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        couchbase_session_destroy(history->clients[i].session);
    }
    couchbase_node_destroy(history->node);
}

static unsigned first_seed(void)
{
    const char *given = getenv("KVREPLAY_SEED");
    unsigned seed = given != NULL ? (unsigned)strtoul(given, NULL, 0) : (unsigned)time(NULL);
    print_message("KVREPLAY_SEED=%u\n", seed);
    return seed;
}

static uint64_t wrong(const struct capture_result *found)
{
    return found->executed.check.different + found->executed.missing + found->rebuilt.different;
}

static void what_a_node_ran_in_any_order_is_right(void **state)
{
    unsigned seed = first_seed();
    for (unsigned i = 0; i < HISTORIES; i++) {
        struct history history = {
            .scene = *state, .random = seed + i, .cold = i % 2 == 0, .brings = i % 3 == 0};
        play(&history);
        const struct capture_result *found = scene_verify(*state);
        if (wrong(found) > 0) {
            print_error("KVREPLAY_SEED=%u\n", seed + i);
        }
        assert_int_equal(wrong(found), 0);
        assert_true(history.brings ||
                    found->executed.check.identical > found->executed.not_executed);
    }
}

static void expect_right(struct scene *scene, struct history history)
{
    history.scene = scene;
    history.random = first_seed();
    history.active = 1;
    play(&history);
    if (wrong(scene_verify(scene)) > 0) {
        print_error("without 0x%x, %zu frames cut off\n", history.without, history.cut);
    }
    assert_int_equal(wrong(scene_verify(scene)), 0);
}

static void with_a_limit_that_is_not_told_it_is_right(void **state)
{
    unsigned seed = first_seed();
    for (unsigned i = 0; i < HISTORIES / 3; i++) {
        struct history history = {.scene = *state,
                                  .random = seed + i,
                                  .cold = i % 2 == 0,
                                  .brings = i % 3 == 0,
                                  .limited = true};
        play(&history);
        if (wrong(scene_verify(*state)) > 0) {
            print_error("KVREPLAY_SEED=%u\n", seed + i);
        }
        assert_int_equal(wrong(scene_verify(*state)), 0);
    }
}

static void any_feature_may_be_left_out(void **state)
{
    for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
        expect_right(*state, (struct history){.without = features[i], .quiet = true});
    }
}

static void the_beginning_may_be_cut_off_with_any_feature_left_out(void **state)
{
    for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
        for (size_t cut = 1; cut < 24; cut++) {
            expect_right(*state, (struct history){.without = features[i], .cut = cut});
        }
    }
}

/* Documents that several clients change when the capture begins. */
static void of_histories_whose_beginning_is_cut_off_hardly_one_is_wrong(void **state)
{
    unsigned seed = first_seed();
    unsigned bad = 0;
    for (unsigned i = 0; i < 2 * HISTORIES; i++) {
        struct history history = {
            .scene = *state, .random = seed + i, .cut = 1 + (seed + i) * 7 % 150};
        play(&history);
        bad += wrong(scene_verify(*state)) > 0;
    }
    print_message("%u wrong\n", bad);
    assert_true(bad <= HISTORIES / 100);
}

/* What a quiet change has made is seen in what comes behind it, if at all. */
static void of_histories_with_quiet_changes_hardly_one_is_wrong(void **state)
{
    unsigned seed = first_seed();
    unsigned bad = 0;
    for (unsigned i = 0; i < HISTORIES; i++) {
        struct history history = {
            .scene = *state, .random = seed + i, .cold = i % 2 == 0, .quiet = true};
        play(&history);
        bad += wrong(scene_verify(*state)) > 0;
    }
    print_message("%u wrong\n", bad);
    assert_true(bad <= HISTORIES / 30);
}

static void expect_found(struct scene *scene, const struct history *like, unsigned places)
{
    unsigned seed = first_seed();
    unsigned lies = 0;
    unsigned found = 0;
    for (unsigned i = 0; i < HISTORIES; i++) {
        struct history history = *like;
        history.scene = scene;
        history.random = seed + i;
        history.cold = true;
        history.lies_at = 1 + i % places;
        play(&history);
        lies += history.gets >= history.lies_at;
        found += wrong(scene_verify(scene)) > 0;
    }
    print_message("%u of %u lies\n", found, lies);
    assert_true(lies > HISTORIES / 4);
    assert_true(found >= lies - lies / 10);
}

static void what_it_has_not_answered_is_found(void **state)
{
    expect_found(*state, &(struct history){.of_deleted = false}, 20);
}

static void and_what_it_has_not_of_deleted_documents(void **state)
{
    expect_found(*state, &(struct history){.of_deleted = true}, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene_test(what_a_node_ran_in_any_order_is_right),
        scene_test(with_a_limit_that_is_not_told_it_is_right),
        scene_test(any_feature_may_be_left_out),
        scene_test(the_beginning_may_be_cut_off_with_any_feature_left_out),
        scene_test(of_histories_whose_beginning_is_cut_off_hardly_one_is_wrong),
        scene_test(of_histories_with_quiet_changes_hardly_one_is_wrong),
        scene_test(what_it_has_not_answered_is_found),
        scene_test(and_what_it_has_not_of_deleted_documents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
