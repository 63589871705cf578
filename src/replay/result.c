#include "replay/result.h"

#include "base/endian.h"

#include <stdlib.h>

const char *difference_kind_text(enum difference_kind kind)
{
    static const char *const texts[] = {
        [DIFFERENCE_FIELD] = "field",           [DIFFERENCE_MISSING] = "missing",
        [DIFFERENCE_UNEXPECTED] = "unexpected", [DIFFERENCE_MALFORMED] = "malformed",
        [DIFFERENCE_REFUSED] = "refused",       [DIFFERENCE_END] = "end",
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

bool verify_result_init(struct verify_result *result, size_t captures_max, size_t differences_max,
                        size_t masks)
{
    *result = (struct verify_result){.differences_max = differences_max};
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
        free(result->captures[i].path);
        free(result->captures[i].problem);
    }
    free(result->captures);
    free(result->differences);
    free(result->mask_hits);
    *result = (struct verify_result){0};
}

void opcode_counts_add_status(struct opcode_counts *counts, uint16_t status, uint64_t count)
{
    for (size_t i = 0; i < RESULT_STATUSES_MAX; i++) {
        if (counts->statuses[i].count == 0) {
            counts->statuses[i].status = status;
        }
        if (counts->statuses[i].status == status) {
            counts->statuses[i].count += count;
            return;
        }
    }
    counts->other_statuses += count;
}

static void add_opcodes(struct opcode_counts *total, const struct opcode_counts *one)
{
    for (size_t opcode = 0; opcode < 256; opcode++) {
        total[opcode].requests += one[opcode].requests;
        total[opcode].responses += one[opcode].responses;
        total[opcode].not_executed += one[opcode].not_executed;
        total[opcode].other_statuses += one[opcode].other_statuses;
        for (size_t i = 0; i < RESULT_STATUSES_MAX && one[opcode].statuses[i].count > 0; i++) {
            opcode_counts_add_status(&total[opcode], one[opcode].statuses[i].status,
                                     one[opcode].statuses[i].count);
        }
    }
}

static void add_checks(struct check_counts *total, const struct check_counts *one)
{
    total->compared += one->compared;
    total->identical += one->identical;
    total->different += one->different;
}

static void add_executed(struct executed_counts *total, const struct executed_counts *one)
{
    add_checks(&total->check, &one->check);
    total->adopted += one->adopted;
    total->not_executed += one->not_executed;
    total->ambiguous += one->ambiguous;
    total->missing += one->missing;
    total->malformed += one->malformed;
}

static void add_live(struct live_counts *total, const struct live_counts *one)
{
    add_checks(&total->check, &one->check);
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
}

static void add_capture(struct capture_result *total, const struct capture_result *one)
{
    total->status = verify_status_worse(total->status, one->status);
    total->truncated |= one->truncated;
    total->packets += one->packets;
    total->connections += one->connections;
    total->client_frames += one->client_frames;
    total->server_frames += one->server_frames;
    total->unanswered += one->unanswered;
    total->midstream += one->midstream;
    total->skipped += one->skipped;
    total->cas_adopted += one->cas_adopted;
    total->evictions += one->evictions;
    add_checks(&total->rebuilt, &one->rebuilt);
    add_executed(&total->executed, &one->executed);
    add_live(&total->live, &one->live);
    add_ledger(&total->ledger, &one->ledger);
    add_opcodes(total->opcodes, one->opcodes);
    add_opcodes(total->server_opcodes, one->server_opcodes);
}

void verify_result_total(struct verify_result *result)
{
    result->totals = (struct capture_result){0};
    for (size_t i = 0; i < result->captures_count; i++) {
        add_capture(&result->totals, &result->captures[i]);
    }
    result->status = result->totals.status;
}

bool ledger_adds_up(const struct ledger *ledger)
{
    return ledger->not_mcbp == ledger->memcached_text + ledger->tls + ledger->other &&
           ledger->total == ledger->client_frames + ledger->server_frames + ledger->duplicate +
                                ledger->unparsed + ledger->not_mcbp;
}
