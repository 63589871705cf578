#include "writer/child.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    TURN = 1,        /* ms, of waiting for an end */
    PATIENCE = 1000, /* ms */
};

bool child_follow_parent(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    return getppid() == parent; /* or it ended before the line above */
}

/* Its group ends with it, while its number is still its own. */
static void end_group(pid_t pid, int *status)
{
    kill(-pid, SIGKILL);
    waitpid(pid, status, 0);
}

bool child_has_ended(pid_t pid)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}

bool child_wait(pid_t pid, int *status)
{
    for (int waited = 0; waited < PATIENCE; waited += TURN) {
        if (child_has_ended(pid)) {
            end_group(pid, status);
            return true;
        }
        poll(NULL, 0, TURN);
    }
    return child_kill(pid, status);
}

bool child_kill(pid_t pid, int *status)
{
    bool ended = child_has_ended(pid);
    if (!ended) {
        kill(pid, SIGKILL);
    }
    end_group(pid, status);
    return ended;
}

void child_describe_end(int status, char text[CHILD_END_TEXT_SIZE])
{
    if (WIFSIGNALED(status)) {
        snprintf(text, CHILD_END_TEXT_SIZE, "killed by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    } else {
        snprintf(text, CHILD_END_TEXT_SIZE, "exit with status %d", WEXITSTATUS(status));
    }
}

void child_describe_timeout(unsigned seconds, char text[CHILD_END_TEXT_SIZE])
{
    snprintf(text, CHILD_END_TEXT_SIZE, "no return within %u s", seconds);
}
