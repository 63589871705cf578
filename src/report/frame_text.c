#include "mcbp/frame_info.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "report/describe.h"
#include "report/frame.h"
#include "report/printable.h"
#include "report/snappy.h"

#include <inttypes.h>
#include <stdlib.h>

enum { ROW_BYTES = 16 };

const char *frame_role_name(enum dissect_role role)
{
    return role == FROM_CLIENT ? "client" : "server";
}

static void write_hex(FILE *out, struct span bytes)
{
    for (size_t i = 0; i < bytes.size; i++) {
        fprintf(out, "%02x", bytes.data[i]);
    }
}

/* frame-info=0:0001,2:ff; the rest that is no frame info as it is. */
static void write_frame_infos(FILE *out, struct span framing_extras)
{
    struct span rest = framing_extras;
    struct mcbp_frame_info info;
    const char *before = " frame-info=";
    while (mcbp_frame_info_next(&rest, &info)) {
        fprintf(out, "%s%u:", before, info.id);
        write_hex(out, info.value);
        before = ",";
    }
    if (rest.size > 0) {
        fputs(" framing-extras-rest=", out);
        write_hex(out, rest);
    }
}

static void write_header(FILE *out, const struct mcbp_header *header, bool couchbase)
{
    char text[MCBP_OPCODE_TEXT_SIZE];
    char status[MCBP_STATUS_TEXT_SIZE];
    fprintf(out, "%s magic=0x%02x opaque=0x%08" PRIx32,
            couchbase ? mcbp_opcode_couchbase_text(header->magic, header->opcode, text)
                      : mcbp_opcode_text(header->magic, header->opcode, text),
            header->magic, header->opaque);
    if (mcbp_magic_is_response(header->magic)) {
        fprintf(out, " status=%s", mcbp_status_text(header->vbucket_or_status, status));
    } else {
        fprintf(out, " vbucket=%u", header->vbucket_or_status);
    }
    fprintf(out, " datatype=0x%02x cas=%" PRIu64 " body=%" PRIu32, header->datatype, header->cas,
            header->body_length);
}

/* collection=0x8 key="...", or without the former where keys have none. */
static void write_key(FILE *out, const struct mcbp_frame *frame, const mcbp_feature_set *couchbase)
{
    struct mcbp_collection_key split = {.key = frame->key};
    if (couchbase != NULL && describe_collection(frame, *couchbase, &split)) {
        fprintf(out, " collection=0x%" PRIx32, split.collection);
    }
    fputs(" key=\"", out);
    printable_write(out, split.key);
    fputc('"', out);
}

static void write_body(FILE *out, const struct mcbp_frame *frame, const mcbp_feature_set *couchbase)
{
    write_frame_infos(out, frame->framing_extras);
    if (frame->extras.size > 0) {
        fputs(" extras=", out);
        write_hex(out, frame->extras);
    }
    if (frame->key.size > 0) {
        write_key(out, frame, couchbase);
    }
    if (frame->value.size > 0) {
        bool cut = frame->value.size > FRAME_PREVIEW;
        fprintf(out, " value=%zu:\"", frame->value.size);
        printable_write(out, cut ? span_head(frame->value, FRAME_PREVIEW) : frame->value);
        fputs(cut ? "\"..." : "\"", out);
    }
    if (couchbase != NULL) {
        struct fields fields;
        fields_text_init(&fields, out);
        describe_frame(&fields, frame, *couchbase);
    }
}

static void write_dump(FILE *out, struct span bytes)
{
    for (size_t row = 0; row < bytes.size; row += ROW_BYTES) {
        fprintf(out, "    +%-6zu", row);
        for (size_t i = row; i < row + ROW_BYTES; i++) {
            fputs(i == row + ROW_BYTES / 2 ? "  " : " ", out);
            if (i < bytes.size) {
                fprintf(out, "%02x", bytes.data[i]);
            } else {
                fputs("  ", out);
            }
        }
        fputs("  |", out);
        for (size_t i = row; i < row + ROW_BYTES && i < bytes.size; i++) {
            fputc(bytes.data[i] >= 0x20 && bytes.data[i] < 0x7f ? bytes.data[i] : '.', out);
        }
        fputs("|\n", out);
    }
}

/* What the value was compressed from. */
static void write_inflated(FILE *out, const struct dissect_frame *frame)
{
    size_t size;
    uint8_t *inflated = frame->bad_lengths ? NULL : report_inflate_value(&frame->frame, &size);
    if (inflated != NULL) {
        fputs("    inflated\n", out);
        write_dump(out, span_of(inflated, size));
    }
    free(inflated);
}

static void write_frame(FILE *out, const struct frame_line *line)
{
    const struct dissect_frame *frame = line->frame;
    char time[TIME_TEXT_SIZE];
    fprintf(out, "%" PRIu64 " %s conn=%" PRIu64 " %c ", frame->origin.packet,
            time_text(frame->origin.time, 6, time), line->conversation->id,
            frame->role == FROM_CLIENT ? '>' : '<');
    write_header(out, &frame->frame.header, line->couchbase != NULL);
    if (frame->request_id >= 0) {
        fprintf(out, " udp-request=%" PRId32, frame->request_id);
    }
    if (frame->bad_lengths) {
        fputs(" bad-lengths", out);
    } else {
        write_body(out, &frame->frame, line->couchbase);
    }
    fputc('\n', out);
    if (line->hex) {
        write_dump(out, frame->frame.bytes);
        if (line->couchbase != NULL) {
            write_inflated(out, frame);
        }
    }
}

static void write_connection(FILE *out, const struct dissect_conversation *conversation)
{
    char client[NET_ENDPOINT_TEXT_SIZE];
    char server[NET_ENDPOINT_TEXT_SIZE];
    fprintf(out, " %s client=%s server=%s start=%s\n",
            conversation->protocol == NET_UDP ? "udp" : "tcp",
            net_endpoint_text(&conversation->client, client),
            net_endpoint_text(&conversation->server, server),
            conversation->from_start ? "recorded" : "not-recorded");
}

static void write_malformed(FILE *out, const struct frame_line *line)
{
    char time[TIME_TEXT_SIZE];
    bool cut = line->bytes.size > FRAME_PREVIEW;
    fprintf(out, " malformed from=server packet=%" PRIu64 " time=%s bytes=", line->origin->packet,
            time_text(line->origin->time, 6, time));
    write_hex(out, cut ? span_head(line->bytes, FRAME_PREVIEW) : line->bytes);
    fputs(cut ? "...\n" : "\n", out);
}

static bool frame_text_write_line(FILE *out, const struct frame_line *line)
{
    if (line->event == EVENT_FRAME) {
        write_frame(out, line);
        return true;
    }
    fprintf(out, "# conn=%" PRIu64, line->conversation->id);
    switch (line->event) {
    case EVENT_CONNECTION:
        write_connection(out, line->conversation);
        break;
    case EVENT_MALFORMED:
        write_malformed(out, line);
        break;
    case EVENT_LOST:
        fprintf(out, " lost from=%s\n", frame_role_name(line->role));
        break;
    case EVENT_END:
        fprintf(out, " end from=%s\n", frame_role_name(line->role));
        break;
    case EVENT_CLOSED:
    case EVENT_FRAME:
        fputs(" closed\n", out);
        break;
    }
    return true;
}

static bool frame_text_write_begin(FILE *out, const char *file)
{
    fputs("# capture ", out);
    printable_write_text(out, file);
    fputc('\n', out);
    return true;
}

static bool frame_text_write_end(FILE *out, const struct capture_result *capture)
{
    const struct ledger *ledger = &capture->ledger;
    fprintf(out, "# total packets=%" PRIu64 " connections=%" PRIu64 " client-frames=%" PRIu64,
            capture->packets, capture->connections, capture->client_frames);
    fprintf(out, " server-frames=%" PRIu64 " bytes=%" PRIu64 " duplicate=%" PRIu64,
            capture->server_frames, ledger->total, ledger->duplicate);
    fprintf(out, " unparsed=%" PRIu64 " not-mcbp=%" PRIu64 " lost=%" PRIu64, ledger->unparsed,
            ledger->not_mcbp, ledger->lost);
    fprintf(out, " dropped-packets=%" PRIu64 "\n", capture->dropped);
    return true;
}

const struct frame_printer frame_text_printer = {
    .line = frame_text_write_line, .begin = frame_text_write_begin, .end = frame_text_write_end};
