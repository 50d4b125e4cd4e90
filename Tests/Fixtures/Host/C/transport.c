// A transport inside one process. Every operation is completed from a thread of its own, in the order of completion.
//
// For the tests of the C lane, not an example: it has made-up keys, one binding for all connections, and faults that an address asks for, so it does not
// keep the promises of a transport. One that does is Templates/transport/c.
#include "door.h"
#include <pthread.h>

enum { MAX = 65536, ROOM = 1 << 16 };
typedef struct { centram_done_fn done; void *context; uint8_t *bytes; size_t count; } wait_t;
typedef struct { centram_done_fn done; void *context; int32_t status; int64_t value; const char *message; } job_t;
typedef struct { char address[100]; int64_t backlog[64]; int waiting, open; wait_t accept; } listener_t;
typedef struct { int64_t peer, streams[1024]; int waiting, open; uint8_t key; wait_t accept, receive; uint8_t datagram[1500]; size_t datagram_count; } connection_t;
typedef struct { int64_t peer; uint8_t inbox[ROOM]; size_t count; int ended, broken; wait_t receive, send; } stream_t;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ready = PTHREAD_COND_INITIALIZER;
static listener_t listeners[MAX];
static connection_t connections[MAX];
static stream_t *streams[MAX];
static int64_t last_listener, last_connection, last_stream;
static job_t jobs[MAX];
static size_t job_head, job_tail;

static void *work(void *unused) {
  (void)unused;
  for (;;) {
    pthread_mutex_lock(&lock);
    while (job_head == job_tail) pthread_cond_wait(&ready, &lock);
    job_t job = jobs[job_head++ % MAX];
    pthread_mutex_unlock(&lock);
    job.done(job.context, job.status, job.value, job.message);
  }
  return NULL;
}
static pthread_once_t once = PTHREAD_ONCE_INIT;
static void start(void) { pthread_t thread; pthread_create(&thread, NULL, work, NULL); pthread_detach(thread); }
static void complete(centram_done_fn done, void *context, int32_t status, int64_t value, const char *message) {
  jobs[job_tail++ % MAX] = (job_t){done, context, status, value, message};
  pthread_cond_signal(&ready);
}
static void finish_wait(wait_t *wait, int32_t status, int64_t value, const char *message) {
  if (wait->done) complete(wait->done, wait->context, status, value, message);
  wait->done = NULL;
}
#define LOCKED(...) do { pthread_once(&once, start); pthread_mutex_lock(&lock); __VA_ARGS__ pthread_mutex_unlock(&lock); } while (0)

static void listen_(void *self, const char *address, centram_done_fn done, void *context) {
  (void)self;
  LOCKED({
    int64_t handle = ++last_listener;
    snprintf(listeners[handle].address, sizeof listeners[handle].address, "%s", address);
    listeners[handle].open = 1;
    if (strstr(address, "zero")) complete(done, context, CENTRAM_OK, 0, "");
    else complete(done, context, CENTRAM_OK, handle, "");
  });
}
static int32_t listener_address(void *self, int64_t listener, char *address, size_t capacity) {
  (void)self;
  snprintf(address, capacity, "%s", listeners[listener].address);
  return CENTRAM_OK;
}
static void pump_listener(listener_t *listener) {
  if (!listener->accept.done || !listener->waiting) return;
  int64_t first = listener->backlog[0];
  memmove(listener->backlog, listener->backlog + 1, sizeof(int64_t) * (size_t)--listener->waiting);
  finish_wait(&listener->accept, CENTRAM_OK, first, "");
}
static void accept_(void *self, int64_t listener, centram_done_fn done, void *context) {
  (void)self;
  LOCKED({
    if (!listeners[listener].open) complete(done, context, CENTRAM_ERROR_CLOSED, 0, "the listener is closed");
    else { listeners[listener].accept = (wait_t){done, context, NULL, 0}; pump_listener(&listeners[listener]); }
  });
}
static void close_listener(void *self, int64_t listener, centram_done_fn done, void *context) {
  (void)self;
  LOCKED({
    listeners[listener].open = 0;
    finish_wait(&listeners[listener].accept, CENTRAM_ERROR_CLOSED, 0, "the listener was closed");
    complete(done, context, CENTRAM_OK, 0, "");
  });
}
static void dial(void *self, const char *address, const uint8_t *expected, centram_done_fn done, void *context) {
  (void)self;
  LOCKED({
    int64_t found = 0;
    for (int64_t i = 1; i <= last_listener; i++) if (listeners[i].open && !strcmp(listeners[i].address, address)) found = i;
    if (!found) complete(done, context, CENTRAM_ERROR_UNAVAILABLE, 0, "nobody listens there");
    else if (expected && expected[0] != 1) complete(done, context, CENTRAM_ERROR_INVALID, 0, "another peer answered");
    else {
      int64_t here = ++last_connection, there = ++last_connection;
      connections[here] = (connection_t){.peer = there, .open = 1, .key = 1};
      connections[there] = (connection_t){.peer = here, .open = 1, .key = 2};
      listeners[found].backlog[listeners[found].waiting++] = there;
      pump_listener(&listeners[found]);
      complete(done, context, CENTRAM_OK, here, "");
    }
  });
}
static int32_t peer(void *self, int64_t connection, uint8_t key[32]) { (void)self; memset(key, connections[connection].key, 32); return CENTRAM_OK; }
static size_t channel_binding(void *self, int64_t connection, uint8_t *bytes, size_t capacity) {
  (void)self; (void)capacity;
  memcpy(bytes, "binding", 7);
  return connections[connection].open ? 7 : 0;
}
static void pump_streams(connection_t *connection) {
  if (!connection->accept.done || !connection->waiting) return;
  int64_t first = connection->streams[0];
  memmove(connection->streams, connection->streams + 1, sizeof(int64_t) * (size_t)--connection->waiting);
  finish_wait(&connection->accept, CENTRAM_OK, first, "");
}
static void open_stream(void *self, int64_t connection, centram_done_fn done, void *context) {
  (void)self;
  LOCKED({
    int64_t here = ++last_stream, there = ++last_stream;
    streams[here] = calloc(1, sizeof(stream_t));
    streams[there] = calloc(1, sizeof(stream_t));
    streams[here]->peer = there;
    streams[there]->peer = here;
    connection_t *other = &connections[connections[connection].peer];
    other->streams[other->waiting++] = there;
    pump_streams(other);
    complete(done, context, CENTRAM_OK, here, "");
  });
}
static void accept_stream(void *self, int64_t connection, centram_done_fn done, void *context) {
  (void)self;
  LOCKED({
    if (!connections[connection].open) complete(done, context, CENTRAM_ERROR_CLOSED, 0, "the connection is closed");
    else { connections[connection].accept = (wait_t){done, context, NULL, 0}; pump_streams(&connections[connection]); }
  });
}
static void pump_datagram(connection_t *connection) {
  if (!connection->receive.done || !connection->datagram_count) return;
  size_t count = connection->datagram_count < connection->receive.count ? connection->datagram_count : connection->receive.count;
  memcpy(connection->receive.bytes, connection->datagram, count);
  connection->datagram_count = 0;
  finish_wait(&connection->receive, CENTRAM_OK, (int64_t)count, "");
}
static void send_datagram(void *self, int64_t connection, const uint8_t *bytes, size_t count, centram_done_fn done, void *context) {
  (void)self;
  LOCKED({
    connection_t *other = &connections[connections[connection].peer];
    if (count > sizeof other->datagram) complete(done, context, CENTRAM_ERROR_LIMIT, 0, "a datagram has at most 1,500 bytes");
    else {
      memcpy(other->datagram, bytes, count);
      other->datagram_count = count;
      pump_datagram(other);
      complete(done, context, CENTRAM_OK, 0, "");
    }
  });
}
static void receive_datagram(void *self, int64_t connection, uint8_t *bytes, size_t capacity, centram_done_fn done, void *context) {
  (void)self;
  LOCKED({ connections[connection].receive = (wait_t){done, context, bytes, capacity}; pump_datagram(&connections[connection]); });
}
static void close_connection(void *self, int64_t connection, uint64_t code, const char *reason, centram_done_fn done, void *context) {
  (void)self; (void)code; (void)reason;
  LOCKED({
    connection_t *both[2] = {&connections[connection], &connections[connections[connection].peer]};
    for (int i = 0; i < 2; i++) {
      both[i]->open = 0;
      finish_wait(&both[i]->accept, CENTRAM_ERROR_CLOSED, 0, "the connection was closed");
      finish_wait(&both[i]->receive, CENTRAM_ERROR_CLOSED, 0, "the connection was closed");
    }
    complete(done, context, CENTRAM_OK, 0, "");
  });
}
/* Moves what fits from a waiting sender into the receiver's inbox, and from there to a waiting receiver. */
static void pump(stream_t *sender, stream_t *receiver) {
  for (;;) {
    wait_t *send = &sender->send;
    if (send->done) {
      size_t room = ROOM - receiver->count, count = send->count < room ? send->count : room;
      memcpy(receiver->inbox + receiver->count, send->bytes, count);
      receiver->count += count;
      send->bytes += count;
      send->count -= count;
      if (!send->count) finish_wait(send, CENTRAM_OK, 0, "");
    }
    wait_t *receive = &receiver->receive;
    if (!receive->done || (!receiver->count && !sender->ended)) return;
    size_t count = receiver->count < receive->count ? receiver->count : receive->count;
    memcpy(receive->bytes, receiver->inbox, count);
    memmove(receiver->inbox, receiver->inbox + count, receiver->count -= count);
    finish_wait(receive, CENTRAM_OK, (int64_t)count, "");
  }
}
static void send_(void *self, int64_t stream, const uint8_t *bytes, size_t count, centram_done_fn done, void *context) {
  (void)self;
  LOCKED({
    stream_t *own = streams[stream];
    if (own->broken) complete(done, context, CENTRAM_ERROR_CLOSED, 0, "the stream was reset");
    else {
      if (count == 6 && !memcmp(bytes, "double", 6)) complete(done, context, CENTRAM_OK, 0, ""); /* a fault: completed twice */
      own->send = (wait_t){done, context, (uint8_t *)bytes, count};
      pump(own, streams[own->peer]);
    }
  });
}
static void receive_(void *self, int64_t stream, uint8_t *bytes, size_t capacity, centram_done_fn done, void *context) {
  (void)self;
  LOCKED({
    stream_t *own = streams[stream];
    if (own->broken) complete(done, context, CENTRAM_ERROR_CLOSED, 0, "the stream was reset");
    else if (capacity == 1) complete(done, context, CENTRAM_OK, 99, ""); /* a fault: more than fits */
    else { own->receive = (wait_t){done, context, bytes, capacity}; pump(streams[own->peer], own); }
  });
}
static void finish(void *self, int64_t stream, centram_done_fn done, void *context) {
  (void)self;
  LOCKED({ stream_t *own = streams[stream]; own->ended = 1; pump(own, streams[own->peer]); complete(done, context, CENTRAM_OK, 0, ""); });
}
static void reset(void *self, int64_t stream, uint64_t code, centram_done_fn done, void *context) {
  (void)self; (void)code;
  LOCKED({
    stream_t *both[2] = {streams[stream], streams[streams[stream]->peer]};
    for (int i = 0; i < 2; i++) {
      both[i]->broken = 1;
      finish_wait(&both[i]->send, CENTRAM_ERROR_CLOSED, 0, "the stream was reset");
      finish_wait(&both[i]->receive, CENTRAM_ERROR_CLOSED, 0, "the stream was reset");
    }
    complete(done, context, CENTRAM_OK, 0, "");
  });
}
#ifdef FIXTURE_NO_SEND
#define send_ NULL
#endif
#ifndef FIXTURE_FEATURES
#define FIXTURE_FEATURES CENTRAM_TRANSPORT_DATAGRAMS
#endif
static const centram_transport_v1_t table = {
    sizeof table, FIXTURE_FEATURES, "memory", fixture_create, fixture_destroy, listen_, listener_address, accept_, close_listener, dial, peer,
    channel_binding, open_stream, accept_stream, send_datagram, receive_datagram, close_connection, send_, receive_, finish, reset};
FIXTURE_DOOR(CENTRAM_KIND_TRANSPORT, "test.transport.memory", "centram.transport/1", table, NULL)
