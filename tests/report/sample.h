/*
 * A made-up run of verify: an identical capture, one with a difference of each kind, one that
 * can't be read. Its names and keys hold every byte there is.
 */
#ifndef KVREPLAY_TESTS_REPORT_SAMPLE_H
#define KVREPLAY_TESTS_REPORT_SAMPLE_H

#include "report/report.h"

enum { SAMPLE_MASKS = 2, SAMPLE_DIFFERENCES = 5 };

struct sample {
    struct verify_options options;
    struct mask masks[SAMPLE_MASKS];
    struct verify_result result;
    struct report report;
};

void sample_init(struct sample *sample);
/* Only the first capture, which is identical, and no masks. */
void sample_init_identical(struct sample *sample);
void sample_deinit(struct sample *sample);

/* What a report writes, as a string to be freed. */
char *sample_text(const struct sample *sample, const struct report_style *style);
char *sample_json(const struct sample *sample);
char *sample_junit(const struct sample *sample);

#endif
