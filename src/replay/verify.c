/*
 * One capture, from file to verdict. Stages 1 to 4 are run by src/dissect/dissect.c:
 *
 *   1 capture   packets                       src/capture
 *   2 decode    segments and datagrams        src/net/decode.c
 *   3 flow      ordered bytes                 src/net/flow.c
 *   4 framing   MCBP frames, and the ledger   src/dissect/framing.c
 *   5 rebuilt   each server frame again       rebuilt.c
 *   6 executed  each request in the store     executed.c, settle.c, explain.c
 *   7 verdict   what it comes to              here
 */
#include "replay/verify.h"

#include "dissect/boundary.h"
#include "mcbp/opcode.h"
#include "replay/awaiting.h"
#include "replay/couchbase.h"
#include "replay/dcp.h"
#include "replay/dialect.h"
#include "replay/differences.h"
#include "replay/executed.h"
#include "replay/leaving.h"
#include "replay/operation.h"
#include "replay/rebuilt.h"
#include "replay/reorder.h"
#include "replay/servers.h"
#include "replay/unseen.h"
#include "shadow/dcp.h"
#include "writer/writer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void verify_options_init(struct verify_options *options)
{
    *options = (struct verify_options){
        .construct = {.writer = &batch_writer, .reference = REFERENCE_CAPTURE},
        .item_size_max = 1 << 20,
        .pending_bytes_max = 32 << 20,
        .require_compared = 1,
    };
    dissect_options_init(&options->dissect);
}

/* --------------------------------------------------------------------------------- connections */

static struct connection *connection_of(struct run *run, struct dissect_conversation *conversation)
{
    struct connection *connection = conversation->user;
    if (connection != NULL) {
        servers_select(run, connection);
        return connection;
    }
    connection = calloc(1, sizeof(*connection));
    if (connection == NULL) {
        run->no_memory = true;
        return NULL;
    }
    connection->conversation = conversation;
    connection->requests_uncertain = !conversation->from_start;
    if (!servers_attach(run, connection)) {
        run->no_memory = true;
        free(connection);
        return NULL;
    }
    conversation->user = connection;
    servers_select(run, connection);
    connection->unseen.asked_packet = conversation->first_packet;
    if (conversation->beginning_lost > 0) {
        executed_lost(run, connection, FROM_CLIENT, conversation->beginning_lost);
    } else if (!conversation->from_start && conversation->protocol == NET_TCP) {
        unseen_begin_midstream(run, connection);
    }
    return connection;
}

/* The connection is over; it is freed once nothing that is kept refers to it. */
static void retire(struct run *run, struct connection *connection)
{
    connection->own = *connection->conversation;
    connection->conversation = &connection->own;
    connection->next = run->retired;
    run->retired = connection;
    run->released |= connection->deferred == 0;
}

static void free_retired(struct run *run)
{
    struct connection **at = &run->retired;
    run->released = false;
    while (*at != NULL) {
        struct connection *connection = *at;
        if (connection->deferred == 0) {
            *at = connection->next;
            stretch_release(run, connection->stretch);
            shadow_client_destroy(connection->client);
            shadow_dcp_destroy(connection->dcp);
            free(connection);
        } else {
            at = &connection->next;
        }
    }
}

/* ---------------------------------------------------------------------- what dissecting tells of
 */

static struct connection *note_frame(struct run *run, struct dissect_conversation *conversation,
                                     const struct dissect_frame *frame)
{
    run->packet = frame->origin.packet;
    run->time = frame->origin.time;
    if (run->sequence++ == 0) {
        run->began = run->time;
    }
    run->packets = run->packet > run->packets ? run->packet : run->packets;
    timeline_note(&run->timeline, run->packet, run->sequence);
    struct connection *connection = connection_of(run, conversation);
    if (connection != NULL) {
        unseen_note_time(run);
        dialect_note(run, connection, frame);
    }
    return connection;
}

static bool speaks_couchbase(const struct connection *connection, const struct dissect_frame *frame)
{
    uint8_t magic = frame->frame.header.magic;
    return connection->client != NULL &&
           (magic == MCBP_CLIENT_RESPONSE || magic == MCBP_FLEX_CLIENT_RESPONSE);
}

static void on_frame(void *context, struct dissect_conversation *conversation,
                     const struct dissect_frame *frame)
{
    struct run *run = context;
    struct connection *connection = note_frame(run, conversation, frame);
    if (connection == NULL) {
        return;
    }
    if (frame->role == FROM_CLIENT && connection->begun_at == frame->at + 1) {
        connection->begun_at = 0; /* it waits, or has been answered */
    } else if (frame->role == FROM_CLIENT) {
        awaiting_add(run, connection, frame);
    } else {
        rebuilt_check(run, connection, frame);
        dcp_note_answer(run, connection, frame);
        if (speaks_couchbase(connection, frame)) {
            couchbase_response(run, connection, frame);
        } else {
            executed_response(run, connection, frame);
        }
    }
}

static bool is_set(const struct mcbp_frame *frame)
{
    return frame->header.magic == MCBP_CLIENT_REQUEST &&
           mcbp_opcode_loud(frame->header.opcode) == MCBP_SET;
}

/* What the server does not wait for the value of has run before that comes. */
static void on_begun(void *context, struct dissect_conversation *conversation,
                     const struct dissect_frame *frame)
{
    struct run *run = context;
    const struct connection *known = conversation->user;
    if (known != NULL && known->client != NULL) {
        return; /* Couchbase's servers wait for the whole */
    }
    bool early = engine_runs_early(&frame->frame, run->options->item_size_max);
    if (!early && !is_set(&frame->frame)) {
        return;
    }
    struct connection *connection = note_frame(run, conversation, frame);
    if (connection != NULL && early) {
        awaiting_add(run, connection, frame);
        connection->begun_at = frame->at + 1;
    } else if (connection != NULL) {
        awaiting_begin(run, connection, frame);
    }
}

static void on_lost(void *context, struct dissect_conversation *conversation,
                    enum dissect_role role, uint64_t missing)
{
    struct connection *connection = connection_of(context, conversation);
    if (connection != NULL) {
        if (role == FROM_CLIENT) {
            awaiting_end_beginning(context, connection);
        }
        executed_lost(context, connection, role, missing);
        dcp_lost(connection);
        if (connection->client != NULL) {
            couchbase_lost(context, connection, role);
        }
    }
}

/* Text is not executed, but what it changes shows in what is. */
static void on_text(void *context, struct dissect_conversation *conversation,
                    enum dissect_role role, struct span bytes, const struct net_origin *origin)
{
    struct run *run = context;
    const struct net_endpoint *receiver =
        role == FROM_CLIENT ? &conversation->server : &conversation->client;
    if (!boundary_text_only_reads(bytes) && servers_select_endpoint(run, receiver)) {
        run->time = origin->time;
        unseen_begin_text(run);
    }
}

/* The writer's part of both checks, told of in batches. */
static void on_built(void *context, const struct construct_label *label,
                     const struct construct_fault *fault)
{
    struct run *run = context;
    if (label->check == CHECK_REBUILT) {
        rebuilt_built(run, fault != NULL);
    } else {
        executed_built(run, &label->header, label->outcome, fault != NULL);
    }
    if (fault == NULL) {
        return;
    }
    if (fault->failure.given_up) {
        run->capture->not_built++; /* what the writer was given up for has been shown */
        return;
    }
    bool failed = construct_has_failed(&fault->failure);
    struct difference_subject subject = {
        .check = label->check,
        .kind = failed ? DIFFERENCE_REFUSED : DIFFERENCE_FIELD,
        .connection = label->connection,
        .origin = &label->origin,
        .header = &label->header,
        .request = &label->request,
    };
    struct difference *difference = difference_add(run, &subject);
    if (!failed) {
        difference_set_sides(difference, &fault->comparison, fault->reference, fault->built);
    } else if (difference != NULL) {
        construct_describe_failure(&fault->failure, difference->detail);
    }
}

static void on_settled(void *context)
{
    struct run *run = context;
    construct_flush(run->construct);
    if (run->released) {
        free_retired(run);
    }
    if (!run_is_out_of_memory(run)) {
        run->sound.rebuilt = run->capture->rebuilt;
        run->sound.executed = run->capture->executed;
        run->sound.not_built = run->capture->not_built;
        run->sound.differences_count = run->result->differences_count;
    }
}

static bool on_stop(void *context)
{
    return run_is_out_of_memory(context);
}

/* What memcached says to a client that is one too many (memcached -c), before it closes. */
static bool is_turned_away(const struct connection *connection, struct span bytes)
{
    static const char TEXT[] = "ERROR Too many open connections\r\n";
    return connection->conversation->from_start && connection->response_packet == 0 &&
           span_equal(bytes, span_of(TEXT, sizeof(TEXT) - 1));
}

static void on_malformed(void *context, struct dissect_conversation *conversation,
                         struct span bytes, const struct net_origin *origin)
{
    struct run *run = context;
    struct connection *connection = connection_of(run, conversation);
    struct mcbp_frame frame = {0};
    if (connection == NULL) {
        return;
    }
    if (is_turned_away(connection, bytes)) {
        leaving_turned_away(run, connection);
        return;
    }
    if (leaving_cuts_short(connection)) {
        return;
    }
    enum mcbp_parse parse = mcbp_frame_parse(bytes, &frame);
    struct difference_subject subject = {
        .check = CHECK_EXECUTED,
        .kind = DIFFERENCE_MALFORMED,
        .connection = connection,
        .origin = origin,
        .header = &frame.header,
    };
    struct comparison comparison = {.offset = 0};
    struct difference *difference = difference_add(run, &subject);
    run->capture->executed.malformed++;
    if (parse == MCBP_NEED_MORE) {
        snprintf(comparison.field, sizeof(comparison.field), "%s",
                 bytes.size < MCBP_HEADER_SIZE ? "header" : "header.total_body_length");
        difference_set_detail(difference,
                              "a frame of %zu bytes begins here, and only %zu bytes come",
                              frame.bytes.size, bytes.size);
    } else if (parse == MCBP_BAD_MAGIC) {
        snprintf(comparison.field, sizeof(comparison.field), "header.magic");
        difference_set_detail(difference, "0x%02x is not a valid magic", bytes.data[0]);
    } else {
        snprintf(comparison.field, sizeof(comparison.field), "header.total_body_length");
        difference_set_detail(difference,
                              "framing extras %u, extras %u, key %u, body %" PRIu32
                              " bytes; frames of at most %zu are believed",
                              frame.header.framing_extras_length, frame.header.extras_length,
                              frame.header.key_length, frame.header.body_length,
                              run->options->dissect.frame_max);
    }
    difference_set_sides(difference, &comparison, bytes, span_of(NULL, 0));
}

static void on_end(void *context, struct dissect_conversation *conversation, enum dissect_role role)
{
    struct run *run = context;
    run->sequence++;
    if (conversation->user != NULL) {
        servers_select(run, conversation->user);
        leaving_end(run, conversation->user, role);
    }
}

static void on_closed(void *context, struct dissect_conversation *conversation)
{
    struct run *run = context;
    struct connection *connection = conversation->user;
    if (connection != NULL) {
        servers_select(run, connection);
        awaiting_end_beginning(run, connection);
        leaving_closed(run, connection);
        construct_flush(run->construct); /* labels refer to the connection */
        servers_detach(run, connection);
        retire(run, connection);
        conversation->user = NULL;
    }
}

static void on_progress(void *context, uint64_t bytes_read, uint64_t bytes_total)
{
    struct run *run = context;
    if (run->options->progress != NULL) {
        run->options->progress(run->options->progress_context, run->capture->path, bytes_read,
                               bytes_total, run->capture->server_frames);
    }
}

/* ------------------------------------------------------------------------------------- verdict */

/* What has to be so whatever the capture holds; a verdict without it would be worth nothing. */
static bool counts_add_up(const struct capture_result *capture)
{
    const struct executed_counts *executed = &capture->executed;
    const struct check_counts *rebuilt = &capture->rebuilt;
    return ledger_adds_up(&capture->ledger) &&
           executed->check.compared + executed->adopted + executed->not_executed +
                   executed->ambiguous ==
               capture->server_frames &&
           executed->check.compared == executed->check.identical + executed->check.different &&
           rebuilt->compared == capture->server_frames &&
           rebuilt->compared == rebuilt->identical + rebuilt->different;
}

/* The keys as "a", "b"; what is not printable ASCII as \xNN. To be freed. */
static char *names_of(const struct undecided_keys *keys)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    for (size_t i = 0; out != NULL && i < keys->count; i++) {
        fputs(i == 0 ? "\"" : ", \"", out);
        for (size_t j = 0; j < keys->keys[i].size; j++) {
            uint8_t byte = keys->keys[i].bytes[j];
            bool plain = byte > ' ' && byte < 0x7f && byte != '"' && byte != '\\';
            fprintf(out, plain ? "%c" : "\\x%02x", byte);
        }
        fputc('"', out);
    }
    if (out != NULL) {
        fclose(out);
    }
    return text;
}

static void judge_undecided(const struct run *run)
{
    struct capture_result *capture = run->capture;
    uint64_t undecided = capture->executed.undecided;
    if (undecided <= run->options->max_undecided) {
        return;
    }
    char *names = names_of(&capture->undecided_keys);
    capture_result_worsen(
        capture, VERIFY_NO_EVIDENCE,
        "no order was found for %" PRIu64 " answer%s to overlapping requests (key%s %s%s), "
        "%" PRIu64 " accepted",
        undecided, undecided == 1 ? "" : "s", capture->undecided_keys.count == 1 ? "" : "s",
        names != NULL ? names : "not known",
        capture->undecided_keys.count == UNDECIDED_KEYS_MAX ? ", ..." : "",
        run->options->max_undecided);
    free(names);
}

/* Whatever was missing may have made any difference, so none is invented: the counts are those of
 * before. */
static void conclude_out_of_memory(struct run *run)
{
    struct capture_result *capture = run->capture;
    capture->rebuilt = run->sound.rebuilt;
    capture->executed = run->sound.executed;
    capture->not_built = run->sound.not_built;
    run->result->differences_count = run->sound.differences_count;
    free(capture->problem);
    capture->problem = strdup("out of memory");
    capture->status = VERIFY_INTERNAL;
}

/* All of the capture is there, and each client closed before it was sent anything. */
static bool nothing_was_owed(const struct capture_result *capture)
{
    return capture->server_frames == 0 && capture->left > 0 &&
           capture->left == capture->connections && capture->ledger.lost == 0 &&
           capture->dropped == 0;
}

static bool is_enough(const struct capture_result *capture, uint64_t required)
{
    return capture->rebuilt.compared >= required || (required == 1 && nothing_was_owed(capture));
}

/* The answers were only built anew, which says nothing of their content. */
static bool is_unexecuted(const struct capture_result *capture)
{
    const struct executed_counts *executed = &capture->executed;
    return executed->not_executed > 0 && executed->check.compared + executed->adopted == 0;
}

static void verify_conclude(struct run *run)
{
    const struct verify_options *options = run->options;
    struct capture_result *capture = run->capture;
    const struct executed_counts *executed = &capture->executed;
    if (run_is_out_of_memory(run) || construct_is_incomplete(run->construct)) {
        conclude_out_of_memory(run);
        return;
    }
    char problem[DIFFERENCE_DETAIL_SIZE];
    if (construct_finish(run->construct, problem)) {
        capture_result_worsen(capture, VERIFY_DIFFERENT, "%s", problem);
    }
    if (capture->not_built > 0) {
        capture_result_worsen(capture, VERIFY_DIFFERENT,
                              "the writer was given up: its process died or hung %u times; %" PRIu64
                              " responses were not built",
                              plugin_process_ends(options->construct.process), capture->not_built);
    }
    if (construct_is_interrupted(run->construct)) {
        capture->interrupted = true;
        capture_result_worsen(capture, VERIFY_NO_EVIDENCE,
                              "interrupted while the writer did not return");
    } else if (!counts_add_up(capture)) {
        capture_result_worsen(capture, VERIFY_INTERNAL,
                              "the counts do not add up; this is a bug of kvreplay");
    }
    if (capture->rebuilt.different + executed->check.different + executed->missing +
            executed->malformed >
        0) {
        capture->status = verify_status_worse(capture->status, VERIFY_DIFFERENT);
    }
    if (!is_enough(capture, options->require_compared)) {
        capture_result_worsen(capture, VERIFY_NO_EVIDENCE,
                              "%" PRIu64 " server frames compared, %" PRIu64 " required",
                              capture->rebuilt.compared, options->require_compared);
    }
    if (executed->check.compared < options->require_executed) {
        capture_result_worsen(capture, VERIFY_NO_EVIDENCE,
                              "%" PRIu64 " executed answers compared, %" PRIu64 " required",
                              executed->check.compared, options->require_executed);
    }
    if (!options->accept_unexecuted && is_unexecuted(capture)) {
        capture_result_worsen(capture, VERIFY_NO_EVIDENCE,
                              "none of %" PRIu64
                              " answers was executed or adopted; --require-executed 0 "
                              "accepts that",
                              executed->not_executed);
    }
    if (capture->senders_unknown) {
        capture_result_worsen(
            capture, VERIFY_NO_EVIDENCE,
            "both sides of a connection send requests, and its beginning is missing");
    }
    judge_undecided(run);
    char loss[LOSS_TEXT_SIZE];
    if (capture_loss_text(capture, options->max_loss, loss) != NULL) {
        capture_result_worsen(capture, VERIFY_NO_EVIDENCE, "%s", loss);
    }
}

static bool verify_begin(struct run *run)
{
    struct construct_listener listener = {.context = run, .built = on_built};
    run->construct = construct_create(&run->options->construct, &listener);
    servers_init(&run->models);
    return run->construct != NULL;
}

static void verify_end(struct run *run)
{
    servers_deinit(run);
    provisional_deinit(&run->provisional, run->result);
    free_retired(run);
    if (run->construct != NULL) {
        construct_destroy(run->construct);
    }
    blocks_give(&run->blocks, run->kept, run->kept_size);
    blocks_deinit(&run->blocks);
}

void verify_capture(const char *path, const struct verify_options *options,
                    struct verify_result *result)
{
    struct capture_result *capture = &result->captures[result->captures_count++];
    struct run run = {
        .options = options,
        .result = result,
        .capture = capture,
        .ordering = {.advance = reorder_advance,
                     .make_room = reorder_make_room,
                     .finish = reorder_finish},
        .provisional.counts = &capture->executed,
        .failures_before = memory_failures(),
        .sound.differences_count = result->differences_count,
    };
    struct dissect_consumer consumer = {
        .context = &run,
        .frame = on_frame,
        .begun = on_begun,
        .lost = on_lost,
        .malformed = on_malformed,
        .text = on_text,
        .settled = on_settled,
        .end = on_end,
        .closed = on_closed,
        .progress = on_progress,
        .stop = on_stop,
    };
    /* All zero, and left so: of its hundreds of KiB a capture touches few. */
    capture->path = path;
    if (verify_begin(&run)) {
        dissect_capture(path, &options->dissect, &consumer, capture);
        servers_finish(&run);
        construct_flush(run.construct);
    } else {
        run.no_memory = true;
    }
    verify_conclude(&run);
    verify_end(&run);
}
