#include "mcbp/frame_info.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "report/describe.h"
#include "report/frame.h"
#include "report/json_text.h"
#include "report/printable.h"
#include "report/snappy.h"
#include "report/verdict.h"

#include <inttypes.h>
#include <stdlib.h>

static void frame_json_add_number(json_t *object, const char *key, uint64_t number, bool *ok)
{
    json_add(object, key, json_integer((json_int_t)number), ok);
}

static json_t *event_object(const char *event, const char *file, bool *ok)
{
    json_t *object = json_object();
    json_add(object, "event", json_string(event), ok);
    json_add(object, "file", json_of_text(file), ok);
    return object;
}

/* Writes one object on one line, and lets go of it. */
static bool frame_json_write_object(FILE *out, json_t *object, bool ok)
{
    char *text = ok ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    if (text == NULL) {
        return false;
    }
    fprintf(out, "%s\n", text);
    free(text);
    return true;
}

static void add_origin(json_t *object, const struct net_origin *origin, bool *ok)
{
    char time[TIME_TEXT_SIZE];
    frame_json_add_number(object, "packet", origin->packet, ok);
    json_add(object, "time", json_string(time_text(origin->time, 9, time)), ok);
}

static void add_endpoints(json_t *object, const struct dissect_conversation *conversation, bool *ok)
{
    char text[NET_ENDPOINT_TEXT_SIZE];
    json_add(object, "client", json_string(net_endpoint_text(&conversation->client, text)), ok);
    json_add(object, "server", json_string(net_endpoint_text(&conversation->server, text)), ok);
}

static void add_header(json_t *object, const struct mcbp_header *header, bool couchbase, bool *ok)
{
    char text[MCBP_OPCODE_TEXT_SIZE];
    char status[MCBP_STATUS_TEXT_SIZE];
    char cas[NUMBER_TEXT_SIZE];
    frame_json_add_number(object, "magic", header->magic, ok);
    json_add(object, "opcode",
             json_string(couchbase ? mcbp_opcode_couchbase_text(header->magic, header->opcode, text)
                                   : mcbp_opcode_text(header->magic, header->opcode, text)),
             ok);
    frame_json_add_number(object, "opcode_number", header->opcode, ok);
    frame_json_add_number(object, "opaque", header->opaque, ok);
    if (mcbp_magic_is_response(header->magic)) {
        json_add(object, "status", json_string(mcbp_status_text(header->vbucket_or_status, status)),
                 ok);
        frame_json_add_number(object, "status_number", header->vbucket_or_status, ok);
    } else {
        frame_json_add_number(object, "vbucket", header->vbucket_or_status, ok);
    }
    frame_json_add_number(object, "datatype", header->datatype, ok);
    /* As text: readers of JSON that know only floating point would round it. */
    snprintf(cas, sizeof(cas), "%" PRIu64, header->cas);
    json_add(object, "cas", json_string(cas), ok);
    frame_json_add_number(object, "body_length", header->body_length, ok);
}

static json_t *json_of_frame_infos(struct span framing_extras, bool *ok)
{
    json_t *array = json_array();
    struct mcbp_frame_info info;
    while (mcbp_frame_info_next(&framing_extras, &info)) {
        json_t *one = json_object();
        frame_json_add_number(one, "id", info.id, ok);
        json_add(one, "hex", json_of_hex(info.value), ok);
        *ok = json_array_append_new(array, one) == 0 && *ok;
    }
    return array;
}

static void add_key(json_t *object, const struct mcbp_frame *frame,
                    const mcbp_feature_set *couchbase, bool *ok)
{
    struct mcbp_collection_key split = {.key = frame->key};
    if (couchbase != NULL && describe_collection(frame, *couchbase, &split)) {
        frame_json_add_number(object, "collection", split.collection, ok);
    }
    json_add(object, "key", json_of_bytes(split.key), ok);
    json_add(object, "key_hex", json_of_hex(split.key), ok);
}

/* What is told of Couchbase's dialect. */
static void add_fields(json_t *object, const struct mcbp_frame *frame, mcbp_feature_set features,
                       bool *ok)
{
    struct fields fields;
    json_t *described = json_object();
    fields_json_init(&fields, described);
    describe_frame(&fields, frame, features);
    json_add(object, "fields", described, ok);
    *ok = *ok && !fields.failed;
}

static void add_body(json_t *object, const struct mcbp_frame *frame,
                     const mcbp_feature_set *couchbase, bool *ok)
{
    size_t size = frame->value.size < FRAME_PREVIEW ? frame->value.size : FRAME_PREVIEW;
    struct span preview = span_head(frame->value, size);
    json_add(object, "framing_extras_hex", json_of_hex(frame->framing_extras), ok);
    json_add(object, "frame_infos", json_of_frame_infos(frame->framing_extras, ok), ok);
    json_add(object, "extras_hex", json_of_hex(frame->extras), ok);
    add_key(object, frame, couchbase, ok);
    frame_json_add_number(object, "value_size", frame->value.size, ok);
    json_add(object, "value_begin", json_of_bytes(preview), ok);
    json_add(object, "value_begin_hex", json_of_hex(preview), ok);
    if (couchbase != NULL) {
        add_fields(object, frame, *couchbase, ok);
    }
}

static void add_inflated(json_t *object, const struct dissect_frame *frame, bool *ok)
{
    size_t size;
    uint8_t *inflated = frame->bad_lengths ? NULL : report_inflate_value(&frame->frame, &size);
    if (inflated != NULL) {
        json_add(object, "inflated_hex", json_of_hex(span_of(inflated, size)), ok);
    }
    free(inflated);
}

static void frame_json_add_frame(json_t *object, const struct frame_line *line, bool *ok)
{
    const struct dissect_frame *frame = line->frame;
    add_origin(object, &frame->origin, ok);
    add_endpoints(object, line->conversation, ok);
    json_add(object, "from", json_string(frame_role_name(frame->role)), ok);
    add_header(object, &frame->frame.header, line->couchbase != NULL, ok);
    json_add(object, "udp_request",
             frame->request_id < 0 ? json_null() : json_integer(frame->request_id), ok);
    json_add(object, "bad_lengths", json_boolean(frame->bad_lengths), ok);
    if (!frame->bad_lengths) {
        add_body(object, &frame->frame, line->couchbase, ok);
    }
    if (line->hex) {
        json_add(object, "hex", json_of_hex(frame->frame.bytes), ok);
        if (line->couchbase != NULL) {
            add_inflated(object, frame, ok);
        }
    }
}

static void add_connection(json_t *object, const struct dissect_conversation *conversation,
                           bool *ok)
{
    const char *protocol = conversation->protocol == NET_UDP ? "udp" : "tcp";
    json_add(object, "protocol", json_string(protocol), ok);
    add_endpoints(object, conversation, ok);
    json_add(object, "start_recorded", json_boolean(conversation->from_start), ok);
}

static bool frame_json_write_line(FILE *out, const struct frame_line *line)
{
    static const char *const events[] = {
        [EVENT_CONNECTION] = "connection", [EVENT_FRAME] = "frame", [EVENT_LOST] = "lost",
        [EVENT_MALFORMED] = "malformed",   [EVENT_END] = "end",     [EVENT_CLOSED] = "closed"};
    bool ok = true;
    json_t *object = event_object(events[line->event], line->file, &ok);
    frame_json_add_number(object, "connection", line->conversation->id, &ok);
    switch (line->event) {
    case EVENT_CONNECTION:
        add_connection(object, line->conversation, &ok);
        break;
    case EVENT_FRAME:
        frame_json_add_frame(object, line, &ok);
        break;
    case EVENT_MALFORMED:
        add_origin(object, line->origin, &ok);
        json_add(object, "from", json_string("server"), &ok);
        json_add(object, "hex",
                 json_of_hex(line->bytes.size < FRAME_PREVIEW
                                 ? line->bytes
                                 : span_head(line->bytes, FRAME_PREVIEW)),
                 &ok);
        break;
    case EVENT_LOST:
    case EVENT_END:
        json_add(object, "from", json_string(frame_role_name(line->role)), &ok);
        break;
    case EVENT_CLOSED:
        break;
    }
    return frame_json_write_object(out, object, ok);
}

static bool frame_json_write_begin(FILE *out, const char *file)
{
    bool ok = true;
    json_t *object = event_object("capture", file, &ok);
    return frame_json_write_object(out, object, ok);
}

static bool frame_json_write_end(FILE *out, const struct capture_result *capture)
{
    bool ok = true;
    const struct ledger *ledger = &capture->ledger;
    json_t *object = event_object("total", capture->path, &ok);
    frame_json_add_number(object, "packets", capture->packets, &ok);
    frame_json_add_number(object, "connections", capture->connections, &ok);
    frame_json_add_number(object, "client_frames", capture->client_frames, &ok);
    frame_json_add_number(object, "server_frames", capture->server_frames, &ok);
    frame_json_add_number(object, "bytes", ledger->total, &ok);
    frame_json_add_number(object, "duplicate", ledger->duplicate, &ok);
    frame_json_add_number(object, "unparsed", ledger->unparsed, &ok);
    frame_json_add_number(object, "not_mcbp", ledger->not_mcbp, &ok);
    frame_json_add_number(object, "lost_bytes", ledger->lost, &ok);
    frame_json_add_number(object, "dropped_packets", capture->dropped, &ok);
    frame_json_add_number(object, "status", capture->status, &ok);
    json_add(object, "problem", json_of_text(capture->problem), &ok);
    return frame_json_write_object(out, object, ok);
}

const struct frame_printer frame_json_printer = {
    .line = frame_json_write_line, .begin = frame_json_write_begin, .end = frame_json_write_end};
