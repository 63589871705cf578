#include "serving.h"

#include "base/endian.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"

#include <errno.h>
#include <netdb.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

enum { PATIENCE_SECONDS = 10, ARGUMENTS_MAX = 24 };

/* ---------------------------------------------------------------- the server */

/* The kernel ends it with us, however we end. */
static void become_server(int output, pid_t parent, const char *options)
{
    char words[512];
    char *arguments[ARGUMENTS_MAX] = {"kvreplay", "serve", "-p", "0"};
    size_t count = 4;
    snprintf(words, sizeof(words), "%s", options);
    for (char *word = strtok(words, " "); word != NULL; word = strtok(NULL, " ")) {
        arguments[count++] = word;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(1);
    }
    dup2(output, STDOUT_FILENO);
    execv(KVREPLAY_PROGRAM, arguments);
    perror(KVREPLAY_PROGRAM);
    _exit(127);
}

static void wait_until_ready(struct serving *serving)
{
    static const char ready[] = "ready: ";
    char line[128];
    size_t size = 0;
    do {
        ssize_t got = read(serving->output, line + size, sizeof(line) - 1 - size);
        if (got <= 0) {
            fail_msg("kvreplay serve did not become ready");
        }
        size += (size_t)got;
    } while (line[size - 1] != '\n' && size < sizeof(line) - 1);
    line[size - 1] = '\0';
    assert_memory_equal(line, ready, sizeof(ready) - 1);
    snprintf(serving->address, sizeof(serving->address), "%s", line + sizeof(ready) - 1);
}

void serving_start(struct serving *serving, const char *options)
{
    int output[2];
    pid_t parent = getpid();
    assert_int_equal(pipe(output), 0);
    serving->pid = fork();
    assert_true(serving->pid >= 0);
    if (serving->pid == 0) {
        become_server(output[1], parent, options);
    }
    close(output[1]);
    serving->output = output[0];
    wait_until_ready(serving);
}

void serving_stop(struct serving *serving)
{
    int status;
    pid_t pid = serving->pid;
    serving->pid = 0;
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    close(serving->output);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

void serving_kill(struct serving *serving)
{
    if (serving->pid <= 0) {
        return;
    }
    kill(serving->pid, SIGKILL);
    waitpid(serving->pid, NULL, 0);
    close(serving->output);
    serving->pid = 0;
}

size_t serving_memory(const struct serving *serving)
{
    char path[64];
    size_t pages = 0;
    snprintf(path, sizeof(path), "/proc/%d/statm", serving->pid);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%*u %zu", &pages), 1);
    fclose(file);
    return SANITIZED ? 0 : pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* ---------------------------------------------------------------- a client */

/* -1: nobody listens. */
static int connect_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, path);
    int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(client >= 0);
    if (connect(client, (struct sockaddr *)&address, sizeof(address)) == 0) {
        return client;
    }
    close(client);
    return -1;
}

/* "127.0.0.1:4711" or "[::1]:4711"; -1: nobody listens */
static int connect_tcp(const char *text)
{
    char host[96];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST}, *address;
    snprintf(host, sizeof(host), "%s", text + (text[0] == '['));
    char *port = strrchr(host, ':');
    assert_non_null(port);
    port[text[0] == '[' ? -1 : 0] = '\0';
    assert_int_equal(getaddrinfo(host, port + 1, &hints, &address), 0);
    int client = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(client >= 0);
    int connected = connect(client, address->ai_addr, address->ai_addrlen);
    freeaddrinfo(address);
    if (connected == 0) {
        return client;
    }
    close(client);
    return -1;
}

int client_try_to_connect(const struct serving *serving)
{
    struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
    int client =
        serving->address[0] == '/' ? connect_unix(serving->address) : connect_tcp(serving->address);
    if (client >= 0) {
        setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
        setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    }
    return client;
}

int client_connect(const struct serving *serving)
{
    int client = client_try_to_connect(serving);
    assert_true(client >= 0);
    return client;
}

void client_send(int client, struct span bytes)
{
    while (bytes.size != 0) {
        ssize_t sent = send(client, bytes.data, bytes.size, MSG_NOSIGNAL);
        if (sent <= 0) {
            fail_msg("the server does not take what is sent: %s", strerror(errno));
        }
        bytes = span_skip(bytes, (size_t)sent);
    }
}

/* False: the connection has ended. */
static bool receive_some(int client, struct bytes *in, size_t size)
{
    ssize_t got = recv(client, bytes_reserve(in, size), size, 0);
    if (got < 0 && errno != ECONNRESET) {
        fail_msg("the server does not answer: %s", strerror(errno));
    }
    in->size += got > 0 ? (size_t)got : 0;
    return got > 0;
}

void client_receive(int client, struct bytes *in, size_t size)
{
    size_t wanted = in->size + size;
    while (in->size < wanted) {
        if (!receive_some(client, in, wanted - in->size)) {
            fail_msg("the server has closed the connection");
        }
    }
}

bool client_frame(int client, struct bytes *in, struct mcbp_frame *frame)
{
    in->size = 0;
    enum mcbp_parse parsed;
    while ((parsed = mcbp_frame_parse(span_of(in->data, in->size), frame)) == MCBP_NEED_MORE) {
        if (!receive_some(client, in, frame->bytes.size - in->size)) {
            assert_int_equal(in->size, 0); /* it ends between two answers */
            return false;
        }
    }
    assert_int_equal(parsed, MCBP_FRAME);
    return true;
}

void client_expect_end(int client)
{
    struct bytes in = {0};
    assert_false(receive_some(client, &in, 1));
    assert_int_equal(in.size, 0);
    bytes_free(&in);
    close(client);
}

uint16_t client_ask(int client, const struct request *request, struct bytes *in)
{
    struct bytes out = {0};
    struct mcbp_frame frame;
    bytes_add_request(&out, request);
    client_send(client, span_of(out.data, out.size));
    bytes_free(&out);
    assert_true(client_frame(client, in, &frame));
    assert_int_equal(frame.header.opcode, request->opcode);
    assert_int_equal(frame.header.opaque, request->opaque);
    return frame.header.vbucket_or_status;
}

uint16_t client_set(int client, const char *key, size_t size)
{
    static const uint8_t extras[8];
    struct bytes in = {0};
    uint8_t *letters = malloc(size + 1);
    assert_non_null(letters);
    for (size_t i = 0; i < size; i++) {
        letters[i] = (uint8_t)('a' + i % 26);
    }
    struct request set = {
        .opcode = MCBP_SET,
        .extras = span_of(extras, sizeof(extras)),
        .key = span_of(key, strlen(key)),
        .value = span_of(letters, size),
    };
    uint16_t status = client_ask(client, &set, &in);
    free(letters);
    bytes_free(&in);
    return status;
}

void expect_alive(const struct serving *serving)
{
    struct bytes in = {0};
    int client = client_connect(serving);
    assert_int_equal(client_ask(client, &(struct request){.opcode = MCBP_NOOP, .opaque = 7}, &in),
                     MCBP_STATUS_SUCCESS);
    close(client);
    bytes_free(&in);
}
