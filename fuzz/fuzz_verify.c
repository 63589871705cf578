/*
 * A whole capture through everything that verify does. The ledger adds up, the status is one of
 * those documented and agrees with the counts, and the JSON report is JSON. The size of the input
 * chooses the options, and whether the reports are looked at.
 */
#include "memory_file.h"
#include "replay/verify.h"
#include "report/report.h"
#include "target.h"

#include <jansson.h>
#include <stdlib.h>

enum { REPORTED = 16 }; /* of so many runs one is reported: that takes longer than all the rest */

static struct verify_result result; /* made once */
static struct memory_file input;

void fuzz_begin(void)
{
    CHECK(verify_result_init(&result, 1, 4, 0));
}

static void check_json(const struct report *report)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    CHECK(out != NULL && report_json(out, report) && fclose(out) == 0);
    json_error_t error;
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    CHECK(root != NULL);
    CHECK(json_array_size(json_object_get(root, "captures")) == 1);
    CHECK(json_integer_value(json_object_get(root, "status")) == report->result->status);
    json_decref(root);
    free(text);
}

UNCOUNTED static void check_text(const struct report *report)
{
    struct report_style style = {.verbose = true, .width = 80};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    CHECK(out != NULL);
    report_text(out, report, &style);
    CHECK(fclose(out) == 0 && size > 0);
    for (size_t i = 0; i < size; i++) { /* nothing of the input may steer a terminal */
        CHECK(text[i] == '\n' || (unsigned char)text[i] >= 0x20);
    }
    free(text);
}

/* Nothing is missing, who sent what is certain, and an order was found for all that overlaps. */
static bool is_whole(const struct capture_result *capture)
{
    return capture->ledger.lost == 0 && capture->ledger.contradicting == 0 &&
           capture->dropped == 0 && capture->executed.undecided == 0 && !capture->senders_unknown;
}

/* Something was compared, or each client closed before it was sent anything whole. */
static bool has_evidence(const struct capture_result *capture)
{
    return capture->rebuilt.compared > 0 || capture->left == capture->connections;
}

UNCOUNTED static void check_status(const struct capture_result *capture)
{
    const struct executed_counts *executed = &capture->executed;
    uint64_t different = capture->rebuilt.different + executed->check.different +
                         executed->missing + executed->malformed;
    switch (capture->status) {
    case VERIFY_IDENTICAL:
        CHECK(different == 0 && has_evidence(capture) && is_whole(capture));
        break;
    case VERIFY_DIFFERENT:
        CHECK(different > 0 && has_evidence(capture) && is_whole(capture));
        break;
    case VERIFY_UNREADABLE:
        CHECK(capture->problem != NULL);
        break;
    case VERIFY_NO_EVIDENCE:
        CHECK(capture->problem != NULL && (capture->rebuilt.compared == 0 || !is_whole(capture)));
        break;
    case VERIFY_USAGE:
    case VERIFY_INTERNAL:
    default:
        CHECK(capture->status < VERIFY_USAGE); /* no other can be */
    }
    CHECK(capture->rebuilt.different == 0); /* our own writer is right */
    CHECK(ledger_adds_up(&capture->ledger));
    CHECK(!capture->truncated || capture->ledger.lost > 0);
}

static void check_reports(const struct verify_options *options)
{
    struct report report = {.options = options, .result = &result};
    verify_result_total(&result);
    check_json(&report);
    check_text(&report);
}

static void forget(void)
{
    struct capture_result *capture = &result.captures[0];
    capture_result_deinit(capture);
    *capture = (struct capture_result){0};
    result.captures_count = result.differences_count = 0;
}

void fuzz_target(const uint8_t *data, size_t size)
{
    struct verify_options options;
    verify_options_init(&options);
    options.accept_unexecuted = true;
    options.cold = size % 2 == 1;
    options.construct.hostile = size % 4 >= 2;
    options.construct.seed = size;
    options.dissect.held_bytes_max = 1 << 20;
    options.dissect.conversations_max = 64;
    verify_capture(memory_file_open(&input, span_of(data, size)), &options, &result);
    check_status(&result.captures[0]);
    if (size / 4 % REPORTED == 0) {
        check_reports(&options);
    }
    forget();
}
