#include "report/text.h"

#include "report/printable.h"
#include "report/verdict.h"

#include <inttypes.h>

void text_color_begin(FILE *out, const struct report_style *style, enum text_color color)
{
    static const char *const codes[] = {[COLOR_BAD] = "\033[1;31m",
                                        [COLOR_GOOD] = "\033[32m",
                                        [COLOR_WARNING] = "\033[33m",
                                        [COLOR_STRONG] = "\033[1m"};
    if (style->color) {
        fputs(codes[color], out);
    }
}

void text_color_end(FILE *out, const struct report_style *style)
{
    if (style->color) {
        fputs("\033[0m", out);
    }
}

static void write_settings(FILE *out, const struct report *report)
{
    const struct verify_options *options = report->options;
    if (report->live != NULL) {
        text_live_settings(out, report);
        return;
    }
    fprintf(out, "writer %s, reference %s, state %s", options->construct.writer->name,
            verdict_reference(report), options->cold ? "cold" : "adopt");
    if (options->construct.hostile) {
        fprintf(out, ", hostile %" PRIu64, options->construct.seed);
    }
    fputs("\n\n", out);
}

static void write_problems(FILE *out, const struct report *report, const struct report_style *style)
{
    const struct verify_result *result = report->result;
    bool any = false;
    for (size_t i = 0; i < result->captures_count; i++) {
        const struct capture_result *capture = &result->captures[i];
        bool is_verdict = result->captures_count == 1 && capture->status > VERIFY_DIFFERENT;
        if (capture->problem != NULL && !is_verdict) {
            fputs(any || style->quiet ? "" : "\n", out);
            any = true;
            text_color_begin(out, style, COLOR_WARNING);
            fprintf(out,
                    "%s: ", capture->status <= VERIFY_DIFFERENT ? "note" : verdict_name(capture));
            text_color_end(out, style);
            verdict_write_problem(out, capture);
            fputc('\n', out);
        }
    }
}

static void write_differences(FILE *out, const struct report *report,
                              const struct report_style *style)
{
    const struct verify_result *result = report->result;
    uint64_t all = verdict_differences(&result->totals) - result->totals.not_built;
    char text[NUMBER_TEXT_SIZE];
    for (size_t i = 0; i < result->differences_count; i++) {
        fputc('\n', out);
        text_difference(out, report, &result->differences[i], i + 1, style);
    }
    if (all > result->differences_count) {
        uint64_t hidden = all - result->differences_count;
        fprintf(out, "\n%s%s not shown; ", number_text(hidden, text),
                result->differences_count == 0 ? "" : " more");
        fprintf(out, "--show %" PRIu64 " shows all differences\n", all);
    }
}

static void write_verdict(FILE *out, const struct report *report, const struct report_style *style)
{
    text_color_begin(out, style,
                     report->result->status == VERIFY_IDENTICAL ? COLOR_GOOD : COLOR_BAD);
    verdict_write(out, report);
    text_color_end(out, style);
    fputc('\n', out);
}

void report_text(FILE *out, const struct report *report, const struct report_style *style)
{
    if (!style->quiet) {
        write_settings(out, report);
        text_table(out, report, style);
        fputc('\n', out);
        text_summary(out, report, style);
        if (report->live != NULL) {
            text_live(out, report);
        }
    }
    if (style->verbose) {
        fputc('\n', out);
        text_opcodes(out, report, style);
    }
    write_problems(out, report, style);
    write_differences(out, report, style);
    if (!style->quiet) {
        text_hints(out, report);
    }
    fputs(style->quiet && report->result->differences_count == 0 ? "" : "\n", out);
    write_verdict(out, report, style);
}
