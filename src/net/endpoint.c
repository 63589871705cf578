#include "net/packet.h"

#include <arpa/inet.h>
#include <stdio.h>

const char *net_endpoint_text(const struct net_endpoint *endpoint,
                              char text[NET_ENDPOINT_TEXT_SIZE])
{
    char address[INET6_ADDRSTRLEN] = "";
    bool is_ipv6 = endpoint->family == 6;
    inet_ntop(is_ipv6 ? AF_INET6 : AF_INET, endpoint->address, address, sizeof(address));
    snprintf(text, NET_ENDPOINT_TEXT_SIZE, is_ipv6 ? "[%s]:%u" : "%s:%u", address,
             (unsigned)endpoint->port);
    return text;
}
