// A QUIC endpoint (RFC 9000) without I/O: no sockets, no threads, no clock. The caller brings datagrams and the time, takes
// datagrams and events. ngtcp2 and GnuTLS stay behind this header. An endpoint is used by one thread at a time; the library
// calls nothing of the caller's but `random`, so no code of the caller runs inside it.
//
// Times are nanoseconds of any monotonic clock that does not start at 0. A pointer to a connection or stream that an event or
// a call gave out stays valid until its `_release`.
//
// Streams are bidirectional. Whoever opens one sends a zero byte first, so that the other end sees it before there is data; the
// receiver takes it off.
#ifndef CENTRAM_QUIC_H
#define CENTRAM_QUIC_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

typedef struct cquic_endpoint cquic_endpoint;
typedef struct cquic_connection cquic_connection;
typedef struct cquic_stream cquic_stream;

enum { CQUIC_MAX_BATCH = 65000, CQUIC_MAX_SEGMENTS = 64, CQUIC_KEY_SIZE = 32, CQUIC_BINDING_SIZE = 32, CQUIC_REASON_SIZE = 128 };

// What calls return below 0.
enum {
  CQUIC_AGAIN = -1,      // nothing there now, or no room; an event will tell
  CQUIC_CLOSED = -2,     // the connection is closed
  CQUIC_RESET = -3,      // the stream was reset; `cquic_stream_error_code` tells the code
  CQUIC_TOO_LARGE = -4,  // a datagram does not fit
  CQUIC_REFUSED = -5,    // not now: no free connection id, or a state that forbids it
  CQUIC_FINISHED = -6,   // written to after the end
  CQUIC_NO_MEMORY = -7,
};

typedef struct {
  uint8_t seed[CQUIC_KEY_SIZE];  // Ed25519; the certificate is made from it
  const char *alpn;
  void (*random)(void *context, uint8_t *bytes, size_t count);  // NULL: GnuTLS's generator
  void *random_context;
  uint64_t idle_timeout, handshake_timeout, keep_alive, linger;  // keep_alive 0: none
  uint64_t stream_window, max_stream_window;                     // bytes a peer may send on a stream ahead of its reader: at first, and grown to
  uint64_t connection_window, max_connection_window;             // the same for a connection
  uint64_t stream_send_buffer, connection_send_buffer;           // bytes that the peer has not acknowledged
  uint64_t max_streams;                                          // open at once, opened by the peer
  uint32_t max_connections, max_half_open;                       // half open: handshakes of others that are not finished
  uint32_t retry_above_half_open;                                // from here on a source must prove its address first
  uint32_t handshakes_per_minute;                                // a source: an IPv4 address or an IPv6 /64 prefix
  uint32_t datagram_queue;                                       // datagrams held a direction
  uint32_t max_udp_payload;                                      // the largest datagram that path discovery may end at
  bool path_mtu_discovery, pacing;
} cquic_config;

typedef struct {
  struct sockaddr_storage local, remote;
  socklen_t local_length, remote_length;
} cquic_path;

// The address of ours that a datagram was sent to, where the socket is bound to any: 4 or 16 bytes; 0: not known.
typedef struct {
  uint8_t bytes[16];
  uint8_t length;
} cquic_source;

// Datagrams to send at once: each `segment` bytes but the last, which may be shorter.
typedef struct {
  cquic_path path;
  cquic_source source;
  size_t segment;
  uint8_t ecn;
} cquic_batch;

typedef enum {
  CQUIC_NO_EVENT = 0,
  CQUIC_EVENT_CONNECTED,        // both ends know each other. A server's connection appears with this event
  CQUIC_EVENT_CLOSED,           // see `cquic_connection_end`
  CQUIC_EVENT_STREAM_OPENED,    // by the peer
  CQUIC_EVENT_STREAM_READABLE,  // after a read that had to wait
  CQUIC_EVENT_STREAM_WRITABLE,  // after a write that had to wait
  CQUIC_EVENT_STREAMS,          // one more may be opened, after an opening that had to wait
  CQUIC_EVENT_DATAGRAM_READABLE,
  CQUIC_EVENT_DATAGRAM_WRITABLE,
  CQUIC_EVENT_PATH,             // the peer's address is another one now
} cquic_event_kind;

typedef struct {
  cquic_event_kind kind;
  cquic_connection *connection;
  cquic_stream *stream;  // NULL where the event is the connection's
} cquic_event;

typedef enum {
  CQUIC_END_NONE = 0,
  CQUIC_END_LOCAL,       // closed here
  CQUIC_END_REMOTE,      // closed by the peer
  CQUIC_END_IDLE,        // nothing heard for the idle time-out
  CQUIC_END_HANDSHAKE,   // the handshake took too long
  CQUIC_END_RESET,       // the peer has forgotten the connection
  CQUIC_END_WRONG_PEER,  // another key than the expected one answered
  CQUIC_END_NO_KEY,      // the peer's certificate is not a single one with an Ed25519 key
  CQUIC_END_VERSION,     // the peer speaks no QUIC version 1
  CQUIC_END_ERROR,       // a protocol or TLS error; `code` is QUIC's
} cquic_end_kind;

typedef struct {
  cquic_end_kind kind;
  bool application;  // whether `code` is the application's
  uint64_t code;
  char reason[CQUIC_REASON_SIZE];
} cquic_end;

// What happened since the endpoint was made. Nothing else is kept of a peer that failed.
typedef struct {
  uint64_t datagrams_received, bytes_received, datagrams_dropped;     // dropped: empty, malformed, or for nobody
  uint64_t datagrams_sent, bytes_sent;
  uint64_t handshakes_started, handshakes_completed, handshakes_failed;
  uint64_t refused_rate, refused_half_open, refused_connections;       // limits reached
  uint64_t retries_sent, tokens_refused, version_negotiations_sent, stateless_resets_sent;
  uint64_t frames_defused;                                             // frames that would stop the library, taken out
  uint64_t datagrams_overflowed;                                       // unreliable datagrams that found a full queue
  uint64_t stream_limit_reached, send_limit_reached;                   // a local opening or write had to wait
  uint64_t path_changes;
  uint64_t connections, half_open;                                     // now
} cquic_counters;

typedef struct {
  uint64_t smoothed_rtt, minimum_rtt, congestion_window, bytes_in_flight;
  uint64_t packets_received, packets_sent;
  size_t udp_payload;
  bool can_send_datagrams;
} cquic_statistics;

// NULL where GnuTLS refuses the seed or a value is out of its range; `reason` then says which.
cquic_endpoint *cquic_endpoint_new(const cquic_config *config, const char **reason);
// Frees everything, connections and streams that were not released too.
void cquic_endpoint_free(cquic_endpoint *endpoint);
void cquic_endpoint_key(const cquic_endpoint *endpoint, uint8_t key[CQUIC_KEY_SIZE]);
// The certificate and private key in PEM, for tools of other makers. Sizes in and out; false where the space is too small.
bool cquic_endpoint_pem(const cquic_endpoint *endpoint, char *certificate, size_t *certificate_size, char *key, size_t *key_size);
cquic_counters cquic_endpoint_counters(const cquic_endpoint *endpoint);
// Whether handshakes of others are taken.
void cquic_endpoint_accept(cquic_endpoint *endpoint, bool accept);

// One datagram. It is not kept.
void cquic_receive(cquic_endpoint *endpoint, const uint8_t *bytes, size_t count, const cquic_path *path, const cquic_source *source, uint8_t ecn,
                   uint64_t now);
// Writes the next datagrams to `bytes`, at least CQUIC_MAX_BATCH bytes, and returns how many bytes; 0: nothing to send now.
size_t cquic_send(cquic_endpoint *endpoint, uint8_t *bytes, size_t capacity, size_t segments, cquic_batch *batch, uint64_t now);
// When `cquic_expire` is to be called next; UINT64_MAX: never.
uint64_t cquic_next_expiry(const cquic_endpoint *endpoint);
void cquic_expire(cquic_endpoint *endpoint, uint64_t now);
// The next event, until CQUIC_NO_EVENT.
cquic_event cquic_next_event(cquic_endpoint *endpoint);

// NULL: out of memory. The end comes as an event.
cquic_connection *cquic_connect(cquic_endpoint *endpoint, const cquic_path *path, const uint8_t *expected_key, uint64_t now);
void cquic_connection_release(cquic_connection *connection);
void cquic_connection_set_user(cquic_connection *connection, void *user);
void *cquic_connection_user(const cquic_connection *connection);
bool cquic_connection_is_server(const cquic_connection *connection);
// Of the peer: NULL before it is known.
const uint8_t *cquic_connection_key(const cquic_connection *connection);
// TLS exporter of RFC 9266, CQUIC_BINDING_SIZE bytes, from CONNECTED on.
const uint8_t *cquic_connection_binding(const cquic_connection *connection);
void cquic_connection_end(const cquic_connection *connection, cquic_end *end);
void cquic_connection_remote(const cquic_connection *connection, struct sockaddr_storage *address, socklen_t *length);
// Closes once what was written is acknowledged, at the latest after the linger time. Nothing is written or opened after this.
void cquic_connection_close(cquic_connection *connection, uint64_t code, const char *reason, uint64_t now);
// Goes on from another local address after the peer has proved that it can be reached from there.
int cquic_connection_migrate(cquic_connection *connection, const struct sockaddr *local, socklen_t length, uint64_t now);
int cquic_connection_update_keys(cquic_connection *connection, uint64_t now);
void cquic_connection_statistics(const cquic_connection *connection, cquic_statistics *statistics);

// NULL with CQUIC_AGAIN: the peer allows no more; an event will tell. NULL with CQUIC_CLOSED: closed.
cquic_stream *cquic_stream_open(cquic_connection *connection, int *error);
// The next stream that the peer opened, or NULL. Each STREAM_OPENED stands for one or more.
cquic_stream *cquic_stream_accept(cquic_connection *connection);
// Resets what is still open.
void cquic_stream_release(cquic_stream *stream);
void cquic_stream_set_user(cquic_stream *stream, void *user);
void *cquic_stream_user(const cquic_stream *stream);
int64_t cquic_stream_id(const cquic_stream *stream);
// Copies what the peer's flow control and the send buffers allow and returns how many bytes. Fewer than `count`: an event will tell.
int64_t cquic_stream_write(cquic_stream *stream, const void *bytes, size_t count);
int cquic_stream_finish(cquic_stream *stream);
// How many bytes were read, 0 at the peer's end. CQUIC_AGAIN with `wait`: arriving bytes are written to `bytes` directly, until an
// event and the next call with the same `bytes` tell how many; so `bytes` is lent until then, or until a call without `wait`.
int64_t cquic_stream_read(cquic_stream *stream, void *bytes, size_t capacity, bool wait);
void cquic_stream_reset(cquic_stream *stream, uint64_t code);
uint64_t cquic_stream_error_code(const cquic_stream *stream);

int cquic_datagram_send(cquic_connection *connection, const void *bytes, size_t count);
// The size of the next one; CQUIC_TOO_LARGE where it does not fit, and it is dropped.
int64_t cquic_datagram_receive(cquic_connection *connection, void *bytes, size_t capacity);

const char *cquic_library_version(void);
#endif
