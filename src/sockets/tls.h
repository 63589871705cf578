/*
 * TLS 1.2 and 1.3 of both sides, as OpenSSL's contexts, to be given to SSL_CTX_free.
 */
#ifndef KVREPLAY_SOCKETS_TLS_H
#define KVREPLAY_SOCKETS_TLS_H

#include "sockets/address.h"

#include <openssl/ssl.h>

/*
 * For a server, with the certificate (and what belongs between it and a root) and key in these PEM
 * files. NULL: `problem` says why.
 */
SSL_CTX *tls_create_server(const char *certificate, const char *key,
                           char problem[SOCKETS_PROBLEM_SIZE]);

/*
 * For a client. The server's certificate has to be signed by one in that PEM file; NULL: by one of
 * those that the system trusts. NULL is returned: `problem` says why.
 */
SSL_CTX *tls_create_client(const char *authorities, char problem[SOCKETS_PROBLEM_SIZE]);

/*
 * Why a handshake has failed, written to `text`, which is returned: what is wrong with the server's
 * certificate, and the option that may help, or `error` (of OpenSSL's queue; 0: none) as OpenSSL
 * has it. NULL: neither says anything.
 */
enum { TLS_REASON_SIZE = 256 };
const char *tls_reason(const SSL *tls, unsigned long error, char text[TLS_REASON_SIZE]);

/* Of a client's connection: the certificate has to be for that host, a name or an address. False:
 * no memory. */
bool tls_expect_host(SSL *tls, const char *host);

#endif
