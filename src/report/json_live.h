/*
 * What is in replay's JSON report and not in verify's. Private to it.
 */
#ifndef KVREPLAY_REPORT_JSON_LIVE_H
#define KVREPLAY_REPORT_JSON_LIVE_H

#include "report/report.h"

#include <jansson.h>

json_t *json_of_live(const struct live_counts *live, bool *ok);

void json_add_live_settings(json_t *object, const struct report *report, bool *ok);

/* Throughput and latencies. */
json_t *json_of_outcome(const struct live_outcome *outcome, bool *ok);

#endif
