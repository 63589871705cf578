#include "sockets/address.h"

#include "base/memory.h"

#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char scheme[] = "unix:"; /* of a path */

static bool address_fail(char problem[SOCKETS_PROBLEM_SIZE], const char *where, const char *why)
{
    snprintf(problem, SOCKETS_PROBLEM_SIZE, "%.300s: %s", where, why);
    return false;
}

static bool address_add(struct addresses *addresses, const void *address, socklen_t size)
{
    if (addresses->count == ADDRESSES_MAX || size > sizeof(struct sockaddr_storage)) {
        return false;
    }
    struct address *added = &addresses->list[addresses->count++];
    memset(added, 0, sizeof(*added));
    memcpy(&added->storage, address, size);
    added->size = size;
    return true;
}

bool addresses_add_host(struct addresses *addresses, const char *host, uint16_t port,
                        char problem[SOCKETS_PROBLEM_SIZE])
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found;
    char service[8];
    snprintf(service, sizeof(service), "%u", port);
    errno = 0;
    int error = getaddrinfo(host, service, &hints, &found);
    if (error == EAI_MEMORY || (error != 0 && errno == ENOMEM)) { /* glibc calls it EAI_NONAME */
        memory_note_failure();
        return address_fail(problem, host, strerror(ENOMEM));
    }
    if (error != 0) {
        return address_fail(problem, host,
                            error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error));
    }
    bool added = true;
    for (const struct addrinfo *one = found; added && one != NULL; one = one->ai_next) {
        added = address_add(addresses, one->ai_addr, one->ai_addrlen);
    }
    freeaddrinfo(found);
    return added || address_fail(problem, host, "too many addresses");
}

bool addresses_add_path(struct addresses *addresses, const char *path,
                        char problem[SOCKETS_PROBLEM_SIZE])
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof(address.sun_path)) {
        return address_fail(problem, path,
                            length == 0 ? "a path is missing" : "too long for a socket's path");
    }
    memcpy(address.sun_path, path, length);
    return address_add(addresses, &address, sizeof(address)) ||
           address_fail(problem, path, "too many addresses");
}

/* Digits and nothing else, up to 65535; -1: it is no port. */
static int read_port(const char *text)
{
    int port = 0;
    for (const char *digit = text; *digit != '\0'; digit++) {
        if (*digit < '0' || *digit > '9') {
            return -1;
        }
        port = port * 10 + (*digit - '0');
        if (port > UINT16_MAX) {
            return -1;
        }
    }
    return *text == '\0' ? -1 : port;
}

static bool is_path(const char *text)
{
    return strncmp(text, scheme, strlen(scheme)) == 0;
}

/* Without the brackets that an IPv6 address needs. */
bool address_host(const char *text, char host[ADDRESS_HOST_SIZE])
{
    const char *colon = strrchr(text, ':');
    size_t length = colon == NULL ? 0 : (size_t)(colon - text);
    bool brackets = length >= 2 && text[0] == '[' && text[length - 1] == ']';
    if (brackets) {
        text++;
        length -= 2;
    }
    if (length == 0 || length >= ADDRESS_HOST_SIZE || is_path(text) ||
        (!brackets && memchr(text, ':', length) != NULL)) {
        return false;
    }
    memcpy(host, text, length);
    host[length] = '\0';
    return true;
}

/* -1: there is none, or it is none. */
static int port_of(const char *text)
{
    const char *colon = strrchr(text, ':');
    return colon == NULL ? -1 : read_port(colon + 1);
}

bool address_is_formed(const char *text)
{
    char host[ADDRESS_HOST_SIZE];
    return is_path(text) ? text[strlen(scheme)] != '\0'
                         : port_of(text) >= 0 && address_host(text, host);
}

bool addresses_add(struct addresses *addresses, const char *text,
                   char problem[SOCKETS_PROBLEM_SIZE])
{
    char host[ADDRESS_HOST_SIZE];
    if (!address_is_formed(text)) {
        return address_fail(problem, text, "not of the form HOST:PORT, [IPV6]:PORT or unix:PATH");
    }
    if (is_path(text)) {
        return addresses_add_path(addresses, text + strlen(scheme), problem);
    }
    return address_host(text, host) &&
           addresses_add_host(addresses, host, (uint16_t)port_of(text), problem);
}

uint16_t address_port(const struct address *address)
{
    return address->any.sa_family == AF_INET    ? ntohs(address->ipv4.sin_port)
           : address->any.sa_family == AF_INET6 ? ntohs(address->ipv6.sin6_port)
                                                : 0;
}

void address_set_port(struct address *address, uint16_t port)
{
    if (address->any.sa_family == AF_INET) {
        address->ipv4.sin_port = htons(port);
    } else if (address->any.sa_family == AF_INET6) {
        address->ipv6.sin6_port = htons(port);
    }
}

const char *address_text(const struct address *address, char text[ADDRESS_TEXT_SIZE])
{
    char host[INET6_ADDRSTRLEN + IF_NAMESIZE] = "?", port[8] = "?";
    if (address->any.sa_family == AF_UNIX) {
        snprintf(text, ADDRESS_TEXT_SIZE, "%s", address->unix_path.sun_path);
        return text;
    }
    getnameinfo(&address->any, address->size, host, sizeof(host), port, sizeof(port),
                NI_NUMERICHOST | NI_NUMERICSERV);
    bool ipv6 = address->any.sa_family == AF_INET6;
    snprintf(text, ADDRESS_TEXT_SIZE, ipv6 ? "[%s]:%s" : "%s:%s", host, port);
    return text;
}

int address_socket(const struct address *address)
{
    static const int on = 1;
    int family = address->any.sa_family;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && family != AF_UNIX) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }
    return fd;
}
