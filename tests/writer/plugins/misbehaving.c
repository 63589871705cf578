/*
 * Writes like `append`, but for what MISBEHAVE in the environment names: it happens with the
 * response that has the opaque 4, or when the writer is loaded or destroyed.
 */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <kvresponse/plugin.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OPAQUE = 4, DESCRIPTORS = 64 };

static int is_mode(const char *name)
{
    const char *mode = getenv("MISBEHAVE");
    return mode != NULL && strcmp(mode, name) == 0;
}

/* ------------------------------------------------------------------------------- what it can do */

static void leave(void)
{
    exit(0);
}

static void leave_at_once(void)
{
    _exit(7);
}

static void crash(void)
{
    raise(SIGSEGV);
}

static void *in_thread(void *nothing)
{
    crash();
    return nothing;
}

static void crash_in_thread(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, in_thread, NULL) == 0) {
        pthread_join(thread, NULL);
    }
}

static int deeper(volatile int depth)
{
    volatile char frame[4096];
    frame[0] = (char)depth;
    return depth < 0 ? 0 : deeper(depth + 1) + frame[0];
}

static void overflow_stack(void)
{
    deeper(0);
}

static void free_twice(void)
{
    void *volatile block = malloc(40);
    free(block);
    free(block);
}

static void take_memory(void)
{
    void *volatile block;
    do {
        block = malloc(16 << 20);
    } while (block != NULL);
    abort();
}

static void terminate(void)
{
    raise(SIGTERM);
}

static void alarm_clock(void)
{
    raise(SIGALRM);
}

static void trap(void)
{
    raise(SIGTRAP);
}

static void kill_itself(void)
{
    raise(SIGKILL);
}

static void stop(void)
{
    raise(SIGSTOP);
}

static void hang(void)
{
    fputs("hanging\n", stderr);
    for (;;) {
        pause();
    }
}

static void loop(void)
{
    for (volatile int turn = 0;;) {
        turn = !turn;
    }
}

static void overflow_heap(void)
{
    volatile char *block = malloc(40); /* or a compiler leaves the writes out */
    for (int i = 0; i < 100000; i++) {
        block[i] = 'A';
    }
    free((char *)block);
    char *volatile next = malloc(5000);
    free(next);
}

static void close_all(void)
{
    for (int descriptor = 0; descriptor < DESCRIPTORS; descriptor++) {
        close(descriptor);
    }
}

static void scribble(void)
{
    static const char text[] = "this is no answer of the host, and longer than any is";
    for (int descriptor = 3; descriptor < DESCRIPTORS; descriptor++) {
        if (write(descriptor, text, sizeof(text)) < 0) {
            continue;
        }
    }
}

static void print(void)
{
    puts("{\"not\": \"a report\"}");
    fflush(stdout);
}

/* The copy lives on, and keeps all descriptors. */
static void crash_beside_a_copy(void)
{
    if (fork() == 0) {
        sleep(5);
        _exit(0);
    }
    crash();
}

/* What it leaves behind keeps all descriptors, for longer than tests wait. */
static void leave_a_copy(void)
{
    if (fork() == 0) {
        sleep(120);
        _exit(0);
    }
    _exit(1);
}

static void misbehave(void)
{
    static const struct {
        const char *name;
        void (*act)(void);
    } modes[] = {
        {"exit", leave},
        {"_exit", leave_at_once},
        {"crash", crash},
        {"thread", crash_in_thread},
        {"stack", overflow_stack},
        {"free", free_twice},
        {"memory", take_memory},
        {"term", terminate},
        {"alarm", alarm_clock},
        {"trap", trap},
        {"kill", kill_itself},
        {"stop", stop},
        {"loop", loop},
        {"heap", overflow_heap},
        {"copy", leave_a_copy},
        {"hang", hang},
        {"close", close_all},
        {"scribble", scribble},
        {"print", print},
        {"fork", crash_beside_a_copy},
    };
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (is_mode(modes[i].name)) {
            modes[i].act();
        }
    }
}

/* ------------------------------------------------------------------------------------ the writer
 */

static int has_opaque(const struct kvr_response *responses, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (responses[i].opaque == OPAQUE) {
            return 1;
        }
    }
    return 0;
}

static enum kvr_error write_all(void *state, struct bufferevent *bufferevent,
                                const struct kvr_response *responses, size_t count)
{
    static jmp_buf place;
    static int set;
    if (is_mode("longjmp") && has_opaque(responses, count) && set) {
        longjmp(place, 1);
    }
    if (is_mode("longjmp") && setjmp(place) != 0) {
        return KVR_OK;
    }
    set = 1; /* and returns, so that the place is none any more */
    if (is_mode("company") && count > 1) {
        abort();
    } else if (is_mode("always")) {
        crash();
    } else if (is_mode("flood") && has_opaque(responses, count)) {
        static const char flood[1 << 20];
        evbuffer_add(bufferevent_get_output(bufferevent), flood, sizeof(flood));
    } else if (is_mode("gorge") && has_opaque(responses, count)) {
        static const char flood[4096];
        while (evbuffer_add(bufferevent_get_output(bufferevent), flood, sizeof(flood)) == 0) {
        }
    } else if (is_mode("drain") && has_opaque(responses, count)) {
        evbuffer_unfreeze(bufferevent_get_output(bufferevent), 1);
        evbuffer_drain(bufferevent_get_output(bufferevent), (size_t)-1);
        return KVR_OK;
    } else if (is_mode("error") && has_opaque(responses, count)) {
        return (enum kvr_error)77;
    } else if (has_opaque(responses, count)) {
        misbehave();
    }
    return kvr_write(state, bufferevent, responses, count);
}

static void *create(void)
{
    return kvr_writer_new("batch", NULL);
}

static void destroy(void *state)
{
    kvr_writer_free(state);
    if (is_mode("destroy")) {
        crash();
    }
}

__attribute__((constructor)) static void load(void)
{
    if (is_mode("load")) {
        crash();
    }
}

static const struct kvr_writer_type writer = {.name = "misbehaving",
                                              .summary = "does what MISBEHAVE says",
                                              .create = create,
                                              .destroy = destroy,
                                              .write = write_all};

const struct kvr_plugin kvr_plugin_v1 = KVR_PLUGIN(&writer);
