// What the files of the shim share. Names start with cq_.
#ifndef CENTRAM_QUIC_INTERNAL_H
#define CENTRAM_QUIC_INTERNAL_H
#include "centram_quic.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>

enum { CQ_CID_LENGTH = 16, CQ_CLOSE_PACKET = 1280, CQ_CONTROL_LIMIT = 256, CQ_RATE_SLOTS = 2048, CQ_LARGE_BLOCK = 32768, CQ_SMALL_BLOCK = 2048,
       CQ_PLACE_CLASSES = 4 };

// Bytes of a stream or a datagram. Blocks of CQ_LARGE_BLOCK are kept for reuse.
typedef struct cq_block {
  struct cq_block *next;
  uint32_t capacity, start, end;
  uint8_t bytes[];
} cq_block;

typedef struct {
  cq_block *head, *tail;
} cq_block_list;

// A flow-control window of ours: its size, and what was read since when of its last half.
typedef struct {
  uint64_t size, read, since;
} cq_window;

// Where a connection or stream stands in the queue of events.
typedef struct cq_node {
  struct cq_node *previous, *next;
  bool queued, is_stream;
  uint16_t pending;  // a bit an event kind
} cq_node;

typedef struct cq_cid_entry {
  struct cq_cid_entry *next, *sibling;  // in the bucket; of the same connection
  cquic_connection *connection;
  uint8_t length, bytes[NGTCP2_MAX_CIDLEN];
} cq_cid_entry;

struct cquic_stream {
  cq_node node;
  cquic_connection *connection;
  cquic_stream *previous, *next;            // of the connection
  cquic_stream *send_previous, *send_next;  // with something to send
  cquic_stream *accept_next;
  void *user;
  int64_t id;
  cq_block_list sending;  // not acknowledged
  cq_block *cursor;       // where the next packet reads
  uint32_t cursor_offset;
  uint64_t unsent, unacknowledged, burst;
  cq_block_list received;
  uint64_t received_bytes;
  cq_window window;
  uint8_t *sink;
  size_t sink_capacity, sunk;
  uint64_t wanted_write, error_code;
  bool sendable, finish, finish_sent, write_shut, remote, announced, waits_for_read;
  bool accepted, end_received, end_read, was_reset, library_open, released, slot_returned, stop_wanted;
};

typedef enum { CQ_OPEN, CQ_CLOSING, CQ_DRAINING, CQ_DEAD } cq_state;

struct cquic_connection {
  cq_node node;
  cquic_endpoint *endpoint;
  cquic_connection *previous, *next;  // of the endpoint
  cquic_connection *dirty_next;
  ngtcp2_conn *quic;
  gnutls_session_t tls;
  ngtcp2_crypto_conn_ref reference;
  cq_cid_entry *cids;
  cquic_stream *streams, *send_head, *send_tail, *accept_head, *accept_tail;
  uint32_t stream_count, waiting_writers;
  uint64_t unsent, unacknowledged;  // of all streams
  cq_window window;
  cq_block_list datagrams_out, datagrams_in;
  uint32_t datagrams_out_count, datagrams_in_count, datagram_attempts;
  void *user;
  uint64_t now, timer;
  size_t heap_index;
  cq_state state;
  cquic_end end;
  ngtcp2_connection_close_error close_error;
  uint64_t deadline;       // of a closing or draining connection, or of lingering
  uint8_t *close_packet;   // CQ_CLOSE_PACKET bytes once closed here
  size_t close_size;
  cquic_batch *close_batch;
  cquic_source source;
  uint64_t packets_received, packets_sent, retire_prior_to;
  uint8_t expected[CQUIC_KEY_SIZE], key[CQUIC_KEY_SIZE], binding[CQUIC_BINDING_SIZE];
  uint32_t late_left;      // of a TLS message after the handshake: bytes that are still to come
  uint8_t late_header[4], late_count;
  bool server, expects, has_key, wrong_key, bad_certificate, dirty, in_heap, handshake_done, settled, connected, shown, released;
  bool close_wanted, close_pending, paced, waits_for_stream, waits_for_datagram, stateless_reset, ended;
};

// A reply that belongs to no connection.
typedef struct cq_control {
  struct cq_control *next;
  cquic_batch batch;
  size_t size;
  uint8_t bytes[];
} cq_control;

typedef struct {
  uint64_t key, window;  // minute
  uint32_t unproved, proved;
} cq_rate_slot;

// Places for pools of the library of one number of pages.
typedef struct {
  struct cq_region *regions;
  void **free;
  size_t free_count, total;
} cq_places;

struct cquic_endpoint {
  cquic_config config;
  char alpn[64];
  gnutls_certificate_credentials_t credentials;
  gnutls_priority_t priorities;
  gnutls_x509_privkey_t key;
  gnutls_x509_crt_t certificate;
  uint8_t public_key[CQUIC_KEY_SIZE], secret[32], hash_key[16];
  cq_cid_entry **buckets;
  size_t bucket_count, cid_count;
  cquic_connection *connections, *dirty_head, *dirty_tail;
  cquic_connection **heap;
  size_t heap_count, heap_capacity;
  cq_node *event_head, *event_tail;
  cq_control *controls, *controls_tail;
  size_t control_count;
  uint8_t *stash;  // a packet that did not fit its batch
  size_t stash_size;
  cquic_batch stash_batch;
  cq_block *spare;
  size_t spare_count;
  cq_rate_slot *rates;
  cquic_counters counters;
  ngtcp2_mem memory;
  cq_places places[CQ_PLACE_CLASSES];  // of 1, 2 ... pages
  bool accepts;
};

// events.c
void cq_event_push(cquic_endpoint *endpoint, cq_node *node, cquic_event_kind kind);
void cq_event_remove(cquic_endpoint *endpoint, cq_node *node);
// cids.c
uint64_t cq_hash(const uint8_t key[16], const uint8_t *bytes, size_t count);
cquic_connection *cq_cid_find(const cquic_endpoint *endpoint, const uint8_t *bytes, size_t count);
bool cq_cid_add(cquic_connection *connection, const uint8_t *bytes, size_t count);
void cq_cid_remove(cquic_connection *connection, const uint8_t *bytes, size_t count);
void cq_cids_clear(cquic_connection *connection);
// timers.c
bool cq_timer_reserve(cquic_endpoint *endpoint);
void cq_timer_set(cquic_connection *connection, uint64_t time);
void cq_timer_remove(cquic_connection *connection);
void cq_timer_update(cquic_connection *connection, uint64_t now);
// blocks.c
cq_block *cq_block_new(cquic_endpoint *endpoint, size_t capacity);
void cq_block_free(cquic_endpoint *endpoint, cq_block *block);
void cq_blocks_free(cquic_endpoint *endpoint, cq_block_list *list);
// Returns how many bytes were taken: all, unless memory is out.
size_t cq_blocks_append(cquic_endpoint *endpoint, cq_block_list *list, const uint8_t *bytes, size_t count);
size_t cq_blocks_take(cquic_endpoint *endpoint, cq_block_list *list, uint8_t *bytes, size_t capacity);
// memory.c
void cq_memory_init(cquic_endpoint *endpoint);
void cq_memory_free(cquic_endpoint *endpoint);
// tls.c
void cq_random(cquic_endpoint *endpoint, uint8_t *bytes, size_t count);
const char *cq_identity_make(cquic_endpoint *endpoint);
bool cq_tls_attach(cquic_connection *connection);
bool cq_tls_bind(cquic_connection *connection);
// After the handshake nothing of TLS is needed but the keys, and the library has those.
void cq_tls_release(cquic_connection *connection);
int cq_tls_received(ngtcp2_conn *quic, ngtcp2_crypto_level level, uint64_t offset, const uint8_t *bytes, size_t count, void *user);
// connection.c
cquic_connection *cq_connection_new(cquic_endpoint *endpoint);
void cq_connection_mark(cquic_connection *connection);
void cq_connection_settings(cquic_endpoint *endpoint, ngtcp2_settings *settings, ngtcp2_transport_params *parameters, uint64_t now);
void cq_connection_ended(cquic_connection *connection, cquic_end_kind kind, uint64_t code, bool application, const char *reason, size_t count);
void cq_connection_failed(cquic_connection *connection, int error, uint64_t now);
void cq_connection_drained(cquic_connection *connection, uint64_t now);
void cq_connection_close_now(cquic_connection *connection, uint64_t now);
// Frees the library's state, and the connection itself where nobody holds it. True where it is gone.
bool cq_connection_bury(cquic_connection *connection);
bool cq_connection_free_if_unused(cquic_connection *connection);
void cq_connection_destroy(cquic_connection *connection);
// callbacks.c
void cq_callbacks_fill(ngtcp2_callbacks *callbacks, bool server);
// guard.c
void cq_guard_enter(cquic_connection *connection);
void cq_guard_leave(void);
int cq_guard_decrypt(uint8_t *out, const ngtcp2_crypto_aead *aead, const ngtcp2_crypto_aead_ctx *context, const uint8_t *sealed, size_t count,
                     const uint8_t *nonce, size_t nonce_count, const uint8_t *extra, size_t extra_count);
int cq_guard_encrypt(uint8_t *out, const ngtcp2_crypto_aead *aead, const ngtcp2_crypto_aead_ctx *context, const uint8_t *plain, size_t count,
                     const uint8_t *nonce, size_t nonce_count, const uint8_t *extra, size_t extra_count);
void cq_guard_frames(cquic_connection *connection, uint8_t *frames, size_t count);
// accept.c
cquic_connection *cq_accept(cquic_endpoint *endpoint, const ngtcp2_version_cid *ids, const uint8_t *bytes, size_t count, const cquic_path *path,
                            const cquic_source *source, uint64_t now);
void cq_control_push(cquic_endpoint *endpoint, const uint8_t *bytes, size_t count, const cquic_path *path, const cquic_source *source);
// limits.c
typedef enum { CQ_TAKE, CQ_PROVE, CQ_REFUSE, CQ_DROP } cq_verdict;
cq_verdict cq_limits_judge(cquic_endpoint *endpoint, const cquic_path *path, bool proved, uint64_t now);
// streams.c
cquic_stream *cq_stream_new(cquic_connection *connection, int64_t id, bool remote);
void cq_stream_free_if_unused(cquic_stream *stream);
void cq_stream_destroy(cquic_stream *stream);
void cq_stream_library_closed(cquic_stream *stream);
void cq_streams_end(cquic_connection *connection);
void cq_streams_forget_unaccepted(cquic_connection *connection);
void cq_stream_enqueue(cquic_stream *stream);
void cq_stream_dequeue(cquic_stream *stream);
void cq_stream_sent(cquic_stream *stream, uint64_t count, bool finish);
void cq_stream_acknowledged(cquic_stream *stream, uint64_t count);
void cq_stream_stop_peer(cquic_stream *stream);
void cq_stream_write_failed(cquic_stream *stream, uint64_t code);
void cq_stream_read_failed(cquic_stream *stream, uint64_t code);
int cq_stream_received(cquic_stream *stream, const uint8_t *bytes, size_t count, bool end);
void cq_streams_wake_writers(cquic_connection *connection);
// windows.c
void cq_connection_credit(cquic_connection *connection, uint64_t count);
void cq_stream_credit(cquic_stream *stream, uint64_t count);
// datagrams.c
void cq_datagram_received(cquic_connection *connection, const uint8_t *bytes, size_t count);
void cq_datagrams_clear(cquic_connection *connection);
void cq_datagram_sent(cquic_connection *connection);

static inline ngtcp2_path cq_path(const cquic_path *path) {
  return (ngtcp2_path){{(ngtcp2_sockaddr *)&path->local, path->local_length}, {(ngtcp2_sockaddr *)&path->remote, path->remote_length}, NULL};
}
#endif
