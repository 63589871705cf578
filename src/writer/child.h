/*
 * Ends of processes that run somebody else's writer.
 */
#ifndef KVREPLAY_WRITER_CHILD_H
#define KVREPLAY_WRITER_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

enum {
    CHILD_TIMEOUT = 10,        /* seconds that a writer's call may take, by default */
    CHILD_TIMEOUT_MAX = 86400, /* the most that it may be given */
    CHILD_END_TEXT_SIZE = 128,
};

/*
 * For the process just forked: it is killed when `parent`, which forked it, ends. False: that has
 * happened already.
 */
bool child_follow_parent(pid_t parent);

/* One that it has forked may live on, and keep its end of a socket open. */
bool child_has_ended(pid_t pid);

/*
 * Waits for a process that has no more to do, for a second at most; one that lives on is killed,
 * and so is what else there is in its group (setpgid): it would keep what we print open for a
 * reader. True: it had ended by itself, with *status.
 */
bool child_wait(pid_t pid, int *status);

/* Kills a process, if it has not ended, and its group. True: it had ended by itself, with *status.
 */
bool child_kill(pid_t pid, int *status);

/* Says how a process ended that waitpid has returned `status` for, e.g. "killed by signal 11
 * (Segmentation fault)", "exit with status 0". */
void child_describe_end(int status, char text[CHILD_END_TEXT_SIZE]);
void child_describe_timeout(unsigned seconds, char text[CHILD_END_TEXT_SIZE]);

#endif
