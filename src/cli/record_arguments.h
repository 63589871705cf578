/*
 * The options of kvreplay record.
 */
#ifndef KVREPLAY_CLI_RECORD_ARGUMENTS_H
#define KVREPLAY_CLI_RECORD_ARGUMENTS_H

#include "capture/tap.h"
#include "record/proxy.h"
#include "record/user.h"

struct record_options {
    struct tape_options tape;
    unsigned seconds_max; /* 0: no limit */
    bool proxy_wanted;    /* or else live capture */
    struct proxy_options proxy;
    struct tap_options tap;
    struct user *user; /* to be instead of root; NULL: the owner of the file's folder */
    uint64_t max_loss; /* packets that may be dropped */
};

/* Wrong usage ends the program. `user` is to be given to user_free. */
void record_arguments(int argc, char **argv, struct record_options *options);

#endif
