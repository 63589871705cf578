/*
 * Many clients at once that check every answer, plain and over TLS, some of which leave in the
 * middle of a request; clients that never read; and everything that can run out: memory, and
 * descriptors. In the end the server has as many descriptors as in the beginning, and no more
 * memory than its items may take.
 *
 * KVREPLAY_SOAK_REQUESTS says how many requests each client sends (default 20000); KVREPLAY_SEED
 * repeats what they are.
 */
#include "certificate.h"
#include "checker.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"

#include <dirent.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { CLIENTS = 12, DEAF = 4, REQUESTS = 20000, MIB = 1 << 20 };

struct fixture {
    struct serving serving;
    char folder[32];
    char path[64];
    char link[64];
    SSL_CTX *tls;
    uint64_t seed;
    unsigned runs; /* so that each has keys of its own */
    struct checker checkers[CLIENTS];
};

static uint64_t environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 0);
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    *state = fixture;
    if (fixture == NULL) {
        return -1;
    }
    strcpy(fixture->folder, "/tmp/kvreplay-test-XXXXXX");
    if (mkdtemp(fixture->folder) == NULL) {
        return -1;
    }
    snprintf(fixture->path, sizeof(fixture->path), "%s/pem", fixture->folder);
    fixture->tls = SSL_CTX_new(TLS_client_method());
    fixture->seed = environment("KVREPLAY_SEED", (uint64_t)time(NULL) << 20 | (unsigned)getpid());
    printf("KVREPLAY_SEED=%#jx\n", (uintmax_t)fixture->seed);
    fflush(stdout);
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    serving_kill(&fixture->serving);
    SSL_CTX_free(fixture->tls);
    unlink(fixture->path);
    unlink(fixture->link);
    rmdir(fixture->folder);
    free(fixture);
    return 0;
}

/*
 * Makes the file known by a name in the fixture's folder, and returns the path: LD_PRELOAD and the
 * options of serving_start take no space, which the build folder's path may have. Valid until the
 * next call.
 */
static const char *link_to(struct fixture *fixture, const char *file)
{
    snprintf(fixture->link, sizeof(fixture->link), "%s/link.so", fixture->folder);
    unlink(fixture->link);
    assert_int_equal(symlink(file, fixture->link), 0);
    return fixture->link;
}

static unsigned descriptors(const struct fixture *fixture)
{
    char path[64];
    unsigned count = 0;
    snprintf(path, sizeof(path), "/proc/%d/fd", fixture->serving.pid);
    DIR *folder = opendir(path);
    assert_non_null(folder);
    while (readdir(folder) != NULL) {
        count++;
    }
    closedir(folder);
    return count;
}

/* The ends of connections reach the server when they do: nothing tells that it has seen them. */
static void expect_descriptors(const struct fixture *fixture, unsigned wanted)
{
    struct timespec turn = {.tv_nsec = 1000000};
    for (int tries = 0; descriptors(fixture) > wanted && tries < 5000; tries++) {
        nanosleep(&turn, NULL);
    }
    assert_int_equal(descriptors(fixture), wanted);
}

static void start_clients(struct fixture *fixture, bool tls, bool may_refuse, uint64_t requests)
{
    fixture->runs++;
    for (unsigned i = 0; i < CLIENTS; i++) {
        fixture->checkers[i] = (struct checker){.serving = &fixture->serving,
                                                .tls = tls ? fixture->tls : NULL,
                                                .id = i + fixture->runs * 10000000,
                                                .random = fixture->seed + i * 7919,
                                                .requests = requests,
                                                .may_refuse = may_refuse};
        checker_start(&fixture->checkers[i]);
    }
}

static void finish_clients(struct fixture *fixture)
{
    uint64_t answers = 0, refused = 0;
    for (unsigned i = 0; i < CLIENTS; i++) {
        checker_finish(&fixture->checkers[i]);
        answers += fixture->checkers[i].answers;
        refused += fixture->checkers[i].refused;
    }
    printf("%ju answers as they have to be, %ju refusals\n", (uintmax_t)answers,
           (uintmax_t)refused);
    assert_true(answers > 0);
}

/* ---------------------------------------------------------------- many clients */

/* Asks for more than will ever be read. */
static int start_deaf_client(struct fixture *fixture)
{
    struct bytes out = {0};
    int client = client_connect(&fixture->serving);
    assert_int_equal(client_set(client, "large", MIB / 2), MCBP_STATUS_SUCCESS);
    for (int i = 0; i < 300; i++) {
        bytes_add_request(&out, &(struct request){.opcode = MCBP_GET, .key = span_of("large", 5)});
    }
    client_send(client, span_of(out.data, out.size));
    bytes_free(&out);
    return client;
}

static void soak(struct fixture *fixture, const char *options, bool tls)
{
    int deaf[DEAF];
    uint64_t requests = environment("KVREPLAY_SOAK_REQUESTS", REQUESTS);
    serving_start(&fixture->serving, options);
    unsigned before = descriptors(fixture);
    for (int i = 0; i < DEAF && !tls; i++) {
        deaf[i] = start_deaf_client(fixture);
    }
    start_clients(fixture, tls, false, requests);
    finish_clients(fixture);
    for (int i = 0; i < DEAF && !tls; i++) {
        close(deaf[i]);
    }
    expect_descriptors(fixture, before);
    printf("memory: %zu KiB\n", serving_memory(&fixture->serving) / 1024);
    assert_true(serving_memory(&fixture->serving) <= 64 * MIB);
    serving_stop(&fixture->serving);
}

static void every_answer_is_right_beside_clients_that_leave_and_that_never_read(void **state)
{
    soak(*state, "-t 2 -m 16m", false);
}

static void every_answer_is_right_over_tls(void **state)
{
    struct fixture *fixture = *state;
    char options[128];
    certificate_write(fixture->path);
    snprintf(options, sizeof(options), "-t 2 -m 16m --tls-cert %s", fixture->path);
    soak(fixture, options, true);
}

static void every_answer_is_right_by_any_writer(void **state)
{
    struct fixture *fixture = *state;
    const char *const writers[] = {"reserve", "append", "legacy", link_to(fixture, PLUGIN)};
    for (size_t i = 0; i < sizeof(writers) / sizeof(writers[0]); i++) {
        char options[128];
        snprintf(options, sizeof(options), "-t 3 -m 16m --writer %s", writers[i]);
        serving_start(&fixture->serving, options);
        start_clients(fixture, false, false, REQUESTS / 5);
        finish_clients(fixture);
        serving_stop(&fixture->serving);
    }
}

/* ---------------------------------------------------------------- no memory */

/* Who got an answer got the right one, before, while and after memory is short. */
static void run_short_of_memory(struct fixture *fixture, const char *options, bool tls,
                                const char *every)
{
    setenv("KVREPLAY_FAIL_EVERY", every, 1);
    setenv("LD_PRELOAD", link_to(fixture, FAILING_LIBRARY), 1);
    serving_start(&fixture->serving, options);
    unsetenv("LD_PRELOAD");
    unsigned before = descriptors(fixture);
    start_clients(fixture, tls, false, 1); /* all threads have been started, if they succeed */
    finish_clients(fixture);
    for (int round = 0; round < 3; round++) {
        kill(fixture->serving.pid, SIGUSR1);
        start_clients(fixture, tls, true, REQUESTS / 10);
        finish_clients(fixture);
        kill(fixture->serving.pid, SIGUSR2);
        expect_descriptors(fixture, before);
    }
    start_clients(fixture, tls, false, REQUESTS / 20);
    finish_clients(fixture);
    expect_descriptors(fixture, before);
    assert_true(serving_memory(&fixture->serving) <= 64 * MIB);
    serving_stop(&fixture->serving);
}

static void without_memory_it_refuses_and_lives(void **state)
{
    static const char *const writers[] = {"batch", "reserve", "append", "legacy"};
    struct fixture *fixture = *state;
    if (FAILING_LIBRARY[0] == '\0') {
        skip(); /* a sanitizer has an allocator of its own */
    }
    for (size_t i = 0; i < sizeof(writers) / sizeof(writers[0]); i++) {
        char options[64];
        snprintf(options, sizeof(options), "-t 2 -m 16m --writer %s", writers[i]);
        run_short_of_memory(fixture, options, false, "20");
        run_short_of_memory(fixture, options, false, "1000");
    }
}

static void without_memory_it_refuses_and_lives_with_tls(void **state)
{
    struct fixture *fixture = *state;
    char options[128];
    if (FAILING_LIBRARY[0] == '\0') {
        skip(); /* as above */
    }
    certificate_write(fixture->path);
    snprintf(options, sizeof(options), "-t 2 -m 16m --tls-cert %s", fixture->path);
    run_short_of_memory(fixture, options, true, "300");
    run_short_of_memory(fixture, options, true, "3000");
}

/* ---------------------------------------------------------------- no descriptors */

static double processor_seconds(const struct fixture *fixture)
{
    char path[64];
    unsigned long user = 0, kernel = 0;
    snprintf(path, sizeof(path), "/proc/%d/stat", fixture->serving.pid);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(
        fscanf(file, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel),
        2);
    fclose(file);
    return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}

static void send_noop(int client)
{
    struct bytes out = {0};
    bytes_add_request(&out, &(struct request){.opcode = MCBP_NOOP});
    client_send(client, span_of(out.data, out.size));
    bytes_free(&out);
}

/* Leaves the server so many descriptors more: those below the limit that are not taken. */
static void limit_descriptors(const struct fixture *fixture, unsigned wanted)
{
    char path[64];
    rlim_t limit = 0;
    for (unsigned found = 0; found < wanted; limit++) {
        snprintf(path, sizeof(path), "/proc/%d/fd/%u", fixture->serving.pid, (unsigned)limit);
        found += access(path, F_OK) != 0;
    }
    assert_int_equal(prlimit(fixture->serving.pid, RLIMIT_NOFILE,
                             &(struct rlimit){.rlim_cur = limit, .rlim_max = limit}, NULL),
                     0);
}

static void without_descriptors_clients_wait_for_their_turn(void **state)
{
    enum { FREE = 4, WANTED = 10 };
    struct fixture *fixture = *state;
    struct bytes in = {0};
    struct mcbp_frame frame;
    int clients[WANTED];
    serving_start(&fixture->serving, "-t 2");
    limit_descriptors(fixture, FREE);
    for (int i = 0; i < WANTED; i++) {
        clients[i] = client_connect(&fixture->serving);
        send_noop(clients[i]);
    }
    for (int i = 0; i < FREE; i++) {
        assert_true(client_frame(clients[i], &in, &frame));
    }
    double before = processor_seconds(fixture);
    assert_int_equal(poll(&(struct pollfd){.fd = clients[FREE], .events = POLLIN}, 1, 500), 0);
    assert_true(processor_seconds(fixture) - before < 0.25); /* half of the time: it would spin */
    for (int i = 0; i < WANTED; i++) {
        if (i >= FREE) {
            assert_true(client_frame(clients[i], &in, &frame));
        }
        close(clients[i]);
    }
    bytes_free(&in);
    serving_stop(&fixture->serving);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
    const struct CMUnitTest tests[] = {
        TEST(every_answer_is_right_beside_clients_that_leave_and_that_never_read),
        TEST(every_answer_is_right_over_tls),
        TEST(every_answer_is_right_by_any_writer),
        TEST(without_memory_it_refuses_and_lives),
        TEST(without_memory_it_refuses_and_lives_with_tls),
        TEST(without_descriptors_clients_wait_for_their_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
