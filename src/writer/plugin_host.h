/*
 * The inside of a plug-in's process: loads the shared object and calls its writer as it is told.
 */
#ifndef KVREPLAY_WRITER_PLUGIN_HOST_H
#define KVREPLAY_WRITER_PLUGIN_HOST_H

#include <stdnoreturn.h>

/*
 * Turns the process that has just been forked into a host, and serves `socket` until that is
 * closed. `parent` is the process that forked it: when that ends, this one is killed.
 *
 * Nothing of the parent's is left within reach: all other descriptors are closed, standard input is
 * empty, standard output goes to standard error, and signals do what they do by default. The
 * process is in a group of its own, so that ^C in a terminal ends kvreplay and not the writer.
 */
noreturn void plugin_host_run(int socket, int parent, const char *path);

#endif
