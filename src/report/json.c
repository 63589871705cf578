#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "report/json_live.h"
#include "report/json_text.h"
#include "report/printable.h"
#include "report/report.h"
#include "report/verdict.h"

#include <stdlib.h>

/* ------------------------------------------------------------------------------------- counts */

static json_t *json_of_check(const struct check_counts *check, bool *ok)
{
    json_t *object = json_object();
    json_add_count(object, "compared", check->compared, ok);
    json_add_count(object, "identical", check->identical, ok);
    json_add_count(object, "different", check->different, ok);
    return object;
}

static json_t *json_of_executed(const struct executed_counts *executed, bool *ok)
{
    json_t *object = json_of_check(&executed->check, ok);
    json_add_count(object, "adopted", executed->adopted, ok);
    json_add_count(object, "not_executed", executed->not_executed, ok);
    json_add_count(object, "ambiguous", executed->ambiguous, ok);
    json_add_count(object, "missing", executed->missing, ok);
    json_add_count(object, "malformed", executed->malformed, ok);
    json_add_count(object, "undecided", executed->undecided, ok);
    return object;
}

static json_t *json_of_ledger(const struct ledger *ledger, bool *ok)
{
    json_t *object = json_object();
    json_add_count(object, "client_frames", ledger->client_frames, ok);
    json_add_count(object, "server_frames", ledger->server_frames, ok);
    json_add_count(object, "duplicate", ledger->duplicate, ok);
    json_add_count(object, "unparsed", ledger->unparsed, ok);
    json_add_count(object, "not_mcbp", ledger->not_mcbp, ok);
    json_add_count(object, "memcached_text", ledger->memcached_text, ok);
    json_add_count(object, "tls", ledger->tls, ok);
    json_add_count(object, "other", ledger->other, ok);
    json_add_count(object, "total", ledger->total, ok);
    return object;
}

static json_t *json_of_statuses(const struct opcode_counts *counts, bool *ok)
{
    json_t *object = json_object();
    for (size_t i = 0; i < counts->statuses_count; i++) {
        char text[MCBP_STATUS_TEXT_SIZE];
        json_add_count(object, mcbp_status_text(counts->statuses[i].status, text),
                       counts->statuses[i].count, ok);
    }
    if (counts->other_statuses > 0) {
        json_add_count(object, "other", counts->other_statuses, ok);
    }
    return object;
}

static json_t *json_of_opcodes(const struct opcode_table *opcodes, bool server, bool *ok)
{
    json_t *object = json_object();
    uint8_t magic = server ? MCBP_SERVER_REQUEST : MCBP_CLIENT_REQUEST;
    for (unsigned i = 0; i < 256; i++) {
        char text[MCBP_OPCODE_TEXT_SIZE];
        const struct opcode_counts *counts = opcode_table_find(opcodes, server, (uint8_t)i);
        if (counts == NULL || (counts->requests == 0 && counts->responses == 0)) {
            continue;
        }
        json_t *one = json_object();
        json_add_count(one, "requests", counts->requests, ok);
        json_add_count(one, "responses", counts->responses, ok);
        json_add_count(one, "not_executed", counts->not_executed, ok);
        json_add(one, "statuses", json_of_statuses(counts, ok), ok);
        json_add(object, mcbp_opcode_text(magic, (uint8_t)i, text), one, ok);
    }
    return object;
}

static json_t *json_of_undecided_keys(const struct undecided_keys *keys, bool *ok)
{
    json_t *array = json_array();
    for (size_t i = 0; i < keys->count; i++) {
        struct span key = span_of(keys->keys[i].bytes, keys->keys[i].size);
        json_t *object = json_object();
        json_add(object, "key", json_of_bytes(key), ok);
        json_add(object, "key_hex", json_of_hex(key), ok);
        *ok = json_array_append_new(array, object) == 0 && *ok;
    }
    return array;
}

/* The checks of verify, or that of replay. */
static void json_add_checks(json_t *object, const struct report *report,
                            const struct capture_result *capture, bool *ok)
{
    if (report->live != NULL) {
        json_add(object, "replayed", json_of_live(&capture->live, ok), ok);
    } else {
        json_add_count(object, "servers", capture->servers, ok);
        json_add(object, "rebuilt", json_of_check(&capture->rebuilt, ok), ok);
        json_add(object, "executed", json_of_executed(&capture->executed, ok), ok);
        json_add(object, "undecided_keys", json_of_undecided_keys(&capture->undecided_keys, ok),
                 ok);
    }
}

static json_t *json_of_races(const uint64_t races[RACES], bool *ok)
{
    json_t *object = json_object();
    json_add_count(object, "lost_add", races[RACE_LOST_ADD], ok);
    json_add_count(object, "next_cas", races[RACE_NEXT_CAS], ok);
    json_add_count(object, "numbered_early", races[RACE_NUMBERED_EARLY], ok);
    return object;
}

/* What captures and the totals have in common. */
static void add_counts(json_t *object, const struct report *report,
                       const struct capture_result *capture, bool *ok)
{
    json_add_count(object, "packets", capture->packets, ok);
    json_add_count(object, "connections", capture->connections, ok);
    json_add_count(object, "client_frames", capture->client_frames, ok);
    json_add_count(object, "server_frames", capture->server_frames, ok);
    json_add_checks(object, report, capture, ok);
    json_add(object, "ledger", json_of_ledger(&capture->ledger, ok), ok);
    json_add_count(object, "lost_bytes", capture->ledger.lost, ok);
    json_add_count(object, "contradicting_bytes", capture->ledger.contradicting, ok);
    json_add_count(object, "dropped_packets", capture->dropped, ok);
    json_add(object, "truncated", json_boolean(capture->truncated), ok);
    json_add_count(object, "unanswered", capture->unanswered, ok);
    json_add_count(object, "midstream_connections", capture->midstream, ok);
    json_add_count(object, "skipped_bytes", capture->skipped, ok);
    json_add_count(object, "cas_adopted", capture->cas_adopted, ok);
    json_add_count(object, "durations_unchecked", capture->durations_unchecked, ok);
    json_add_count(object, "recompressed", capture->recompressed, ok);
    json_add(object, "races", json_of_races(capture->races, ok), ok);
    json_add_count(object, "evictions", capture->evictions, ok);
    json_add_count(object, "expired", capture->expired, ok);
    json_add_count(object, "restarts", capture->restarts, ok);
    json_add_count(object, "out_of_memory", capture->out_of_memory, ok);
    json_add(object, "opcodes", json_of_opcodes(&capture->opcodes, false, ok), ok);
    json_add(object, "server_opcodes", json_of_opcodes(&capture->opcodes, true, ok), ok);
    json_add_count(object, "differences_found", verdict_differences(capture), ok);
    json_add(object, "status", json_integer(capture->status), ok);
    json_add(object, "verdict", json_string(verdict_name(capture)), ok);
}

/* -------------------------------------------------------------------------------- differences */

static json_t *json_of_excerpt(const struct excerpt *excerpt, bool *ok)
{
    if (excerpt->frame_size == 0) {
        return json_null();
    }
    json_t *object = json_object();
    json_add_count(object, "frame_size", excerpt->frame_size, ok);
    json_add_count(object, "offset", excerpt->offset, ok);
    json_add(object, "hex", json_of_hex(span_of(excerpt->bytes, excerpt->size)), ok);
    return object;
}

static json_t *json_of_endpoint(const struct net_endpoint *endpoint)
{
    char text[NET_ENDPOINT_TEXT_SIZE];
    return json_string(net_endpoint_text(endpoint, text));
}

static json_t *json_of_request(const struct difference *difference, bool *ok)
{
    char opcode[MCBP_OPCODE_TEXT_SIZE];
    struct span key = span_of(difference->key, difference->key_size);
    if (difference->request_packet == 0) {
        return json_null();
    }
    json_t *object = json_object();
    json_add_count(object, "packet", difference->request_packet, ok);
    json_add(object, "opcode",
             json_string(
                 mcbp_opcode_text(difference->request_magic, difference->request_opcode, opcode)),
             ok);
    json_add_count(object, "opaque", difference->request_opaque, ok);
    json_add(object, "key", json_of_bytes(key), ok);
    json_add(object, "key_hex", json_of_hex(key), ok);
    return object;
}

static void json_add_frame(json_t *object, const struct difference *difference, bool *ok)
{
    char opcode[MCBP_OPCODE_TEXT_SIZE];
    char status[MCBP_STATUS_TEXT_SIZE];
    json_add_count(object, "magic", difference->magic, ok);
    json_add(object, "opcode",
             json_string(mcbp_opcode_text(difference->magic, difference->opcode, opcode)), ok);
    json_add(object, "status",
             mcbp_magic_is_response(difference->magic)
                 ? json_string(mcbp_status_text(difference->status, status))
                 : json_null(),
             ok);
    json_add_count(object, "opaque", difference->opaque, ok);
    json_add(object, "request", json_of_request(difference, ok), ok);
}

static json_t *json_of_difference(const struct difference *difference, bool *ok)
{
    char time[TIME_TEXT_SIZE];
    bool has_field = difference->field[0] != '\0';
    json_t *object = json_object();
    json_add(object, "check", json_string(verdict_check_name(difference->check)), ok);
    json_add(object, "kind", json_string(difference_kind_text(difference->kind)), ok);
    json_add_count(object, "packet", difference->packet, ok);
    json_add(object, "time", json_string(time_text(difference->time, 9, time)), ok);
    json_add_count(object, "connection", difference->connection, ok);
    json_add(object, "client", json_of_endpoint(&difference->client), ok);
    json_add(object, "server", json_of_endpoint(&difference->server), ok);
    json_add_frame(object, difference, ok);
    json_add(object, "field", has_field ? json_of_text(difference->field) : json_null(), ok);
    json_add(object, "field_offset",
             has_field ? json_integer((json_int_t)difference->field_offset) : json_null(), ok);
    json_add(object, "detail",
             difference->detail[0] == '\0' ? json_null() : json_of_text(difference->detail), ok);
    json_add(object, "reference", json_of_excerpt(&difference->reference, ok), ok);
    json_add(object, "built", json_of_excerpt(&difference->built, ok), ok);
    return object;
}

/* ---------------------------------------------------------------------------------- the whole */

static json_t *json_of_capture(const struct report *report, const struct capture_result *capture,
                               bool *ok)
{
    const struct verify_result *result = report->result;
    json_t *object = json_object();
    json_t *differences = json_array();
    json_add(object, "file", json_of_text(capture->path), ok);
    add_counts(object, report, capture, ok);
    json_add(object, "problem", json_of_text(capture->problem), ok);
    for (size_t i = 0; i < result->differences_count; i++) {
        /* By identity: the same path may have been named twice. */
        if (result->differences[i].capture == capture->path) {
            json_t *one = json_of_difference(&result->differences[i], ok);
            *ok = json_array_append_new(differences, one) == 0 && *ok;
        }
    }
    json_add(object, "differences", differences, ok);
    return object;
}

static json_t *json_of_masks(const struct report *report, bool *ok)
{
    const struct mask_list *masks = &report->options->masks;
    json_t *array = json_array();
    for (size_t i = 0; i < masks->count; i++) {
        char text[MASK_TEXT_SIZE];
        json_t *one = json_object();
        json_add(one, "mask", json_string(mask_print(&masks->masks[i], text)), ok);
        json_add_count(one, "frames", report->result->mask_hits[i], ok);
        *ok = json_array_append_new(array, one) == 0 && *ok;
    }
    return array;
}

static void add_construct(json_t *object, const struct report *report, bool *ok)
{
    const struct verify_options *options = report->options;
    json_add(object, "writer", json_string(options->construct.writer->name), ok);
    json_add(object, "reference", json_string(verdict_reference(report)), ok);
    json_add(object, "state", json_string(options->cold ? "cold" : "adopt"), ok);
    json_add(object, "hostile_seed",
             options->construct.hostile ? json_integer((json_int_t)options->construct.seed)
                                        : json_null(),
             ok);
}

static json_t *json_of_settings(const struct report *report, bool *ok)
{
    const struct verify_options *options = report->options;
    json_t *object = json_object();
    bool live = report->live != NULL;
    if (live) {
        json_add_live_settings(object, report, ok);
    } else {
        add_construct(object, report, ok);
    }
    json_add(object, "masks", json_of_masks(report, ok), ok);
    if (!live) {
        json_add(object, "allow_eviction", json_boolean(options->allow_eviction), ok);
        json_add(object, "one_server", json_boolean(options->one_server), ok);
        json_add_count(object, "item_size_max", options->item_size_max, ok);
    }
    json_add_count(object, "require_compared", options->require_compared, ok);
    if (!live) {
        json_add_count(object, "require_executed", options->require_executed, ok);
        json_add_count(object, "max_undecided", options->max_undecided, ok);
    }
    json_add(object, "max_loss",
             options->max_loss == UINT64_MAX ? json_string("any")
                                             : json_integer((json_int_t)options->max_loss),
             ok);
    json_add(object, "port",
             options->dissect.port == 0 ? json_null() : json_integer(options->dissect.port), ok);
    json_add(object, "filter", json_of_text(options->dissect.filter), ok);
    return object;
}

/* What stands before the captures. */
static json_t *json_of_head(const struct report *report, bool *ok)
{
    json_t *head = json_object();
    bool live = report->live != NULL;
    json_add(head, "schema", json_string(live ? "kvreplay-replay-1" : "kvreplay-verify-1"), ok);
    json_add(head, "settings", json_of_settings(report, ok), ok);
    return head;
}

static json_t *json_of_tail(const struct report *report, bool *ok)
{
    const struct verify_result *result = report->result;
    json_t *tail = json_object();
    json_t *totals = json_object();
    add_counts(totals, report, &result->totals, ok);
    json_add(tail, "totals", totals, ok);
    if (report->live != NULL) {
        json_add(tail, "performance", json_of_outcome(report->outcome, ok), ok);
    }
    json_add(tail, "interrupted", json_boolean(result->interrupted), ok);
    json_add(tail, "status", json_integer(result->status), ok);
    json_add(tail, "verdict", json_string(verdict_name(&result->totals)), ok);
    return tail;
}

/* ------------------------------------------------------------------------------------- writing */

/* Writes an object, and gives it up: with its braces, `indent` blanks before each further line, or
 * its members alone. Strings have no line breaks of their own. */
static void json_write_object(FILE *out, json_t *object, int indent, bool members, bool *ok)
{
    char *text = json_dumps(object, JSON_INDENT(2));
    size_t size = text != NULL ? strlen(text) : 0;
    size_t around = members ? strlen("{\n") : 0;
    *ok = *ok && size > 2 * around;
    for (size_t i = around; *ok && i < size - around; i++) {
        fputc(text[i], out);
        if (text[i] == '\n') {
            fprintf(out, "%*s", indent, "");
        }
    }
    free(text);
    json_decref(object);
}

/* One capture after the other: there may be more than memory has room for as a tree. */
static void write_captures(FILE *out, const struct report *report, bool *ok)
{
    const struct verify_result *result = report->result;
    fputs("  \"captures\": [", out);
    for (size_t i = 0; i < result->captures_count && *ok; i++) {
        fputs(i > 0 ? ",\n    " : "\n    ", out);
        json_write_object(out, json_of_capture(report, &result->captures[i], ok), 4, false, ok);
    }
    fputs(result->captures_count > 0 ? "\n  ],\n" : "],\n", out);
}

bool report_json(FILE *out, const struct report *report)
{
    bool ok = true;
    fputs("{\n", out);
    json_write_object(out, json_of_head(report, &ok), 0, true, &ok);
    fputs(",\n", out);
    write_captures(out, report, &ok);
    json_write_object(out, json_of_tail(report, &ok), 0, true, &ok);
    fputs("\n}\n", out);
    return ok;
}
