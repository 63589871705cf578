/*
 * Where to listen and where to connect to, as users write it: HOST:PORT, [HOST]:PORT or unix:PATH.
 */
#ifndef KVREPLAY_SOCKETS_ADDRESS_H
#define KVREPLAY_SOCKETS_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

/* A socket address of one of three families, to be given to bind and connect. */
struct address {
    union {
        struct sockaddr any; /* any.sa_family says which */
        struct sockaddr_in ipv4;
        struct sockaddr_in6 ipv6;
        struct sockaddr_un unix_path;
        struct sockaddr_storage storage;
    };
    socklen_t size;
};

enum {
    ADDRESSES_MAX = 16,
    ADDRESS_TEXT_SIZE = 128,
    SOCKETS_PROBLEM_SIZE = 512, /* of what the functions of this folder say is wrong */
};

/* What a name stands for, in the resolver's order. Zeroed: none. It owns nothing. */
struct addresses {
    struct address list[ADDRESSES_MAX];
    size_t count;
};

/*
 * Each adds to `addresses`. False: `problem` says why (no such name, too many, a path that is too
 * long, not of the form). Names are looked up, which takes as long as the resolver does.
 */
bool addresses_add(struct addresses *addresses, const char *text,
                   char problem[SOCKETS_PROBLEM_SIZE]); /* HOST:PORT, [HOST]:PORT, unix:PATH */
bool addresses_add_host(struct addresses *addresses, const char *host, uint16_t port,
                        char problem[SOCKETS_PROBLEM_SIZE]);
bool addresses_add_path(struct addresses *addresses, const char *path,
                        char problem[SOCKETS_PROBLEM_SIZE]);

/* The host as it is written in HOST:PORT or [HOST]:PORT. False: there is none. */
enum { ADDRESS_HOST_SIZE = 256 };
bool address_host(const char *text, char host[ADDRESS_HOST_SIZE]);

/* The TCP port; 0: it is a UNIX socket, which has none, and is given none. */
uint16_t address_port(const struct address *address);
void address_set_port(struct address *address, uint16_t port);

/* Whether it has one of the three forms, without looking anything up. */
bool address_is_formed(const char *text);

/* "127.0.0.1:11211", "[::1]:11211", or the path of a UNIX socket; written to `text` and returned.
 */
const char *address_text(const struct address *address, char text[ADDRESS_TEXT_SIZE]);

/* A non-blocking socket of that family, closed by exec, without Nagle's delay where there is one.
 * -1: errno says why. */
int address_socket(const struct address *address);

#endif
