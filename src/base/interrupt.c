#include "base/interrupt.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

/* A handler gets no argument of ours, so these have to be global. */
static volatile sig_atomic_t flag;
static volatile sig_atomic_t several;
static struct sigaction caught; /* how they were before interrupt_end_on_third */
static int wakes = -1; /* readable once one has come; without it a read could begin just after it */

static void interrupt_on_signal(int number)
{
    (void)number;
    int error = errno;
    flag = 1;
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    eventfd_write(wakes, 1);
    errno = error;
}

bool interrupt_catch(void)
{
    struct sigaction action = {.sa_handler = interrupt_on_signal, .sa_flags = SA_RESTART};
    wakes = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return wakes >= 0 && sigaction(SIGINT, &action, NULL) == 0 &&
           sigaction(SIGTERM, &action, NULL) == 0;
}

static void on_signal_of_several(int number)
{
    if (++several > 2) {
        signal(number, SIG_DFL);
        raise(number);
    } else if (caught.sa_handler != SIG_DFL && caught.sa_handler != SIG_IGN) {
        caught.sa_handler(number);
    }
}

void interrupt_end_on_third(void)
{
    struct sigaction action = {.sa_handler = on_signal_of_several, .sa_flags = SA_RESTART};
    if (sigaction(SIGTERM, NULL, &caught) == 0) { /* the same is done for both */
        sigaction(SIGTERM, &action, NULL);
        sigaction(SIGINT, &action, NULL);
    }
}

void interrupt_hold(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
}

void interrupt_leave_to_parent(void)
{
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

bool interrupted(void)
{
    return flag != 0;
}

const volatile sig_atomic_t *interrupt_flag(void)
{
    return &flag;
}

bool interrupt_wait_readable(int fd)
{
    struct pollfd waited[] = {{.fd = fd, .events = POLLIN}, {.fd = wakes, .events = POLLIN}};
    int ready;
    do {
        ready = poll(waited, 2, -1);
    } while (flag == 0 && ready < 0 && errno == EINTR);
    return flag == 0; /* if waiting fails, so does reading, which says why */
}
