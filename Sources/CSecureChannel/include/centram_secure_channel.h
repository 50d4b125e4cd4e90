/* TLS 1.3 over memory: no sockets. Both sides show an Ed25519 certificate; the key is the identity, everything else in it is ignored. */
#ifndef CENTRAM_SECURE_CHANNEL_H
#define CENTRAM_SECURE_CHANNEL_H
#include <stddef.h>
#include <stdint.h>

typedef struct centram_channel centram_channel_t;

/* `seed`: of the own Ed25519 key. `certificate`: DER. `expected`: the peer's key, or NULL to take any. NULL: out of memory or a bad certificate. */
centram_channel_t *centram_channel_new(int is_server, const uint8_t seed[32], const uint8_t *certificate, size_t length, const uint8_t *expected);
void centram_channel_free(centram_channel_t *channel);

/* Takes bytes from the peer. 0, or -1 where they could not be kept. */
int centram_channel_feed(centram_channel_t *channel, const uint8_t *bytes, size_t count);
/* 1: established; 0: needs more from the peer; -1: failed. */
int centram_channel_handshake(centram_channel_t *channel);
/* Plain bytes; 0: none now; -1: failed; -2: the peer ended the channel. */
long centram_channel_read(centram_channel_t *channel, uint8_t *buffer, size_t capacity);
/* Encrypts all of `bytes`. 0, or -1. */
int centram_channel_write(centram_channel_t *channel, const uint8_t *bytes, size_t count);
/* How many bytes wait to be sent to the peer, and takes them. */
size_t centram_channel_pending(centram_channel_t *channel);
size_t centram_channel_take(centram_channel_t *channel, uint8_t *buffer, size_t capacity);

/* Valid once a certificate was seen: 1, and the key. */
int centram_channel_peer_key(const centram_channel_t *channel, uint8_t key[32]);
/* Whether the peer's key was another than the expected. */
int centram_channel_wrong_peer(const centram_channel_t *channel);
/* RFC 8446 section 7.5. 0, or -1. */
int centram_channel_export(centram_channel_t *channel, const char *label, uint8_t *bytes, size_t count);
#endif
