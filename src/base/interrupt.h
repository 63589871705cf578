/*
 * SIGINT and SIGTERM: the first asks a command to end with what it has, the second ends the program
 * at once.
 */
#ifndef KVREPLAY_BASE_INTERRUPT_H
#define KVREPLAY_BASE_INTERRUPT_H

#include <signal.h>
#include <stdbool.h>

/* From here on the signals are caught. False: they can't be, errno says why. */
bool interrupt_catch(void);

/* For who has caught them otherwise: the third one ends the program at once, whatever it waits for.
 */
void interrupt_end_on_third(void);

/* They wait from here on: what is left to do before the end is short, and the exit status is to say
 * how all went. For who has caught them otherwise, and is about to do so no more. */
void interrupt_hold(void);

/* For a child of a process that catches them: a terminal's signals are left to the parent, and the
 * child does not outlive it. */
void interrupt_leave_to_parent(void);

/* One has come. */
bool interrupted(void);

/* The same, for who may not include this: not 0 once one has come. */
const volatile sig_atomic_t *interrupt_flag(void);

/* Waits until there is something to be read, an end or an error too. False: interrupted. */
bool interrupt_wait_readable(int fd);

#endif
