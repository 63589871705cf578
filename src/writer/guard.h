/*
 * Calling a writer that may crash.
 *
 * After a crash nothing is known of the bufferevent and of the writer's state: locks may be held,
 * chunks half linked. The caller reports, abandons both and ends the program soon.
 */
#ifndef KVREPLAY_WRITER_GUARD_H
#define KVREPLAY_WRITER_GUARD_H

#include "response/kvresponse.h"

/*
 * Catches SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT from now on, in guarded calls only: outside
 * of them the signals do what they did before. False if the handlers can't be installed.
 */
_Bool guard_begin(void);
void guard_end(void);

/*
 * As writer->write. Returns 0 and sets *error to what that returned, or returns the signal that it
 * died of. One guarded call at a time per thread.
 */
int guard_write(const struct kvr_writer *writer, void *state, struct bufferevent *bufferevent,
                const struct kvr_response *responses, size_t count, enum kvr_error *error);

#endif
