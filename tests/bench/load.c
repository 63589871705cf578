/*
 * Load for a memcached-compatible server: connections that send GETs a number at a time and wait
 * for the answers. So that the server and not the load is what takes long, it is one thread, and
 * throws most answers away unseen.
 *
 *     bench_load [-T] [-c CONNECTIONS] [-d DEPTH] [-v VALUE] [-n REQUESTS] PORT
 *
 * -T: TLS. Prints the seconds that the GETs took. The values are stored beforehand.
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { KEYS = 1000, KEY = 8, HEADER = 24, FLAGS = 4, CONNECTIONS_MAX = 512, GET = 0, SET = 1 };
enum { CHECKED = 16 }; /* of so many rounds one is looked at; the others' bytes are counted */

struct options {
    int connections, depth, value, port;
    long requests;
    SSL_CTX *tls;
};

struct connection {
    int socket;
    SSL *tls;
};

/* ---------------------------------------------------------------- bytes to and fro */

static void send_all(const struct connection *connection, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        size_t sent = 0;
        if (connection->tls != NULL) {
            if (SSL_write_ex(connection->tls, bytes, size, &sent) != 1) {
                errx(1, "TLS: not sent");
            }
        } else {
            ssize_t some = send(connection->socket, bytes, size, MSG_NOSIGNAL);
            if (some <= 0) {
                err(1, "send");
            }
            sent = (size_t)some;
        }
        bytes += sent;
        size -= sent;
    }
}

static void receive_all(const struct connection *connection, uint8_t *bytes, size_t size)
{
    while (size > 0) {
        size_t got = 0;
        if (connection->tls != NULL) {
            if (SSL_read_ex(connection->tls, bytes, size, &got) != 1) {
                errx(1, "TLS: the server has closed the connection");
            }
        } else {
            ssize_t some = recv(connection->socket, bytes, size, 0);
            if (some <= 0) {
                err(1, "receive");
            }
            got = (size_t)some;
        }
        bytes += got;
        size -= got;
    }
}

/* Receives without copying, where the system can: see tcp(7). */
static void skip_all(const struct connection *connection, uint8_t *room, size_t size)
{
    if (connection->tls != NULL) {
        receive_all(connection, room, size);
        return;
    }
    while (size > 0) {
        ssize_t some = recv(connection->socket, room, size, MSG_TRUNC);
        if (some <= 0) {
            err(1, "receive");
        }
        size -= (size_t)some;
    }
}

static struct connection connect_to(const struct options *options)
{
    static const int on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)options->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct connection connection = {.socket = socket(AF_INET, SOCK_STREAM, 0)};
    if (connect(connection.socket, (struct sockaddr *)&address, sizeof(address)) != 0) {
        err(1, "port %d", options->port);
    }
    setsockopt(connection.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (options->tls != NULL) {
        connection.tls = SSL_new(options->tls);
        SSL_set_fd(connection.tls, connection.socket);
        if (SSL_connect(connection.tls) != 1) {
            errx(1, "TLS: no handshake");
        }
    }
    return connection;
}

/* ---------------------------------------------------------------- requests and answers */

static void put32(uint8_t *at, uint32_t number)
{
    number = htonl(number);
    memcpy(at, &number, sizeof(number));
}

/* The opaque is the key's number. Returns what is behind the key. */
static uint8_t *put_request(uint8_t *at, uint8_t opcode, int key, int extras, int value)
{
    char text[KEY + 1];
    memset(at, 0, (size_t)(HEADER + extras));
    at[0] = 0x80;
    at[1] = opcode;
    at[3] = KEY;
    at[4] = (uint8_t)extras;
    put32(at + 8, (uint32_t)(extras + KEY + value));
    put32(at + 12, (uint32_t)key);
    snprintf(text, sizeof(text), "key%05d", key);
    memcpy(at + HEADER + extras, text, KEY);
    return at + HEADER + extras + KEY;
}

static void check_answer(const uint8_t *answer, uint8_t opcode, int key, int body)
{
    uint8_t expected[HEADER] = {0x81, opcode, 0, 0, opcode == GET ? FLAGS : 0};
    put32(expected + 8, (uint32_t)body);
    put32(expected + 12, (uint32_t)key);
    if (memcmp(answer, expected, 16) != 0) {
        errx(1, "key %d: not the answer expected", key);
    }
}

static void store(const struct connection *connection, int size)
{
    uint8_t *request = malloc((size_t)(HEADER + 8 + KEY + size));
    uint8_t answer[HEADER];
    for (int key = 0; key < KEYS; key++) {
        uint8_t *end = put_request(request, SET, key, 8, size);
        memset(end, 'v', (size_t)size);
        send_all(connection, request, (size_t)(end + size - request));
        receive_all(connection, answer, HEADER);
        check_answer(answer, SET, key, 0);
    }
    free(request);
}

/* Each connection asks for `depth` keys before the first of their answers is read. */
static void ask(const struct connection *connections, const struct options *options)
{
    int depth = options->depth, key = 0;
    unsigned round = 0;
    size_t answer = (size_t)(HEADER + FLAGS + options->value);
    size_t request = HEADER + KEY;
    uint8_t *out = malloc(request * (size_t)depth), *in = malloc(answer * (size_t)depth);
    for (long done = 0; done < options->requests;
         done += (long)depth * options->connections, key = (key + depth) % KEYS) {
        for (int i = 0; i < depth; i++) {
            put_request(out + request * (size_t)i, GET, (key + i) % KEYS, 0, 0);
        }
        for (int c = 0; c < options->connections; c++) {
            send_all(&connections[c], out, request * (size_t)depth);
        }
        bool checked = round++ % CHECKED == 0;
        for (int c = 0; c < options->connections; c++) {
            (checked ? receive_all : skip_all)(&connections[c], in, answer * (size_t)depth);
            for (int i = 0; checked && i < depth; i++) {
                check_answer(in + answer * (size_t)i, GET, (key + i) % KEYS,
                             FLAGS + options->value);
            }
        }
    }
    free(out);
    free(in);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct options parse(int argc, char **argv)
{
    struct options options = {.connections = 8, .depth = 64, .value = 100, .requests = 1000000};
    for (int option; (option = getopt(argc, argv, "Tc:d:v:n:")) >= 0;) {
        switch (option) {
        case 'T':
            options.tls = SSL_CTX_new(TLS_client_method());
            break;
        case 'c':
            options.connections = atoi(optarg);
            break;
        case 'd':
            options.depth = atoi(optarg);
            break;
        case 'v':
            options.value = atoi(optarg);
            break;
        case 'n':
            options.requests = atol(optarg);
            break;
        default:
            exit(2);
        }
    }
    options.port = optind < argc ? atoi(argv[optind]) : 0;
    if (options.connections < 1 || options.connections > CONNECTIONS_MAX || options.depth < 1 ||
        options.depth > KEYS || options.value < 0 || options.value > 1000000 || options.port == 0) {
        errx(2, "bad usage");
    }
    return options;
}

int main(int argc, char **argv)
{
    struct options options = parse(argc, argv);
    struct connection connections[CONNECTIONS_MAX];
    for (int i = 0; i < options.connections; i++) {
        connections[i] = connect_to(&options);
    }
    store(&connections[0], options.value);
    double start = seconds();
    ask(connections, &options);
    printf("%.6f\n", seconds() - start);
    return 0;
}
