/*
 * What a conversation is by its first bytes, however they come.
 */
#include "base/endian.h"
#include "dissect/dissect.h"
#include "mcbp/form.h"
#include "scene.h"

#include <stdio.h>
#include <stdlib.h>

/* A SET, or the answer to its GET, with more of a value than a packet's length can say. */
static void says_large(struct scene *scene, bool client, uint32_t opaque, size_t value_size)
{
    static const uint8_t key[] = "big";
    size_t extras = client ? 8 : 4;
    size_t key_size = client ? 3 : 0;
    size_t size = MCBP_HEADER_SIZE + extras + key_size + value_size;
    uint8_t *bytes = calloc(1, size);
    assert_non_null(bytes);
    bytes[0] = client ? MCBP_CLIENT_REQUEST : MCBP_CLIENT_RESPONSE;
    bytes[1] = client ? MCBP_SET : MCBP_GET;
    write_be16(bytes + 2, (uint16_t)key_size);
    bytes[4] = (uint8_t)extras;
    write_be32(bytes + 8, (uint32_t)(size - MCBP_HEADER_SIZE));
    write_be32(bytes + 12, opaque);
    bytes[23] = client ? 0 : 1;
    memcpy(bytes + MCBP_HEADER_SIZE + extras, key, key_size);
    memset(bytes + size - value_size, 'v', value_size);
    scene_say_bytes(scene, ANN, client, span_of(bytes, size));
    free(bytes);
}

static void stores_and_reads_large(struct scene *scene)
{
    says_large(scene, true, 1, 180000);
    answers(scene, ANN, 1, SET, .cas = 1);
    asks(scene, ANN, 2, GET, .key = "big");
    says_large(scene, false, 2, 180000);
}

static void a_first_segment_may_be_larger_than_64_kib(void **state)
{
    struct scene *scene = *state;
    stores_and_reads_large(scene);
    assert_verdict(scene, .identical = 2);
    assert_int_equal(scene_verify(scene)->ledger.unparsed, 0);
}

static void a_first_segment_may_be_larger_than_64_kib_over_ipv6(void **state)
{
    struct scene *scene = *state;
    scene_use_ipv6(scene, ANN);
    stores_and_reads_large(scene);
    assert_verdict(scene, .identical = 2);
}

static void a_large_segment_in_the_middle_of_a_connection_is_framed(void **state)
{
    struct scene *scene = *state;
    scene_join(scene, ANN);
    asks(scene, ANN, 7, NOOP);
    answers(scene, ANN, 7, NOOP);
    stores_and_reads_large(scene);
    assert_verdict(scene, .identical = 3);
    assert_int_equal(scene_verify(scene)->ledger.unparsed, 0);
}

static void a_large_segment_is_where_the_capture_begins(void **state)
{
    struct scene *scene = *state;
    scene_join(scene, ANN);
    stores_and_reads_large(scene);
    assert_verdict(scene, .identical = 2);
}

/* It may be anything, but not a client of memcached and its server. */
static void a_connection_whose_sides_both_send_requests_is_no_evidence(void **state)
{
    struct scene *scene = *state;
    scene_join(scene, ANN);
    for (uint32_t i = 1; i < 4; i++) {
        scene_say(scene, ANN, true,
                  &(struct said){.magic = MCBP_CLIENT_RESPONSE, .opcode = MCBP_GET, .opaque = i});
        asks(scene, ANN, i, GET, .key = "k");
        scene_say(scene, ANN, false,
                  &(struct said){
                      .magic = MCBP_CLIENT_REQUEST, .opcode = MCBP_GET, .opaque = i, .key = "k"});
        answers(scene, ANN, i, SET, .cas = i);
    }
    assert_int_equal(scene_verify(scene)->status, VERIFY_NO_EVIDENCE);
}

static void datagram(struct scene *scene, bool client, uint16_t id, uint16_t reserved,
                     const struct said *said)
{
    uint8_t bytes[8 + SAID_ROOM];
    write_be16(bytes, id);
    write_be16(bytes + 2, 0);
    write_be16(bytes + 4, 1);
    write_be16(bytes + 6, reserved);
    size_t size = scene_write(said, client, bytes + 8);
    scene_say_bytes(scene, ANN, client, span_of(bytes, 8 + size));
}

/* memcached reads the request id, and that there is one datagram, and nothing else. */
static void the_reserved_field_of_a_datagram_means_nothing(void **state)
{
    struct scene *scene = *state;
    scene_use_udp(scene, ANN);
    for (uint16_t i = 1; i <= 2; i++) {
        uint16_t reserved = i == 1 ? 0x0071 : 0xffff;
        datagram(scene, true, i, reserved,
                 &(struct said){.opcode = MCBP_SET, .opaque = i, .key = "k", .value = "v"});
        datagram(scene, false, i, 0, &(struct said){.opcode = MCBP_SET, .opaque = i, .cas = i});
    }
    datagram(scene, true, 3, 1, &(struct said){.opcode = MCBP_GET, .opaque = 3, .key = "k"});
    datagram(scene, false, 3, 1,
             &(struct said){.opcode = MCBP_GET, .opaque = 3, .cas = 2, .value = "x"});
    assert_verdict(scene, .identical = 2, .different = 1);
    assert_one_difference(scene, DIFFERENCE_FIELD, "value+0");
}

/* SSLv2's framing of a TLS 1.0 hello with `specs` cipher specs and a challenge of 32 bytes. */
static void says_sslv2_hello(struct scene *scene, uint16_t specs)
{
    uint8_t bytes[512] = {0};
    uint16_t length = (uint16_t)(9 + 3 * specs + 32);
    write_be16(bytes, 0x8000 | length);
    bytes[2] = 1;
    write_be16(bytes + 3, 0x0301);
    write_be16(bytes + 5, (uint16_t)(3 * specs));
    write_be16(bytes + 9, 32);
    scene_say_bytes(scene, BOB, true, span_of(bytes, 2 + (size_t)length));
}

static void tls_may_begin_with_a_hello_of_sslv2(void **state)
{
    struct scene *scene = *state;
    uint8_t server_hello[79] = {0x16, 3, 1, 0, 0x4a, 2};
    asks(scene, ANN, 1, NOOP);
    answers(scene, ANN, 1, NOOP);
    says_sslv2_hello(scene, 18);
    scene_say_bytes(scene, BOB, false, span_of(server_hello, sizeof(server_hello)));
    client_closes(scene, BOB);
    server_closes(scene, BOB);
    assert_verdict(scene, .identical = 1);
    assert_int_equal(scene_verify(scene)->ledger.tls, 97 + 79);
}

static void a_hello_of_sslv2_that_nobody_answers_is_tls(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, NOOP);
    answers(scene, ANN, 1, NOOP);
    says_sslv2_hello(scene, 2);
    client_closes(scene, BOB);
    assert_verdict(scene, .identical = 1);
    assert_int_equal(scene_verify(scene)->ledger.tls, 2 + 9 + 6 + 32);
}

/* A memcached takes it for a request whose key is too long. */
static void what_looks_like_a_hello_is_a_request_if_it_is_answered_as_one(void **state)
{
    struct scene *scene = *state;
    says_sslv2_hello(scene, 18);
    scene_say(scene, BOB, false,
              &(struct said){.opcode = 0x5f, .status = MCBP_STATUS_INVALID_ARGUMENTS});
    assert_int_equal(scene_verify(scene)->server_frames, 1);
    assert_int_equal(scene_verify(scene)->ledger.tls, 0);
}

/* A header whose lengths can't be, and what its server says to it. */
static void says_bad_lengths(struct scene *scene, bool client, uint8_t magic, uint8_t opcode,
                             uint32_t opaque)
{
    uint8_t bytes[MCBP_HEADER_SIZE] = {magic, opcode, 0, 9};
    write_be32(bytes + 8, 4);
    write_be32(bytes + 12, opaque);
    scene_say_bytes(scene, BOB, client, span_of(bytes, sizeof(bytes)));
}

static void a_broken_answer_to_a_request_with_bad_lengths_is_the_server_s(void **state)
{
    struct scene *scene = *state;
    static const struct {
        uint8_t magic;
        uint32_t opaque;
    } broken[] = {{0x80, 7}, {0x81, 7}, {0x91, 7}, {0x81, 0}};
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        scene_restart(scene);
        says_bad_lengths(scene, true, MCBP_CLIENT_REQUEST, MCBP_SET, broken[i].opaque);
        says_bad_lengths(scene, false, broken[i].magic, MCBP_SET, broken[i].opaque);
        client_closes(scene, BOB);
        server_closes(scene, BOB);
        assert_int_equal(scene_verify(scene)->executed.malformed, 1);
        assert_int_equal(scene_verify(scene)->ledger.not_mcbp, 0);
    }
}

static void records_of_sun_rpc_are_not_mcbp(void **state)
{
    struct scene *scene = *state;
    uint8_t call[44] = {0x80, 0, 0, 40, 0, 0, 0, 1, [15] = 2, [17] = 1, [18] = 0x86, [19] = 0xa3};
    uint8_t reply[28] = {0x80, 0, 0, 24, 0, 0, 0, 1, [11] = 1};
    asks(scene, ANN, 1, NOOP);
    answers(scene, ANN, 1, NOOP);
    scene_say_bytes(scene, BOB, true, span_of(call, sizeof(call)));
    scene_say_bytes(scene, BOB, false, span_of(reply, sizeof(reply)));
    assert_verdict(scene, .identical = 1);
    assert_int_equal(scene_verify(scene)->ledger.other, sizeof(call) + sizeof(reply));
}

/* ----------------------------------------------------------------- from the middle of a stream */

/* A frame of someone else's protocol, of which the header could be MCBP's. */
static void says_foreign(struct scene *scene, bool client, uint8_t magic, uint8_t opcode,
                         uint8_t extras, uint16_t key, uint32_t body)
{
    uint8_t bytes[SAID_ROOM] = {magic, opcode};
    write_be16(bytes + 2, key);
    bytes[4] = extras;
    write_be32(bytes + 8, body);
    write_be32(bytes + 12, 0x01020304);
    scene_say_bytes(scene, BOB, client, span_of(bytes, MCBP_HEADER_SIZE + body));
}

static void a_real_conversation(struct scene *scene)
{
    asks(scene, ANN, 1, NOOP);
    answers(scene, ANN, 1, NOOP);
}

static void frames_without_their_opcodes_form_are_not_mcbp(void **state)
{
    struct scene *scene = *state;
    a_real_conversation(scene);
    scene_join(scene, BOB);
    for (int i = 0; i < 4; i++) {
        says_foreign(scene, true, MCBP_CLIENT_REQUEST, MCBP_ADD, 0, 2, 13);
        says_foreign(scene, false, MCBP_CLIENT_RESPONSE, MCBP_GET, 1, 0, 13);
    }
    assert_verdict(scene, .identical = 1);
    assert_int_equal(scene_verify(scene)->server_frames, 1);
    assert_int_equal(scene_verify(scene)->ledger.other, 8 * (MCBP_HEADER_SIZE + 13));
}

static void requests_from_both_sides_are_no_answers(void **state)
{
    struct scene *scene = *state;
    a_real_conversation(scene);
    scene_join(scene, BOB);
    for (int i = 0; i < 4; i++) {
        says_foreign(scene, i % 2 == 0, MCBP_CLIENT_REQUEST, MCBP_GET, 0, 13, 13);
    }
    assert_int_equal(scene_verify(scene)->server_frames, 1);
    assert_int_equal(scene_verify(scene)->status, VERIFY_IDENTICAL);
}

static void answers_from_both_sides_are_no_answers(void **state)
{
    struct scene *scene = *state;
    a_real_conversation(scene);
    scene_join(scene, BOB);
    for (int i = 0; i < 40; i++) {
        says_foreign(scene, i % 2 == 0, MCBP_CLIENT_RESPONSE, MCBP_GET, 4, 0, 13);
    }
    assert_int_equal(scene_verify(scene)->server_frames, 1);
    assert_int_equal(scene_verify(scene)->ledger.other, 40 * (MCBP_HEADER_SIZE + 13));
}

static void an_answer_comes_before_the_first_request_that_was_recorded(void **state)
{
    struct scene *scene = *state;
    scene_join(scene, ANN);
    answers(scene, ANN, 7, SET, .cas = 8);
    answers(scene, ANN, 8, GET, .value = "v", .cas = 8);
    asks(scene, ANN, 9, SET, .key = "k", .value = "v");
    answers(scene, ANN, 9, SET, .cas = 9);
    assert_verdict(scene, .identical = 1, .not_executed = 2);
    assert_int_equal(scene_verify(scene)->client_frames, 1);
    assert_int_equal(scene_verify(scene)->ledger.unparsed, 0);
}

static void a_servers_side_alone_is_rebuilt(void **state)
{
    struct scene *scene = *state;
    scene_join(scene, ANN);
    for (uint32_t i = 0; i < 2000; i++) { /* more than are carried in the hope of a request */
        answers(scene, ANN, i, GET, .value = "a value", .cas = 1);
    }
    assert_verdict(scene, .not_executed = 2000);
    assert_int_equal(scene_verify(scene)->rebuilt.identical, 2000);
    assert_int_equal(scene_verify(scene)->ledger.unparsed, 0);
}

static void a_servers_side_alone_may_be_short(void **state)
{
    struct scene *scene = *state;
    scene_join(scene, ANN);
    answers(scene, ANN, 1, GET, .value = "a value", .cas = 1);
    server_closes(scene, ANN);
    assert_verdict(scene, .not_executed = 1);
}

/* The tail of a value that a client was sending, which holds what could be an answer. */
static void what_looks_like_an_answer_in_a_request_does_not_swap_the_sides(void **state)
{
    struct scene *scene = *state;
    scene_join(scene, ANN);
    scene_say(scene, ANN, true,
              &(struct said){.magic = MCBP_CLIENT_RESPONSE, .opcode = MCBP_NOOP, .opaque = 1});
    answers(scene, ANN, 2, SET, .cas = 1);
    asks(scene, ANN, 3, SET, .key = "k", .value = "v");
    answers(scene, ANN, 3, SET, .cas = 2);
    assert_verdict(scene, .identical = 1);
    assert_int_equal(scene_verify(scene)->client_frames, 1);
}

static void note_form(void *context, struct dissect_conversation *conversation,
                      const struct dissect_frame *frame)
{
    (void)conversation;
    if (!mcbp_form_is_known(&frame->frame.header)) {
        printf("packet %llu: opcode 0x%02x\n", (unsigned long long)frame->origin.packet,
               frame->frame.header.opcode);
        ++*(unsigned *)context;
    }
}

static void what_clients_and_servers_send_has_a_form(void **state)
{
    (void)state;
    static const char *const captures[] = {
        "captures/opcodes.pcap",
        "captures/quiet.pcap",
        "captures/cas.pcap",
        "captures/pylibmc.pcap",
        "captures/memjs.pcap",
        "captures/bmemcached.pcap",
        "captures/stats.pcap",
        "captures/memccapable-ipv4.pcap",
        "made/couchbase-opcodes.pcap",
        "made/dcp.pcap",
        "made/dcp-stream-id.pcap",
        "made/datatypes.pcap",
        "made/server-request.pcap",
        "made/frame-info-request.pcap",
        "made/frame-info-response.pcap",
    };
    unsigned without = 0;
    for (size_t i = 0; i < sizeof(captures) / sizeof(captures[0]); i++) {
        char path[256];
        struct dissect_options options;
        struct dissect_consumer consumer = {.context = &without, .frame = note_form};
        struct capture_result *result = calloc(1, sizeof(*result));
        assert_non_null(result);
        dissect_options_init(&options);
        snprintf(path, sizeof(path), CORPUS "/%s", captures[i]);
        dissect_capture(path, &options, &consumer, result);
        assert_true(result->client_frames + result->server_frames > 0);
        if (without > 0) {
            printf("%s\n", path);
        }
        assert_int_equal(without, 0);
        capture_result_deinit(result);
        free(result);
    }
}

/* What is reported of a client's stream, in a line each. */
struct reports {
    char text[512];
};

static void note(void *context, const char *what, uint64_t at, size_t size)
{
    struct reports *reports = context;
    size_t used = strlen(reports->text);
    snprintf(reports->text + used, sizeof(reports->text) - used, "%s %llu+%zu\n", what,
             (unsigned long long)at, size);
}

static void note_frame(void *context, struct dissect_conversation *conversation,
                       const struct dissect_frame *frame)
{
    (void)conversation;
    note(context, "frame", frame->at, frame->frame.bytes.size);
}

static void note_unfinished(void *context, struct dissect_conversation *conversation,
                            const struct dissect_frame *frame)
{
    (void)conversation;
    assert_int_equal(frame->role, FROM_CLIENT);
    note(context, "unfinished", frame->at, frame->frame.bytes.size);
}

static void note_skipped(void *context, struct dissect_conversation *conversation,
                         enum dissect_role role, uint64_t at, size_t size, struct span bytes)
{
    (void)conversation;
    assert_int_equal(role, FROM_CLIENT);
    assert_true(bytes.size >= size);
    note(context, "skipped", at, size);
}

static void assert_reports(struct scene *scene, const char *expected)
{
    struct reports reports = {""};
    struct dissect_options options;
    struct dissect_consumer consumer = {.context = &reports,
                                        .frame = note_frame,
                                        .unfinished = note_unfinished,
                                        .skipped = note_skipped};
    struct capture_result *result = calloc(1, sizeof(*result));
    assert_non_null(result);
    dissect_options_init(&options);
    dissect_capture(trace_save(&scene->trace), &options, &consumer, result);
    assert_string_equal(reports.text, expected);
    capture_result_deinit(result);
    free(result);
}

/* A request of `size` bytes, of which the first `sent` are. */
static void begins_to_ask(struct scene *scene, size_t sent)
{
    uint8_t bytes[SAID_ROOM];
    struct said said = {.opcode = MCBP_SET, .opaque = 9, .key = "key", .value = "value"};
    assert_true(sent < scene_write(&said, true, bytes));
    scene_say_bytes(scene, ANN, true, span_of(bytes, sent));
}

static void a_frame_that_a_loss_ends_is_unfinished(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, NOOP);
    begins_to_ask(scene, 30);
    scene_lose(scene, ANN, true, 10);
    asks(scene, ANN, 2, NOOP);
    client_closes(scene, ANN);
    assert_reports(scene, "frame 0+24\n"
                          "unfinished 24+30\n"
                          "frame 54+24\n");
}

static void a_frame_that_the_capture_ends_is_unfinished(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, NOOP);
    begins_to_ask(scene, 7);
    assert_reports(scene, "frame 0+24\n"
                          "unfinished 24+7\n");
}

static void bytes_that_are_no_frame_are_skipped(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, NOOP);
    scene_say_bytes(scene, ANN, true, span_of("text", 4));
    begins_to_ask(scene, 30);
    scene_lose(scene, ANN, true, 10);
    asks(scene, ANN, 2, NOOP);
    assert_reports(scene, "frame 0+24\n"
                          "skipped 24+1\n"
                          "skipped 25+3\n"
                          "unfinished 28+30\n"
                          "frame 58+24\n");
}

/* Nothing says that the frame begins there until all of it has come. */
static void a_frame_that_may_begin_within_skipped_bytes_is_skipped_if_it_does_not_come(void **state)
{
    struct scene *scene = *state;
    uint8_t bytes[4 + SAID_ROOM] = "text";
    struct said said = {.opcode = MCBP_SET, .opaque = 9, .key = "key", .value = "value"};
    scene_write(&said, true, bytes + 4);
    asks(scene, ANN, 1, NOOP);
    scene_say_bytes(scene, ANN, true, span_of(bytes, 4 + 30));
    scene_lose(scene, ANN, true, 10);
    asks(scene, ANN, 2, NOOP);
    assert_reports(scene, "frame 0+24\n"
                          "skipped 24+1\n"
                          "skipped 25+3\n"
                          "skipped 28+30\n"
                          "frame 58+24\n");
}

/* ----------------------------------------------- requests that run before all of them is there */

/* The first `sent` bytes of the request, and the others in another segment. */
struct halves {
    uint8_t bytes[SAID_ROOM];
    size_t size;
    size_t sent;
};

static struct halves says_half(struct scene *scene, enum person person, const struct said *said,
                               size_t sent)
{
    struct halves halves = {.sent = sent};
    halves.size = scene_write(said, true, halves.bytes);
    assert_true(sent < halves.size);
    scene_say_bytes(scene, person, true, span_of(halves.bytes, sent));
    return halves;
}

static void says_the_rest(struct scene *scene, enum person person, const struct halves *halves)
{
    scene_say_bytes(scene, person, true,
                    span_skip(span_of(halves->bytes, halves->size), halves->sent));
}

static void a_refusal_may_come_before_the_value(void **state)
{
    for (size_t sent = 25; sent < 28; sent++) {
        struct scene *scene = *state;
        struct said get = {.opcode = MCBP_GET, .opaque = 1, .key = "k", .value = "xyz"};
        struct halves halves = says_half(scene, ANN, &get, sent);
        answers(scene, ANN, 1, GET, .status = MCBP_STATUS_INVALID_ARGUMENTS);
        says_the_rest(scene, ANN, &halves);
        assert_verdict(scene, .identical = 1);
        assert_int_equal(scene_verify(scene)->ledger.unparsed, 0);
        assert_int_equal(scene_verify(scene)->unanswered, 0);
        scene_restart(scene);
    }
}

static void which_need_not_come(void **state)
{
    struct scene *scene = *state;
    struct said get = {.opcode = MCBP_GET, .opaque = 1, .key = "k", .value = "xyz"};
    says_half(scene, ANN, &get, 26);
    answers(scene, ANN, 1, GET, .status = MCBP_STATUS_INVALID_ARGUMENTS);
    server_closes(scene, ANN);
    assert_verdict(scene, .identical = 1);
}

static void but_not_before_the_key(void **state)
{
    struct scene *scene = *state;
    struct said get = {.opcode = MCBP_GET, .opaque = 1, .key = "k", .value = "xyz"};
    says_half(scene, ANN, &get, 24);
    answers(scene, ANN, 1, GET, .status = MCBP_STATUS_INVALID_ARGUMENTS);
    assert_verdict(scene, .different = 1);
}

static void nor_does_a_success_that_needs_the_value(void **state)
{
    struct scene *scene = *state;
    struct said set = {.opcode = MCBP_SET, .opaque = 1, .key = "k", .value = "xyz"};
    struct halves halves = says_half(scene, ANN, &set, 34);
    answers(scene, ANN, 1, SET, .cas = 1);
    says_the_rest(scene, ANN, &halves);
    assert_verdict(scene, .different = 1);
}

static void one_that_does_not_need_it_may_come(void **state)
{
    struct scene *scene = *state;
    struct said touch = {.opcode = MCBP_TOUCH, .opaque = 1, .key = "k", .value = "xyz"};
    struct halves halves = says_half(scene, ANN, &touch, 30);
    answers(scene, ANN, 1, TOUCH, .status = MCBP_STATUS_KEY_NOT_FOUND);
    says_the_rest(scene, ANN, &halves);
    assert_verdict(scene, .identical = 1);
}

static void others_miss_what_a_set_drops_whose_value_is_too_large(void **state)
{
    struct scene *scene = *state;
    char value[256];
    memset(value, 'v', sizeof(value) - 1);
    value[sizeof(value) - 1] = 0;
    struct said set = {.opcode = MCBP_SET, .opaque = 2, .key = "k", .value = value};
    scene->options.item_size_max = 256;
    asks(scene, ANN, 1, SET, .key = "k", .value = "w");
    answers(scene, ANN, 1, SET, .cas = 1);
    struct halves halves = says_half(scene, ANN, &set, 100);
    asks(scene, BOB, 1, GET, .key = "k");
    answers(scene, BOB, 1, GET, .status = MCBP_STATUS_KEY_NOT_FOUND);
    says_the_rest(scene, ANN, &halves);
    answers(scene, ANN, 2, SET, .status = MCBP_STATUS_TOO_LARGE);
    assert_verdict(scene, .identical = 2, .ambiguous = 1);
}

/* The first SET tells that the server has no memory. */
static void others_miss_what_a_set_drops_that_there_is_no_memory_for(void **state)
{
    struct scene *scene = *state;
    struct said set = {.opcode = MCBP_SET, .opaque = 3, .key = "k", .value = "a longer value"};
    asks(scene, ANN, 1, SET, .key = "l", .value = "v");
    answers(scene, ANN, 1, SET, .status = MCBP_STATUS_NO_MEMORY);
    asks(scene, ANN, 2, SET, .key = "k", .value = "w");
    answers(scene, ANN, 2, SET, .cas = 1);
    struct halves halves = says_half(scene, ANN, &set, 40);
    asks(scene, BOB, 1, GET, .key = "k");
    answers(scene, BOB, 1, GET, .status = MCBP_STATUS_KEY_NOT_FOUND);
    says_the_rest(scene, ANN, &halves);
    answers(scene, ANN, 3, SET, .status = MCBP_STATUS_NO_MEMORY);
    assert_verdict(scene, .identical = 2, .adopted = 1, .ambiguous = 1);
}

static void also_if_that_set_is_the_first_without_memory(void **state)
{
    struct scene *scene = *state;
    struct said set = {.opcode = MCBP_SET, .opaque = 3, .key = "k", .value = "a longer value"};
    asks(scene, ANN, 2, SET, .key = "k", .value = "w");
    answers(scene, ANN, 2, SET, .cas = 1);
    struct halves halves = says_half(scene, ANN, &set, 40);
    asks(scene, BOB, 1, DELETE, .key = "k");
    answers(scene, BOB, 1, DELETE, .status = MCBP_STATUS_KEY_NOT_FOUND);
    assert_verdict(scene, .identical = 1, .different = 1);
    says_the_rest(scene, ANN, &halves);
    answers(scene, ANN, 3, SET, .status = MCBP_STATUS_NO_MEMORY);
    assert_verdict(scene, .identical = 1, .adopted = 2);
}

static void what_others_store_behind_that_stays(void **state)
{
    struct scene *scene = *state;
    struct said set = {.opcode = MCBP_SET, .opaque = 3, .key = "k", .value = "a longer value"};
    struct halves halves = says_half(scene, ANN, &set, 40);
    asks(scene, BOB, 1, SET, .key = "k", .value = "w");
    answers(scene, BOB, 1, SET, .cas = 1);
    says_the_rest(scene, ANN, &halves);
    answers(scene, ANN, 3, SET, .status = MCBP_STATUS_NO_MEMORY);
    asks(scene, BOB, 2, GET, .key = "k");
    answers(scene, BOB, 2, GET, .value = "w", .cas = 1);
    assert_verdict(scene, .identical = 1, .adopted = 2);
}

static void but_only_while_its_value_is_on_its_way(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 2, SET, .key = "k", .value = "w");
    answers(scene, ANN, 2, SET, .cas = 1);
    asks(scene, BOB, 1, DELETE, .key = "k");
    answers(scene, BOB, 1, DELETE, .status = MCBP_STATUS_KEY_NOT_FOUND);
    asks(scene, ANN, 3, SET, .key = "k", .value = "a longer value");
    answers(scene, ANN, 3, SET, .status = MCBP_STATUS_NO_MEMORY);
    assert_verdict(scene, .identical = 1, .adopted = 1, .different = 1);
}

static void but_not_what_a_set_replaces_whose_value_is_to_come(void **state)
{
    struct scene *scene = *state;
    struct said set = {.opcode = MCBP_SET, .opaque = 3, .key = "k", .value = "a longer value"};
    asks(scene, ANN, 1, SET, .key = "l", .value = "v");
    answers(scene, ANN, 1, SET, .status = MCBP_STATUS_NO_MEMORY);
    asks(scene, ANN, 2, SET, .key = "k", .value = "w");
    answers(scene, ANN, 2, SET, .cas = 1);
    struct halves halves = says_half(scene, ANN, &set, 40);
    asks(scene, BOB, 1, GET, .key = "k");
    answers(scene, BOB, 1, GET, .value = "a longer value", .cas = 2);
    says_the_rest(scene, ANN, &halves);
    answers(scene, ANN, 3, SET, .cas = 2);
    assert_int_equal(scene_verify(scene)->executed.check.different, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene_test(a_first_segment_may_be_larger_than_64_kib),
        scene_test(a_first_segment_may_be_larger_than_64_kib_over_ipv6),
        scene_test(a_large_segment_in_the_middle_of_a_connection_is_framed),
        scene_test(a_large_segment_is_where_the_capture_begins),
        scene_test(a_connection_whose_sides_both_send_requests_is_no_evidence),
        scene_test(the_reserved_field_of_a_datagram_means_nothing),
        scene_test(tls_may_begin_with_a_hello_of_sslv2),
        scene_test(a_hello_of_sslv2_that_nobody_answers_is_tls),
        scene_test(what_looks_like_a_hello_is_a_request_if_it_is_answered_as_one),
        scene_test(a_broken_answer_to_a_request_with_bad_lengths_is_the_server_s),
        scene_test(records_of_sun_rpc_are_not_mcbp),
        scene_test(frames_without_their_opcodes_form_are_not_mcbp),
        scene_test(requests_from_both_sides_are_no_answers),
        scene_test(answers_from_both_sides_are_no_answers),
        scene_test(an_answer_comes_before_the_first_request_that_was_recorded),
        scene_test(a_servers_side_alone_is_rebuilt),
        scene_test(a_servers_side_alone_may_be_short),
        scene_test(what_looks_like_an_answer_in_a_request_does_not_swap_the_sides),
        cmocka_unit_test(what_clients_and_servers_send_has_a_form),
        scene_test(a_frame_that_a_loss_ends_is_unfinished),
        scene_test(a_frame_that_the_capture_ends_is_unfinished),
        scene_test(bytes_that_are_no_frame_are_skipped),
        scene_test(a_frame_that_may_begin_within_skipped_bytes_is_skipped_if_it_does_not_come),
        scene_test(a_refusal_may_come_before_the_value),
        scene_test(which_need_not_come),
        scene_test(but_not_before_the_key),
        scene_test(nor_does_a_success_that_needs_the_value),
        scene_test(one_that_does_not_need_it_may_come),
        scene_test(others_miss_what_a_set_drops_whose_value_is_too_large),
        scene_test(others_miss_what_a_set_drops_that_there_is_no_memory_for),
        scene_test(also_if_that_set_is_the_first_without_memory),
        scene_test(what_others_store_behind_that_stays),
        scene_test(but_only_while_its_value_is_on_its_way),
        scene_test(but_not_what_a_set_replaces_whose_value_is_to_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
