/*
 * The frames of a server that tell a client where the nodes of its cluster are, found among all
 * others. Couchbase's servers send such a configuration as the value of their answer to
 * GET_CLUSTER_CONFIG, of NOT_MY_VBUCKET, and of a notification of their own.
 */
#ifndef KVREPLAY_RECORD_CONFIG_FRAMES_H
#define KVREPLAY_RECORD_CONFIG_FRAMES_H

#include "mcbp/frame.h"

enum { CONFIG_FRAME_MAX = 4 << 20 }; /* bytes; a longer frame goes on as others do */

enum config_frames {
    CONFIG_FRAMES_OTHER, /* other bytes, which go on as they are */
    CONFIG_FRAMES_MORE,  /* has to come: so many bytes have to be there in one piece */
    CONFIG_FRAMES_FOUND, /* a frame with a configuration, whole */
    CONFIG_FRAMES_LONG,  /* the same, but too long to be kept: nothing is taken yet */
};

/*
 * Looks at what comes next in a stream, `input`, at least one byte; sets *size to the bytes of it
 * that the result is about. `rest` is the stream's: the bytes before its next frame, 0 at first.
 * What does not begin with a frame is no MCBP, and neither is anything behind it.
 */
enum config_frames config_frames_next(uint64_t *rest, struct span input, size_t *size);

#endif
