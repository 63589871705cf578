/*
 * speak server|client MECHANISM NAME PASSWORD: one side of logging in, for interop.py. Messages are
 * lines of base64 on standard input and output. The server's have C (continue) or S (success) and a
 * blank in front of them, in either direction; the end is a line of its own.
 */
#include "sasl/base64.h"
#include "sides.h"

#include <stdio.h>
#include <stdlib.h>

enum { LINE_ROOM = 2 * SASL_MESSAGE_MAX, USER_ROOM = SASL_NAME_MAX + SASL_PASSWORD_MAX + 2 };

static void say(const char *prefix, struct span message)
{
    struct buffer line = {0};
    if (!base64_append(&line, message)) {
        abort();
    }
    printf("%s%.*s\n", prefix, (int)line.end, line.bytes == NULL ? "" : (const char *)line.bytes);
    fflush(stdout);
    buffer_deinit(&line);
}

/* Reads a line, and decodes what is behind its first `skipped` characters. */
static bool hear(size_t skipped, char line[LINE_ROOM], uint8_t *bytes, struct span *message)
{
    size_t size;
    if (fgets(line, LINE_ROOM, stdin) == NULL) {
        return false;
    }
    line[strcspn(line, "\n")] = '\0';
    if (strlen(line) < skipped ||
        !base64_decode(text(line + skipped), bytes, SASL_MESSAGE_MAX, &size)) {
        return false;
    }
    *message = span_of(bytes, size);
    return true;
}

static enum sasl_status serve(const char *mechanism, const char *user)
{
    static char line[LINE_ROOM];
    static uint8_t bytes[SASL_MESSAGE_MAX];
    struct span message, reply;
    struct sasl_users *users = sasl_users_create();
    enum sasl_status status = SASL_FAILED;
    struct sasl_server *server = sasl_server_create(users);
    if (sasl_users_add(users, text(user)) == SASL_USERS_OK && hear(0, line, bytes, &message)) {
        status = sasl_server_start(server, text(mechanism), message, &reply);
    }
    while (status == SASL_CONTINUE) {
        say("C ", reply);
        status = hear(0, line, bytes, &message) ? sasl_server_step(server, message, &reply)
                                                : SASL_FAILED;
    }
    if (status == SASL_OK) {
        say("S ", reply);
    }
    sasl_server_destroy(server);
    sasl_users_destroy(users);
    return status;
}

static enum sasl_status log_in(enum sasl_mechanism mechanism, const char *name,
                               const char *password)
{
    static char line[LINE_ROOM];
    static uint8_t bytes[SASL_MESSAGE_MAX];
    struct span message, heard;
    struct sasl_client *client = sasl_client_create(mechanism, text(name), text(password));
    enum sasl_status status = sasl_client_start(client, &message);
    while (status == SASL_CONTINUE) {
        say("", message);
        if (!hear(2, line, bytes, &heard)) {
            status = SASL_REFUSED;
        } else if (line[0] == 'S') {
            status = sasl_client_finish(client, heard);
        } else {
            status = sasl_client_step(client, heard, &message);
        }
    }
    sasl_client_destroy(client);
    return status;
}

int main(int argc, char **argv)
{
    char user[USER_ROOM];
    enum sasl_mechanism mechanism;
    if (argc != 5 || !sasl_mechanism_find(text(argv[2]), &mechanism)) {
        return 2;
    }
    snprintf(user, sizeof(user), "%s:%s", argv[3], argv[4]);
    enum sasl_status status =
        strcmp(argv[1], "server") == 0 ? serve(argv[2], user) : log_in(mechanism, argv[3], argv[4]);
    puts(status == SASL_OK ? "ok" : status == SASL_REFUSED ? "refused" : "failed");
    return 0;
}
