/*
 * The parts of the text report, in the order in which they are on the screen. Private to it.
 */
#ifndef KVREPLAY_REPORT_TEXT_H
#define KVREPLAY_REPORT_TEXT_H

#include "report/report.h"

enum text_color { COLOR_BAD, COLOR_GOOD, COLOR_WARNING, COLOR_STRONG };

/* Everything from here to text_color_end is in that colour, if the style has colours. */
void text_color_begin(FILE *out, const struct report_style *style, enum text_color color);
void text_color_end(FILE *out, const struct report_style *style);

/* A row per capture and a total. */
void text_table(FILE *out, const struct report *report, const struct report_style *style);

/* What the counts do not say: ledger, masks, adopted, not executed, lost. */
void text_summary(FILE *out, const struct report *report, const struct report_style *style);

/* Of replay: which server and how; and what it took. */
void text_live_settings(FILE *out, const struct report *report);
void text_live(FILE *out, const struct report *report);

/* Every opcode that was seen, with its statuses. */
void text_opcodes(FILE *out, const struct report *report, const struct report_style *style);

/* One difference, `number` counting from 1. */
void text_difference(FILE *out, const struct report *report, const struct difference *difference,
                     size_t number, const struct report_style *style);

/* What can be done about what went wrong. */
void text_hints(FILE *out, const struct report *report);

#endif
