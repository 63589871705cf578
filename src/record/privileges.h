/*
 * Giving up root. What a recorder needs it for is done when its socket is open; what comes in after
 * that is somebody else's bytes.
 */
#ifndef KVREPLAY_RECORD_PRIVILEGES_H
#define KVREPLAY_RECORD_PRIVILEGES_H

#include "record/user.h"

#include <stdbool.h>

enum { PRIVILEGES_PROBLEM_SIZE = 512 };

/* Whether this process may become `user`: root may become anyone, others are themselves already. */
bool privileges_allow(const struct user *user);

/*
 * Becomes `user`, with the user's groups; NULL: the owner of the folder that `output` lies in, or
 * the user that it is if `output` is "-". Without root, or if that is root itself, the user stays.
 * All capabilities(7) are dropped in any case, and none can be gained again by execve(2). For
 * processes with one thread. False: `problem` says why, and the process has to end.
 */
bool privileges_drop(const struct user *user, const char *output,
                     char problem[PRIVILEGES_PROBLEM_SIZE]);

#endif
