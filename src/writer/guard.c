#include "writer/guard.h"

#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
enum { SIGNALS = sizeof(signals) / sizeof(signals[0]) };

/* A handler gets no argument of ours, so these have to be global. */
static struct sigaction before[SIGNALS];
static _Thread_local sigjmp_buf *way_out; /* NULL outside a guarded call */

static void on_crash(int number)
{
    sigjmp_buf *out = way_out;
    if (out != NULL) {
        way_out = NULL;
        siglongjmp(*out, number);
    }
    /* Not ours: once more, with the handler that was there before. */
    for (int i = 0; i < SIGNALS; i++) {
        if (signals[i] == number) {
            sigaction(number, &before[i], NULL);
        }
    }
    raise(number);
}

bool guard_begin(void)
{
    struct sigaction action = {.sa_handler = on_crash};
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < SIGNALS; i++) {
        if (sigaction(signals[i], &action, &before[i]) < 0) {
            while (i-- > 0) {
                sigaction(signals[i], &before[i], NULL);
            }
            return false;
        }
    }
    return true;
}

void guard_end(void)
{
    for (int i = 0; i < SIGNALS; i++) {
        sigaction(signals[i], &before[i], NULL);
    }
}

int guard_write(const struct kvr_writer *writer, void *state, struct bufferevent *bufferevent,
                const struct kvr_response *responses, size_t count, enum kvr_error *error)
{
    sigjmp_buf out;
    int number = sigsetjmp(out, 1);
    if (number == 0) {
        way_out = &out;
        *error = writer->write(state, bufferevent, responses, count);
    }
    way_out = NULL;
    return number;
}
