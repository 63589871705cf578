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

static size_t verdict_find(enum verify_status status)
{
    size_t i = 0;
    while (i < VERDICTS - 1 && verdicts[i].status != status) {
        i++;
    }
    return i;
}

/* Nothing differs, but of some answers that is not known; --max-undecided accepts that. */
static bool is_partly_undecided(const struct capture_result *capture)
{
    return capture->status == VERIFY_IDENTICAL && capture->executed.undecided > 0;
}

const char *verdict_name(const struct capture_result *capture)
{
    return is_partly_undecided(capture) ? "undecided"
                                        : verdicts[verdict_find(capture->status)].name;
}

const char *verdict_check_name(enum difference_check check)
{
    static const char *const names[] = {
        [CHECK_REBUILT] = "rebuilt", [CHECK_EXECUTED] = "executed", [CHECK_LIVE] = "replayed"};
    return names[check];
}

uint64_t verdict_compared(const struct report *report, const struct capture_result *capture)
{
    return report->live != NULL ? capture->live.check.compared : capture->rebuilt.compared;
}

const char *verdict_reference(const struct report *report)
{
    const struct construct_options *construct = &report->options->construct;
    if (report->live != NULL && report->live->against != NULL) {
        return report->live->against->name;
    }
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
    const struct executed_counts *executed = &capture->executed;
    const struct live_counts *live = &capture->live;
    return capture->rebuilt.different + executed->check.different + executed->missing +
           executed->malformed + live->check.different + live->missing + live->unexpected +
           live->malformed;
}

void verdict_write_problem(FILE *out, const struct capture_result *capture)
{
    const char *problem = capture->problem;
    if (problem == NULL) { /* there was no memory for it */
        problem = capture->status == VERIFY_INTERNAL ? "out of memory" : "no reason given";
    }
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

static void write_any(FILE *out, uint64_t number, const char *what)
{
    if (number > 0) {
        write_count(out, ", ", number, what);
    }
}

static void write_different(FILE *out, const struct report *report)
{
    const struct capture_result *totals = &report->result->totals;
    const struct executed_counts *executed = &totals->executed;
    const struct live_counts *live = &totals->live;
    if (report->live != NULL) {
        write_count(out, "", live->check.different, "");
        write_count(out, " of ", live->check.compared, " replayed");
    } else {
        write_count(out, "", totals->rebuilt.different, "");
        write_count(out, " of ", totals->rebuilt.compared, " rebuilt");
        write_count(out, ", ", executed->check.different, "");
        write_count(out, " of ", executed->check.compared, " executed");
    }
    write_any(out, executed->missing + live->missing, " missing");
    write_any(out, live->unexpected, " unexpected");
    write_any(out, executed->malformed + live->malformed, " malformed");
}

static void write_identical(FILE *out, const struct report *report)
{
    const struct capture_result *totals = &report->result->totals;
    char text[COUNT_TEXT_SIZE];
    if (report->live != NULL) {
        fprintf(out, "%s compared", count_text(totals->live.check.compared, "answer", text));
        write_count(out, ", ", report->outcome->requests, " requests replayed");
    } else {
        if (totals->server_frames == 0 && totals->left > 0) {
            fputs("nothing was owed, clients closed first: ", out);
        }
        fprintf(out, "%s rebuilt", count_text(totals->rebuilt.compared, "server frame", text));
        write_count(out, ", ", totals->executed.check.compared, " executed");
        write_any(out, totals->executed.undecided, " undecided");
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
    if (more == 0) { /* not what was read, but the writing of it */
        fputs("a report could not be written", out);
    } else if (more > 1) {
        fprintf(out, " (and %zu more)", more - 1);
    }
}

void verdict_write(FILE *out, const struct report *report)
{
    const struct verify_result *result = report->result;
    fprintf(out, "%s: ",
            is_partly_undecided(&result->totals) ? "no difference found"
                                                 : verdicts[verdict_find(result->status)].words);
    if (result->status == VERIFY_IDENTICAL) {
        write_identical(out, report);
    } else if (result->status == VERIFY_DIFFERENT) {
        write_different(out, report);
    } else {
        write_reason(out, result);
        if (verdict_differences(&result->totals) > 0) {
            fputs("; also DIFFERENT: ", out);
            write_different(out, report);
        }
    }
    fprintf(out, " (exit status %d)", result->status);
}
