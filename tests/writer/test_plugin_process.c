/*
 * A plug-in in a process of its own: what it writes arrives, and whatever it does otherwise is an
 * end of that process in the call that did it.
 */
#include "fixture.h"
#include "writer/plugin_process.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE = 60 /* seconds, where nothing is to be waited for */ };

/* PLUGINS is the folder they are built in. */
static struct plugin_process *start(const char *name, const char *mode, unsigned timeout)
{
    char path[512], problem[PLUGIN_PROBLEM_SIZE] = "";
    struct plugin_process *process = NULL;
    snprintf(path, sizeof(path), "%s/%s.so", PLUGINS, name);
    assert_int_equal(setenv("MISBEHAVE", mode, 1), 0);
    enum plugin_outcome outcome = plugin_process_create(path, timeout, &process, problem);
    assert_string_equal(problem, "");
    assert_int_equal(outcome, PLUGIN_DONE);
    return process;
}

/* One call, with responses that have these opaques; an opaque 0 ends them. */
static enum plugin_outcome call(struct plugin_process *process, const uint32_t *opaques,
                                bool *right, enum kvr_error *error)
{
    struct kvr_response responses[8];
    size_t count = 0, size;
    for (; opaques[count] != 0; count++) {
        responses[count] = (struct kvr_response){
            .magic = 0x81, .opaque = opaques[count], .value = "value", .value_size = 5};
    }
    uint8_t *frames = flat_copy(responses, count, &size);
    struct plugin_call written = {.frames = span_of(frames, size), .count = count};
    struct plugin_result result = {.error = KVR_OK};
    enum plugin_outcome outcome = plugin_process_write(process, &written, &result);
    *right = outcome == PLUGIN_DONE && span_equal(result.built, written.frames);
    *error = result.error;
    free(frames);
    return outcome;
}

static void assert_writes(struct plugin_process *process, uint32_t opaque)
{
    bool right;
    enum kvr_error error;
    assert_int_equal(call(process, (uint32_t[]){opaque, 0}, &right, &error), PLUGIN_DONE);
    assert_int_equal(error, KVR_OK);
    assert_true(right);
}

static void assert_ends(struct plugin_process *process, uint32_t opaque, const char *text)
{
    bool right;
    enum kvr_error error;
    assert_int_equal(call(process, (uint32_t[]){opaque, 0}, &right, &error), PLUGIN_ENDED);
    if (strncmp(plugin_process_end_text(process), text, strlen(text)) != 0) {
        fail_msg("'%s' instead of '%s'", plugin_process_end_text(process), text);
    }
}

static void what_it_writes_arrives(void **state)
{
    (void)state;
    struct plugin_process *process = start("right", "", PATIENCE);
    bool right;
    enum kvr_error error;
    assert_string_equal(plugin_process_writer(process)->name, "right");
    assert_writes(process, 1);
    assert_int_equal(call(process, (uint32_t[]){1, 2, 3, 4, 5, 0}, &right, &error), PLUGIN_DONE);
    assert_true(right);
    assert_int_equal(plugin_process_finish(process), PLUGIN_DONE);
    assert_writes(process, 6);
    assert_int_equal(plugin_process_ends(process), 0);
    plugin_process_destroy(process);
}

static void a_response_of_megabytes_arrives(void **state)
{
    (void)state;
    static const char value[20 << 20];
    const struct kvr_response response = {
        .magic = 0x81, .value = value, .value_size = sizeof(value)};
    struct plugin_process *process = start("right", "", PATIENCE);
    size_t size;
    uint8_t *frame = flat_copy(&response, 1, &size);
    struct plugin_call written = {.frames = span_of(frame, size), .count = 1};
    struct plugin_result result;
    assert_int_equal(plugin_process_write(process, &written, &result), PLUGIN_DONE);
    assert_true(span_equal(result.built, written.frames));
    free(frame);
    plugin_process_destroy(process);
}

static void every_end_is_one_of_the_call_that_did_it(void **state)
{
    (void)state;
    static const struct {
        const char *mode, *text;
    } rows[] = {
        {"exit", "exit with status "},
        {"_exit", "exit with status 7"},
        {"crash", "killed by signal 11 (Segmentation fault)"},
        {"thread", "killed by signal 11 (Segmentation fault)"},
        {"stack", "killed by signal 11 (Segmentation fault)"},
        {"free", ""}, /* by the C library or by a sanitizer */
        {"memory", ""},
        {"term", "killed by signal 15 (Terminated)"},
        {"alarm", "killed by signal 14 (Alarm clock)"},
        {"trap", "killed by signal 5 (Trace/breakpoint trap)"},
        {"close", "used a file descriptor that is not its own"},
        {"scribble", "used a file descriptor that is not its own"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct plugin_process *process = start("misbehaving", rows[i].mode, PATIENCE);
        assert_writes(process, 3);
        assert_ends(process, 4, rows[i].text);
        assert_writes(process, 5);
        assert_ends(process, 4, rows[i].text);
        assert_int_equal(plugin_process_ends(process), 2);
        plugin_process_destroy(process);
    }
}

static void a_call_that_does_not_return_is_ended(void **state)
{
    (void)state;
    static const struct {
        const char *mode, *text;
    } rows[] = {
        {"stop", "no return within 2 s"},
        {"fork", "killed by signal 11 (Segmentation fault)"}, /* a copy holds the socket open */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct plugin_process *process = start("misbehaving", rows[i].mode, 2);
        assert_ends(process, 4, rows[i].text);
        plugin_process_destroy(process);
    }
}

static void a_writer_that_never_returns_is_given_up(void **state)
{
    (void)state;
    struct plugin_process *process = start("misbehaving", "hang", 2);
    bool right;
    enum kvr_error error;
    for (int i = 0; i < PLUGIN_TIMEOUTS_MAX; i++) {
        assert_ends(process, 4, "no return within 2 s");
    }
    assert_int_equal(call(process, (uint32_t[]){5, 0}, &right, &error), PLUGIN_GIVEN_UP);
    plugin_process_destroy(process);
}

static void a_writer_that_always_crashes_is_given_up(void **state)
{
    (void)state;
    struct plugin_process *process = start("misbehaving", "always", PATIENCE);
    bool right;
    enum kvr_error error;
    for (int i = 0; i < PLUGIN_ENDS_MAX; i++) {
        assert_ends(process, 1, "killed by signal 11");
    }
    assert_int_equal(call(process, (uint32_t[]){1, 0}, &right, &error), PLUGIN_GIVEN_UP);
    assert_int_equal(plugin_process_finish(process), PLUGIN_DONE);
    assert_int_equal(plugin_process_ends(process), PLUGIN_ENDS_MAX);
    plugin_process_destroy(process);
}

static void what_returns_wrongly_is_no_end(void **state)
{
    (void)state;
    static const char *const modes[] = {"flood", "drain", "error", "longjmp"};
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        struct plugin_process *process = start("misbehaving", modes[i], PATIENCE);
        bool right;
        enum kvr_error error;
        assert_writes(process, 1);
        enum plugin_outcome outcome = call(process, (uint32_t[]){4, 0}, &right, &error);
        assert_false(right);
        assert_int_equal(error, strcmp(modes[i], "error") == 0 ? 77 : KVR_OK);
        if (strcmp(modes[i], "longjmp") != 0) { /* of which nobody can foretell how it ends */
            assert_int_equal(outcome, PLUGIN_DONE);
        }
        plugin_process_destroy(process);
    }
}

static void a_crash_in_destroy_is_told_of_by_finish(void **state)
{
    (void)state;
    struct plugin_process *process = start("misbehaving", "destroy", PATIENCE);
    assert_writes(process, 4);
    assert_int_equal(plugin_process_finish(process), PLUGIN_ENDED);
    assert_string_equal(plugin_process_end_text(process),
                        "killed by signal 11 (Segmentation fault)");
    assert_writes(process, 4);
    plugin_process_destroy(process);
}

static void a_crash_while_it_is_loaded_makes_it_unusable(void **state)
{
    (void)state;
    char problem[PLUGIN_PROBLEM_SIZE] = "";
    struct plugin_process *process = NULL;
    setenv("MISBEHAVE", "load", 1);
    assert_int_equal(plugin_process_create(PLUGINS "/misbehaving.so", PATIENCE, &process, problem),
                     PLUGIN_ENDED);
    assert_string_equal(problem, "cannot load the writer: " PLUGINS
                                 "/misbehaving.so: killed by signal 11 (Segmentation fault)");
    assert_int_equal(plugin_process_create(PLUGINS "/none.so", PATIENCE, &process, problem),
                     PLUGIN_ENDED);
    assert_non_null(strstr(problem, "No such file"));
}

static void assert_says(int from, const char *text)
{
    char line[64] = "";
    assert_true(read(from, line, sizeof(line) - 1) > 0);
    assert_string_equal(line, text);
}

static void it_does_not_outlive_its_parent(void **state)
{
    (void)state;
    int ends[2], status;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0); /* whose parent ends becomes ours */
    pid_t parent = fork();
    if (parent == 0) {
        bool right;
        enum kvr_error error;
        dup2(ends[1], STDERR_FILENO);
        call(start("misbehaving", "hang", PATIENCE), (uint32_t[]){4, 0}, &right, &error);
        _exit(0);
    }
    assert_says(ends[0], "hanging\n");
    assert_int_equal(kill(parent, SIGKILL), 0);
    assert_int_equal(waitpid(parent, NULL, 0), parent);
    assert_true(waitpid(-1, &status, 0) > 0);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_writes_arrives),
        cmocka_unit_test(a_response_of_megabytes_arrives),
        cmocka_unit_test(every_end_is_one_of_the_call_that_did_it),
        cmocka_unit_test(a_call_that_does_not_return_is_ended),
        cmocka_unit_test(a_writer_that_never_returns_is_given_up),
        cmocka_unit_test(a_writer_that_always_crashes_is_given_up),
        cmocka_unit_test(what_returns_wrongly_is_no_end),
        cmocka_unit_test(a_crash_in_destroy_is_told_of_by_finish),
        cmocka_unit_test(a_crash_while_it_is_loaded_makes_it_unusable),
        cmocka_unit_test(it_does_not_outlive_its_parent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
