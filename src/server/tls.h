#ifndef KVREPLAY_SERVER_TLS_H
#define KVREPLAY_SERVER_TLS_H

#include <openssl/ssl.h>

#include "server/server.h"

/*
 * TLS 1.2 and 1.3 with the certificate (and what belongs between it and a root) and key in these
 * PEM files. NULL: `problem` says why.
 */
SSL_CTX *tls_create(const char *certificate, const char *key, char problem[SERVER_PROBLEM_SIZE]);

#endif
