#include "result/result.h"

#include "base/array.h"
#include "base/endian.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *difference_kind_text(enum difference_kind kind)
{
    static const char *const texts[] = {
        [DIFFERENCE_FIELD] = "field",           [DIFFERENCE_MISSING] = "missing",
        [DIFFERENCE_UNEXPECTED] = "unexpected", [DIFFERENCE_MALFORMED] = "malformed",
        [DIFFERENCE_REFUSED] = "refused",       [DIFFERENCE_END] = "end",
        [DIFFERENCE_ORDER] = "order",
    };
    return texts[kind];
}

bool difference_built_status(const struct difference *difference, uint16_t *status)
{
    const struct excerpt *built = &difference->built;
    if (built->offset > 0 || built->size < MCBP_HEADER_SIZE ||
        !mcbp_magic_is_response(built->bytes[0])) {
        return false;
    }
    *status = read_be16(built->bytes + 6);
    return true;
}

bool difference_statuses_differ(const struct difference *difference)
{
    uint16_t status;
    return difference->reference.size > 0 && mcbp_magic_is_response(difference->magic) &&
           difference_built_status(difference, &status) && status != difference->status;
}

enum verify_status verify_status_worse(enum verify_status a, enum verify_status b)
{
    static const enum verify_status worst_first[] = {
        VERIFY_INTERNAL, VERIFY_USAGE, VERIFY_UNREADABLE, VERIFY_NO_EVIDENCE, VERIFY_DIFFERENT};
    for (size_t i = 0; i < sizeof(worst_first) / sizeof(worst_first[0]); i++) {
        if (a == worst_first[i] || b == worst_first[i]) {
            return worst_first[i];
        }
    }
    return VERIFY_IDENTICAL;
}

void capture_result_worsen(struct capture_result *capture, enum verify_status status,
                           const char *format, ...)
{
    capture->status = verify_status_worse(capture->status, status);
    if (capture->problem == NULL) {
        va_list arguments;
        va_start(arguments, format);
        if (vasprintf(&capture->problem, format, arguments) < 0) {
            capture->problem = NULL;
        }
        va_end(arguments);
    }
}

bool verify_result_init(struct verify_result *result, size_t captures_max, size_t differences_max,
                        size_t masks)
{
    memset(result, 0, sizeof(*result)); /* by assignment, it might be made on the stack first */
    result->differences_max = differences_max;
    result->captures = calloc(captures_max + 1, sizeof(*result->captures));
    result->differences = calloc(differences_max + 1, sizeof(*result->differences));
    result->mask_hits = calloc(masks + 1, sizeof(*result->mask_hits));
    if (result->captures == NULL || result->differences == NULL || result->mask_hits == NULL) {
        verify_result_deinit(result);
        return false;
    }
    return true;
}

void verify_result_deinit(struct verify_result *result)
{
    for (size_t i = 0; result->captures != NULL && i < result->captures_count; i++) {
        capture_result_deinit(&result->captures[i]);
    }
    capture_result_deinit(&result->totals);
    free(result->captures);
    free(result->differences);
    free(result->mask_hits);
    memset(result, 0, sizeof(*result));
}

const struct opcode_counts *opcode_table_find(const struct opcode_table *table, bool server,
                                              uint8_t opcode)
{
    for (size_t i = 0; i < table->count; i++) {
        if (table->counts[i].opcode == opcode && table->counts[i].server == server) {
            return &table->counts[i];
        }
    }
    return NULL;
}

struct opcode_counts *opcode_table_at(struct opcode_table *table, bool server, uint8_t opcode)
{
    const struct opcode_counts *found = opcode_table_find(table, server, opcode);
    if (found != NULL) {
        return &table->counts[found - table->counts];
    }
    struct opcode_counts *grown =
        array_grow(table->counts, sizeof(*grown), table->count, &table->room);
    if (grown == NULL) {
        return NULL;
    }
    table->counts = grown;
    table->counts[table->count] = (struct opcode_counts){.server = server, .opcode = opcode};
    return &table->counts[table->count++];
}

static void opcode_table_deinit(struct opcode_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        free(table->counts[i].statuses);
    }
    free(table->counts);
}

void capture_result_deinit(struct capture_result *capture)
{
    opcode_table_deinit(&capture->opcodes);
    free(capture->undecided_keys.keys);
    free(capture->problem);
}

void opcode_counts_add_status(struct opcode_counts *counts, uint16_t status, uint64_t count)
{
    size_t i = 0;
    while (i < counts->statuses_count && counts->statuses[i].status != status) {
        i++;
    }
    if (i == counts->statuses_count && i < RESULT_STATUSES_MAX) {
        struct status_count *grown = reallocarray(counts->statuses, i + 1, sizeof(*grown));
        if (grown == NULL) {
            return;
        }
        counts->statuses = grown;
        grown[counts->statuses_count++] = (struct status_count){.status = status};
    }
    *(i < counts->statuses_count ? &counts->statuses[i].count : &counts->other_statuses) += count;
}

void undecided_keys_add(struct undecided_keys *keys, struct span key)
{
    struct span kept =
        span_of(key.data, key.size < DIFFERENCE_KEY_MAX ? key.size : DIFFERENCE_KEY_MAX);
    for (size_t i = 0; i < keys->count; i++) {
        if (span_equal(span_of(keys->keys[i].bytes, keys->keys[i].size), kept)) {
            return;
        }
    }
    if (keys->count == UNDECIDED_KEYS_MAX || kept.size == 0) {
        return;
    }
    struct undecided_key *grown = reallocarray(keys->keys, keys->count + 1, sizeof(*grown));
    if (grown != NULL) {
        keys->keys = grown;
        memcpy(grown[keys->count].bytes, kept.data, kept.size);
        grown[keys->count++].size = kept.size;
    }
}

static void add_undecided_keys(struct undecided_keys *total, const struct undecided_keys *one)
{
    for (size_t i = 0; i < one->count; i++) {
        undecided_keys_add(total, span_of(one->keys[i].bytes, one->keys[i].size));
    }
}

static void add_opcodes(struct opcode_table *totals, const struct opcode_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct opcode_counts *one = &table->counts[i];
        struct opcode_counts *total = opcode_table_at(totals, one->server, one->opcode);
        if (total == NULL) {
            return;
        }
        total->requests += one->requests;
        total->responses += one->responses;
        total->not_executed += one->not_executed;
        total->other_statuses += one->other_statuses;
        for (size_t j = 0; j < one->statuses_count; j++) {
            opcode_counts_add_status(total, one->statuses[j].status, one->statuses[j].count);
        }
    }
}

static void result_add_checks(struct check_counts *total, const struct check_counts *one)
{
    total->compared += one->compared;
    total->identical += one->identical;
    total->different += one->different;
}

static void add_executed(struct executed_counts *total, const struct executed_counts *one)
{
    result_add_checks(&total->check, &one->check);
    total->adopted += one->adopted;
    total->not_executed += one->not_executed;
    total->ambiguous += one->ambiguous;
    total->missing += one->missing;
    total->malformed += one->malformed;
    total->undecided += one->undecided;
}

static void add_live(struct live_counts *total, const struct live_counts *one)
{
    result_add_checks(&total->check, &one->check);
    total->missing += one->missing;
    total->unexpected += one->unexpected;
    total->malformed += one->malformed;
    total->not_compared += one->not_compared;
    total->unframed += one->unframed;
    total->servers_requests += one->servers_requests;
    total->closed_on += one->closed_on;
    for (unsigned i = 0; i < NOT_COMPARED_REASONS; i++) {
        total->not_compared_why[i] += one->not_compared_why[i];
    }
    for (unsigned i = 0; i < NOT_SENT_REASONS; i++) {
        total->not_sent[i] += one->not_sent[i];
    }
    for (unsigned i = 0; i < BOUND_VALUES; i++) {
        total->bound[i] += one->bound[i];
    }
    for (unsigned i = 0; i < OWN_PARTS; i++) {
        total->own[i] += one->own[i];
    }
}

static void add_ledger(struct ledger *total, const struct ledger *one)
{
    total->client_frames += one->client_frames;
    total->server_frames += one->server_frames;
    total->duplicate += one->duplicate;
    total->unparsed += one->unparsed;
    total->not_mcbp += one->not_mcbp;
    total->memcached_text += one->memcached_text;
    total->tls += one->tls;
    total->other += one->other;
    total->total += one->total;
    total->lost += one->lost;
    total->contradicting += one->contradicting;
}

static void add_capture(struct capture_result *total, const struct capture_result *one)
{
    total->status = verify_status_worse(total->status, one->status);
    total->interrupted |= one->interrupted;
    total->truncated |= one->truncated;
    total->packets += one->packets;
    total->dropped += one->dropped;
    total->connections += one->connections;
    total->servers += one->servers;
    total->client_frames += one->client_frames;
    total->server_frames += one->server_frames;
    total->unanswered += one->unanswered;
    total->left += one->left;
    total->midstream += one->midstream;
    total->skipped += one->skipped;
    total->not_built += one->not_built;
    total->cas_adopted += one->cas_adopted;
    total->durations_unchecked += one->durations_unchecked;
    total->recompressed += one->recompressed;
    total->evictions += one->evictions;
    for (size_t i = 0; i < RACES; i++) {
        total->races[i] += one->races[i];
    }
    add_undecided_keys(&total->undecided_keys, &one->undecided_keys);
    total->expired += one->expired;
    total->restarts += one->restarts;
    total->out_of_memory += one->out_of_memory;
    result_add_checks(&total->rebuilt, &one->rebuilt);
    add_executed(&total->executed, &one->executed);
    add_live(&total->live, &one->live);
    add_ledger(&total->ledger, &one->ledger);
    add_opcodes(&total->opcodes, &one->opcodes);
}

void verify_result_total(struct verify_result *result)
{
    capture_result_deinit(&result->totals);
    memset(&result->totals, 0, sizeof(result->totals));
    for (size_t i = 0; i < result->captures_count; i++) {
        add_capture(&result->totals, &result->captures[i]);
    }
    result->interrupted = result->totals.interrupted;
    if (result->interrupted && result->totals.status != VERIFY_INTERNAL) {
        result->totals.status = VERIFY_NO_EVIDENCE;
    }
    result->status = result->totals.status;
}

const char *capture_loss_text(const struct capture_result *capture, uint64_t max_loss,
                              char text[LOSS_TEXT_SIZE])
{
    if (max_loss == UINT64_MAX) {
        return NULL;
    }
    if (capture->ledger.lost > max_loss) {
        snprintf(text, LOSS_TEXT_SIZE,
                 "%" PRIu64 " bytes are missing from the capture, %" PRIu64 " accepted",
                 capture->ledger.lost, max_loss);
        return text;
    }
    if (capture->ledger.contradicting > max_loss) {
        snprintf(text, LOSS_TEXT_SIZE,
                 "%" PRIu64 " bytes are not those sent before at their place in the stream",
                 capture->ledger.contradicting);
        return text;
    }
    if (capture->truncated) {
        snprintf(text, LOSS_TEXT_SIZE, "the file ends too early, by an unknown number of bytes");
        return text;
    }
    if (capture->dropped > 0) {
        snprintf(text, LOSS_TEXT_SIZE, "the recorder dropped %" PRIu64 " packet%s",
                 capture->dropped, capture->dropped == 1 ? "" : "s");
        return text;
    }
    return NULL;
}

bool ledger_adds_up(const struct ledger *ledger)
{
    return ledger->not_mcbp == ledger->memcached_text + ledger->tls + ledger->other &&
           ledger->total == ledger->client_frames + ledger->server_frames + ledger->duplicate +
                                ledger->unparsed + ledger->not_mcbp;
}
