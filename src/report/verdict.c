#include "report/verdict.h"

#include "report/printable.h"

static const struct {
    enum verify_status status;
    const char *name;
    const char *words;
} verdicts[] = {
    {VERIFY_IDENTICAL, "identical", "identical"},
    {VERIFY_DIFFERENT, "different", "DIFFERENT"},
    {VERIFY_USAGE, "usage", "WRONG USAGE"},
    {VERIFY_UNREADABLE, "unreadable", "UNREADABLE"},
    {VERIFY_NO_EVIDENCE, "no-evidence", "NOT ENOUGH EVIDENCE"},
    {VERIFY_INTERNAL, "internal", "INTERNAL ERROR"},
};
enum { VERDICTS = sizeof(verdicts) / sizeof(verdicts[0]) };

static size_t find(enum verify_status status)
{
    size_t i = 0;
    while (i < VERDICTS - 1 && verdicts[i].status != status) {
        i++;
    }
    return i;
}

const char *verdict_name(enum verify_status status)
{
    return verdicts[find(status)].name;
}

const char *verdict_reference(const struct verify_options *options)
{
    const struct construct_options *construct = &options->construct;
    switch (construct->reference) {
    case REFERENCE_FLAT:
        return "flat";
    case REFERENCE_WRITER:
        return construct->reference_writer->name;
    case REFERENCE_CAPTURE:
        break;
    }
    return "capture";
}

uint64_t verdict_differences(const struct capture_result *capture)
{
    return capture->rebuilt.different + capture->executed.check.different +
           capture->executed.missing + capture->executed.malformed;
}

void verdict_write_problem(FILE *out, const struct capture_result *capture)
{
    const char *problem = capture->problem == NULL ? "no reason given" : capture->problem;
    if (strncmp(problem, capture->path, strlen(capture->path)) != 0) {
        printable_write_text(out, capture->path);
        fputs(": ", out);
    }
    printable_write_text(out, problem);
}

static void write_count(FILE *out, const char *before, uint64_t number, const char *after)
{
    char text[NUMBER_TEXT_SIZE];
    fprintf(out, "%s%s%s", before, number_text(number, text), after);
}

static void write_different(FILE *out, const struct capture_result *totals)
{
    const struct executed_counts *executed = &totals->executed;
    write_count(out, "", totals->rebuilt.different, "");
    write_count(out, " of ", totals->rebuilt.compared, " rebuilt");
    write_count(out, ", ", executed->check.different, "");
    write_count(out, " of ", executed->check.compared, " executed");
    if (executed->missing > 0) {
        write_count(out, ", ", executed->missing, " missing");
    }
    if (executed->malformed > 0) {
        write_count(out, ", ", executed->malformed, " malformed");
    }
}

/* The first capture whose problem decided the verdict, and how many more there are. */
static void write_reason(FILE *out, const struct verify_result *result)
{
    size_t more = 0;
    for (size_t i = 0; i < result->captures_count; i++) {
        const struct capture_result *capture = &result->captures[i];
        if (capture->status == result->status && more++ == 0) {
            verdict_write_problem(out, capture);
        }
    }
    if (more > 1) {
        fprintf(out, " (and %zu more)", more - 1);
    }
}

void verdict_write(FILE *out, const struct report *report)
{
    const struct verify_result *result = report->result;
    const struct capture_result *totals = &result->totals;
    fprintf(out, "%s: ", verdicts[find(result->status)].words);
    if (result->status == VERIFY_IDENTICAL) {
        char text[COUNT_TEXT_SIZE];
        fprintf(out, "%s rebuilt", count_text(totals->rebuilt.compared, "server frame", text));
        write_count(out, ", ", totals->executed.check.compared, " executed");
    } else if (result->status == VERIFY_DIFFERENT) {
        write_different(out, totals);
    } else {
        write_reason(out, result);
        if (verdict_differences(totals) > 0) {
            fputs("; also DIFFERENT: ", out);
            write_different(out, totals);
        }
    }
    fprintf(out, " (exit status %d)", result->status);
}
