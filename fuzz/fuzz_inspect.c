/*
 * A capture through what inspect prints, each frame as one of either dialect. Text is lines without
 * control characters, JSON is JSON with the numbers of the frame; the totals are those that verify
 * counts. Credentials show nowhere: a frame of SASL is printed as one whose credentials are others.
 */
#include "mcbp/opcode.h"
#include "memory_file.h"
#include "replay/verify.h"
#include "report/frame.h"
#include "target.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static struct memory_file input;
static struct verify_result verified; /* made once */
static uint64_t frames_printed;

void fuzz_begin(void)
{
    CHECK(verify_result_init(&verified, 1, 0, 0));
}

struct text {
    char *bytes;
    size_t size;
};

static struct text print(const struct frame_printer *printer, const struct frame_line *line)
{
    struct text text = {0};
    FILE *out = open_memstream(&text.bytes, &text.size);
    CHECK(out != NULL && frame_print(printer, out, line));
    CHECK(fclose(out) == 0);
    return text;
}

UNCOUNTED static void check_text(const struct text *text, bool hex)
{
    size_t lines = 0;
    CHECK(text->size > 0 && text->bytes[text->size - 1] == '\n');
    for (size_t i = 0; i < text->size; i++) {
        lines += text->bytes[i] == '\n';
        CHECK(text->bytes[i] == '\n' || (unsigned char)text->bytes[i] >= 0x20);
    }
    CHECK(hex || lines == 1);
}

static bool is_number(const json_t *object, const char *name, uint64_t number)
{
    return json_integer_value(json_object_get(object, name)) == (json_int_t)number;
}

UNCOUNTED static void check_json(const struct text *text, const struct frame_line *line)
{
    json_error_t error;
    json_t *root =
        json_loadb(text->bytes, text->size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    CHECK(root != NULL && is_number(root, "connection", line->conversation->id));
    if (line->event == EVENT_FRAME) {
        const struct mcbp_frame *frame = &line->frame->frame;
        char cas[24];
        snprintf(cas, sizeof(cas), "%" PRIu64, frame->header.cas);
        CHECK(is_number(root, "opcode_number", frame->header.opcode));
        CHECK(is_number(root, "opaque", frame->header.opaque));
        CHECK(is_number(root, "body_length", frame->header.body_length));
        CHECK(strcmp(json_string_value(json_object_get(root, "cas")), cas) == 0);
        CHECK(line->frame->bad_lengths || is_number(root, "value_size", frame->value.size));
    }
    json_decref(root);
}

/* ------------------------------------------------------------------------------- credentials */

static bool is_sasl(const struct frame_line *line)
{
    const struct mcbp_header *header = &line->frame->frame.header;
    return header->magic != MCBP_SERVER_REQUEST && header->magic != MCBP_SERVER_RESPONSE &&
           (header->opcode == MCBP_SASL_AUTH || header->opcode == MCBP_SASL_STEP);
}

/* The same line, but every byte of the frame's value is another. */
UNCOUNTED static void check_hidden(const struct frame_printer *printer,
                                   const struct frame_line *line, const struct text *text)
{
    struct span bytes = line->frame->frame.bytes;
    struct dissect_frame changed = *line->frame;
    struct frame_line other = *line;
    uint8_t *copy = malloc(bytes.size);
    CHECK(copy != NULL);
    memcpy(copy, bytes.data, bytes.size);
    changed.frame = mcbp_frame_in_copy(&line->frame->frame, copy);
    for (size_t i = bytes.size - changed.frame.value.size; i < bytes.size; i++) {
        copy[i] ^= 0xff;
    }
    other.frame = &changed;
    struct text again = print(printer, &other);
    CHECK(again.size == text->size && memcmp(again.bytes, text->bytes, again.size) == 0);
    free(again.bytes);
    free(copy);
}

/* ------------------------------------------------------------------------------------- lines */

static void check_line(struct frame_line line)
{
    static const mcbp_feature_set collections = UINT64_C(1) << MCBP_FEATURE_COLLECTIONS;
    for (unsigned i = 0; i < 3; i++) {
        line.file = "input";
        line.hex = i == 1;
        line.couchbase = i == 2 ? &collections : NULL;
        struct text text = print(&frame_text_printer, &line);
        struct text json = print(&frame_json_printer, &line);
        check_text(&text, line.hex);
        check_json(&json, &line);
        if (line.event == EVENT_FRAME && is_sasl(&line)) {
            check_hidden(&frame_text_printer, &line, &text);
            check_hidden(&frame_json_printer, &line, &json);
        }
        free(text.bytes);
        free(json.bytes);
    }
}

static void on_frame(void *context, struct dissect_conversation *conversation,
                     const struct dissect_frame *frame)
{
    (void)context;
    frames_printed += !frame->bad_lengths; /* such a header is unparsed in the ledger */
    check_line(
        (struct frame_line){.event = EVENT_FRAME, .conversation = conversation, .frame = frame});
}

static void on_lost(void *context, struct dissect_conversation *conversation,
                    enum dissect_role role, uint64_t missing)
{
    (void)context;
    (void)missing;
    check_line(
        (struct frame_line){.event = EVENT_LOST, .conversation = conversation, .role = role});
}

static void on_malformed(void *context, struct dissect_conversation *conversation,
                         struct span bytes, const struct net_origin *origin)
{
    (void)context;
    check_line((struct frame_line){
        .event = EVENT_MALFORMED, .conversation = conversation, .bytes = bytes, .origin = origin});
}

static void on_end(void *context, struct dissect_conversation *conversation, enum dissect_role role)
{
    (void)context;
    check_line((struct frame_line){.event = EVENT_END, .conversation = conversation, .role = role});
}

static void on_closed(void *context, struct dissect_conversation *conversation)
{
    (void)context;
    check_line((struct frame_line){.event = EVENT_CONNECTION, .conversation = conversation});
    check_line((struct frame_line){.event = EVENT_CLOSED, .conversation = conversation});
}

/* ------------------------------------------------------------------------------------- totals */

static void forget(struct capture_result *capture)
{
    capture_result_deinit(capture);
    *capture = (struct capture_result){0};
}

UNCOUNTED static void check_totals(const struct capture_result *inspected,
                                   const struct capture_result *verdict)
{
    CHECK(inspected->client_frames + inspected->server_frames == frames_printed);
    CHECK(inspected->client_frames == verdict->client_frames);
    CHECK(inspected->server_frames == verdict->server_frames);
    CHECK(inspected->packets == verdict->packets);
    CHECK(inspected->connections == verdict->connections);
    CHECK(memcmp(&inspected->ledger, &verdict->ledger, sizeof(verdict->ledger)) == 0);
    CHECK(ledger_adds_up(&inspected->ledger));
}

void fuzz_target(const uint8_t *data, size_t size)
{
    struct capture_result inspected = {0};
    struct verify_options options;
    struct dissect_consumer consumer = {
        .frame = on_frame,
        .lost = on_lost,
        .malformed = on_malformed,
        .end = on_end,
        .closed = on_closed,
    };
    const char *path = memory_file_open(&input, span_of(data, size));
    verify_options_init(&options);
    options.dissect.held_bytes_max = 1 << 20;
    options.dissect.conversations_max = 64;
    inspected = (struct capture_result){.path = path};
    frames_printed = 0;
    dissect_capture(path, &options.dissect, &consumer, &inspected);
    verify_capture(path, &options, &verified);
    check_totals(&inspected, &verified.captures[0]);
    forget(&inspected);
    forget(&verified.captures[0]);
    verified.captures_count = 0;
}
