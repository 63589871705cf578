/*
 * Users of the system. They are looked up in a process of their own: glibc (2.36, nss_database.c)
 * crashes where it has no memory for that, and what modules of others do then nobody knows.
 */
#ifndef KVREPLAY_RECORD_USER_H
#define KVREPLAY_RECORD_USER_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

enum { USER_PROBLEM_SIZE = 400 };

struct user {
    uid_t id;
    gid_t group;
    int groups_count;
    gid_t groups[NGROUPS_MAX]; /* all of them, with `group` */
};

/*
 * By name, or by `id` where `name` is NULL. An id without an entry has no group but `group`. To be
 * given to user_free. NULL: `problem` says why, and errno is 0 if there is no such user.
 */
struct user *user_look_up(const char *name, uid_t id, gid_t group, char problem[USER_PROBLEM_SIZE]);
void user_free(struct user *user);

#endif
