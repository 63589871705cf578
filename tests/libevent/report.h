/*
 * Whether the libevent at hand has a fault: tried in a process of its own, since it may be a crash.
 */
#ifndef REPORT_H
#define REPORT_H

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum outcome { RIGHT, FAULTY, NOT_FOUND_OUT };

/* Not to be found out: the fault's circumstances can't be brought about. */
#define NEED(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                \
            exit(NOT_FOUND_OUT);                                                                   \
        }                                                                                          \
    } while (0)

/* Prints a line. Returns 0 whether it has the fault or not, 1 if that was not found out. */
static inline int report(const char *fault, enum outcome (*try_it)(void))
{
    int status = 0;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        if (freopen("/dev/null", "w", stderr) == NULL) { /* where an assertion of libevent's goes */
            _exit(NOT_FOUND_OUT);
        }
        _exit(try_it());
    }
    if (child < 0 || waitpid(child, &status, 0) != child ||
        (WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND_OUT)) {
        printf("libevent %s: could not be found out: %s\n", event_get_version(), fault);
        return 1;
    }
    char crash[32] = "";
    if (WIFSIGNALED(status)) {
        snprintf(crash, sizeof(crash), " (signal %d)", WTERMSIG(status));
    }
    printf("libevent %s: %s%s: %s\n", event_get_version(), status == RIGHT ? "no fault" : "FAULT",
           crash, fault);
    return 0;
}

#endif
