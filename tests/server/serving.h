/*
 * kvreplay serve, started for a test on a port that the kernel chooses, and ended with it; and
 * clients of it. Whatever takes longer than ten seconds fails the test.
 */
#ifndef KVREPLAY_TESTS_SERVER_SERVING_H
#define KVREPLAY_TESTS_SERVER_SERVING_H

#include "engine/bytes.h"

#include <sys/types.h>

struct serving {
    pid_t pid;
    int output;        /* its standard output */
    char address[128]; /* as it says: HOST:PORT, or the path of a UNIX socket */
};

/* `options`: what is given beside -p 0, split at blanks. */
void serving_start(struct serving *serving, const char *options);

/* Sends SIGTERM, waits, and demands exit status 0, which it is not if a sanitizer complained. */
void serving_stop(struct serving *serving);

/* For tear-downs: ends it however the test went. */
void serving_kill(struct serving *serving);

/* The memory it occupies, bytes; 0 with a sanitizer, whose memory that would be. */
size_t serving_memory(const struct serving *serving);

/* A connected, blocking socket, with a time limit for each call. */
int client_connect(const struct serving *serving);

/* The same; -1 if nobody listens. */
int client_try_to_connect(const struct serving *serving);

void client_send(int client, struct span bytes);

/* Receives exactly `size` bytes and adds them to `in`. */
void client_receive(int client, struct bytes *in, size_t size);

/* Receives the next frame in place of `in`. False: the server has closed the connection instead. */
bool client_frame(int client, struct bytes *in, struct mcbp_frame *frame);

/* Demands that the server closes the connection without another byte, and closes it. */
void client_expect_end(int client);

/* A request and its answer's status; the answer is in place of `in`. */
uint16_t client_ask(int client, const struct request *request, struct bytes *in);

/* SET of a key whose value is `size` letters; returns the status. */
uint16_t client_set(int client, const char *key, size_t size);

/* The server answers a new client. */
void expect_alive(const struct serving *serving);

#endif
