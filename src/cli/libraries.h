/*
 * The libraries that let their user choose where their memory comes from.
 */
#ifndef KVREPLAY_CLI_LIBRARIES_H
#define KVREPLAY_CLI_LIBRARIES_H

/* Lets them take it from this program's malloc, so that their failures are counted too
 * (base/memory.h). Before any other call of theirs. */
void libraries_share_malloc(void);

/* libevent, too, ends the program when it has no memory, which its TLS does not survive otherwise
 * (server/spares.h). Before any other call of libevent. */
void libraries_let_libevent_end(void);

/* OpenSSL ends the program with VERIFY_INTERNAL when it has no memory; from here on it tells its
 * caller instead. For servers, once they are set up and before there are threads. */
void libraries_let_openssl_go_on(void);

#endif
