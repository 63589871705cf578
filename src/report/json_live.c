#include "report/json_live.h"

#include "mcbp/opcode.h"
#include "report/json_text.h"
#include "report/verdict.h"

static json_t *json_of_bound(const struct live_counts *live, bool *ok)
{
    static const char *const names[BOUND_VALUES] = {
        [BOUND_CAS] = "cas",
        [BOUND_VBUCKET_UUID] = "vbucket_uuid",
        [BOUND_SEQNO] = "seqno",
        [BOUND_SCAN] = "scan",
        [BOUND_COLLECTION] = "collection",
        [BOUND_SCOPE] = "scope",
        [BOUND_MANIFEST] = "manifest",
        [BOUND_NUMBER] = "number",
    };
    json_t *object = json_object();
    for (unsigned i = 0; i < BOUND_VALUES; i++) {
        json_add_count(object, names[i], live->bound[i], ok);
    }
    return object;
}

static json_t *json_of_own(const struct live_counts *live, bool *ok)
{
    static const char *const names[OWN_PARTS] = {
        [OWN_DURATION] = "duration", [OWN_MAP] = "map",   [OWN_REFERENCE] = "error_reference",
        [OWN_TIME] = "time",         [OWN_HINT] = "hint", [OWN_RANDOM] = "random_key",
    };
    json_t *object = json_object();
    for (unsigned i = 0; i < OWN_PARTS; i++) {
        json_add_count(object, names[i], live->own[i], ok);
    }
    return object;
}

json_t *json_of_live(const struct live_counts *live, bool *ok)
{
    static const char *const compared[NOT_COMPARED_REASONS] = {
        [NOT_COMPARED_UDP] = "udp",
        [NOT_COMPARED_SERVERS] = "server_requests",
        [NOT_COMPARED_NO_REQUEST] = "no_request",
        [NOT_COMPARED_CUT] = "broken_off",
        [NOT_COMPARED_LOGIN] = "login",
        [NOT_COMPARED_BEFORE] = "before_capture",
    };
    static const char *const sent[NOT_SENT_REASONS] = {
        [NOT_SENT_UDP] = "udp",
        [NOT_SENT_ANSWER] = "answers_to_servers",
        [NOT_SENT_CLOSED] = "behind_the_end",
        [NOT_SENT_LIMIT] = "limit",
        [NOT_SENT_LOGIN] = "login",
    };
    json_t *object = json_object();
    json_t *not_compared = json_object();
    json_t *not_sent = json_object();
    json_add_count(object, "compared", live->check.compared, ok);
    json_add_count(object, "identical", live->check.identical, ok);
    json_add_count(object, "different", live->check.different, ok);
    json_add_count(object, "missing", live->missing, ok);
    json_add_count(object, "unexpected", live->unexpected, ok);
    json_add_count(object, "malformed", live->malformed, ok);
    json_add_count(object, "not_compared", live->not_compared, ok);
    for (unsigned i = 0; i < NOT_COMPARED_REASONS; i++) {
        json_add_count(not_compared, compared[i], live->not_compared_why[i], ok);
    }
    json_add(object, "not_compared_why", not_compared, ok);
    for (unsigned i = 0; i < NOT_SENT_REASONS; i++) {
        json_add_count(not_sent, sent[i], live->not_sent[i], ok);
    }
    json_add(object, "not_sent", not_sent, ok);
    json_add_count(object, "unframed_places", live->unframed, ok);
    json_add_count(object, "live_server_requests", live->servers_requests, ok);
    json_add(object, "bound", json_of_bound(live, ok), ok);
    json_add(object, "own", json_of_own(live, ok), ok);
    return object;
}

static json_t *number_or_null(uint64_t number)
{
    return number == 0 ? json_null() : json_integer((json_int_t)number);
}

void json_add_live_settings(json_t *object, const struct report *report, bool *ok)
{
    const struct live_options *live = report->live;
    json_add(object, "server", json_of_text(live->to->name), ok);
    json_add(object, "tls", json_boolean(live->to->tls != NULL), ok);
    json_add(object, "user", live->login == NULL ? json_null() : json_of_bytes(live->login->user),
             ok);
    json_add(object, "reference", json_of_text(verdict_reference(report)), ok);
    json_add(object, "pipeline", number_or_null(live->pipeline), ok);
    json_add(object, "speed", live->speed > 0 ? json_real(live->speed) : json_null(), ok);
    json_add(object, "rate", number_or_null(live->rate), ok);
    json_add(object, "limit", number_or_null(live->limit), ok);
    json_add_count(object, "loops", live->loops, ok);
    json_add(object, "rewrite_opaque", json_boolean(live->rewrite_opaque), ok);
    json_add_count(object, "timeout_ms", live->timeout, ok);
}

static json_t *json_of_histogram(const struct histogram *histogram, bool *ok)
{
    static const struct {
        const char *name;
        uint32_t at;
    } members[] = {
        {"p50", 50000}, {"p90", 90000}, {"p99", 99000}, {"p99_9", 99900}, {"p99_99", 99990}};
    json_t *object = json_object();
    json_add_count(object, "count", histogram->count, ok);
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        json_add_count(object, members[i].name, histogram_at(histogram, members[i].at), ok);
    }
    json_add_count(object, "max", histogram->largest, ok);
    return object;
}

json_t *json_of_outcome(const struct live_outcome *outcome, bool *ok)
{
    json_t *object = json_object();
    json_t *latencies = json_object();
    double seconds = (double)outcome->nanoseconds / 1e9;
    json_add_count(object, "connections", outcome->connections, ok);
    json_add_count(object, "requests", outcome->requests, ok);
    json_add_count(object, "answers", outcome->answers, ok);
    json_add(object, "seconds", json_real(seconds), ok);
    json_add(object, "requests_per_second",
             seconds > 0 ? json_real((double)outcome->requests / seconds) : json_null(), ok);
    for (unsigned i = 0; i < 256; i++) {
        char text[MCBP_OPCODE_TEXT_SIZE];
        if (outcome->latencies[i] != NULL) {
            json_add(latencies, mcbp_opcode_text(MCBP_CLIENT_REQUEST, (uint8_t)i, text),
                     json_of_histogram(outcome->latencies[i], ok), ok);
        }
    }
    json_add(object, "latency_ns", latencies, ok);
    return object;
}
