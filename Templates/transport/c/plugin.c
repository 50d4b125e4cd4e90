// SPDX-License-Identifier: Apache-2.0
// A transport within one process: what listens and what dials it are two instances of this plugin in one host. Addresses are
// loop://NAME:PORT; port 0 asks for a free one.
//
// It shows all that the host asks of a transport: streams with an order and an end of their own, a sender that waits while nobody reads,
// half-close, reset, and who the peer is. What is shared, and its rules, is in loop.h.
//
// Of the peer: both ends are this library in one process, so the key that an end shows is the one that the host's identity service gave
// to it; nobody stands between. A transport over a network must have it proved: each side signs a value that is bound to this very
// channel, such as a TLS exporter, with the identity service, and checks the other's signature before it says who the peer is.
#include "loop.h"

// The host reads this from the file, without loading it.
CENTRAM_NOTE(CENTRAM_LANE_C, "", "");

static const centram_host_t *host;

// Called once, before anything else. The table is valid for good, and so is what it gives.
static int32_t init(const centram_host_t *given, char *error, size_t error_capacity) {
  (void)error, (void)error_capacity;
  host = given;
  return CENTRAM_OK;
}

// ---- an instance ----------------------------------------------------------------------------------------------------

typedef struct {
  uint8_t key[32];
  const centram_random_v1_t *randomness;
} instance_t;

static void *create(const char *configuration_json, char *error, size_t error_capacity) {
  if (read_settings(configuration_json, NULL, 0, error, error_capacity) != CENTRAM_OK) return NULL;
  const centram_identity_v1_t *identity = host->get_service(host->context, "centram.identity/1");
  const centram_random_v1_t *randomness = host->get_service(host->context, "centram.random/1");
  if (identity == NULL || randomness == NULL) {
    fail(error, error_capacity, CENTRAM_ERROR_UNAVAILABLE, "the host offers no centram.identity/1 or centram.random/1, and a transport needs both");
    return NULL;
  }
  instance_t *self = calloc(1, sizeof *self);
  if (self == NULL) {
    fail(error, error_capacity, CENTRAM_ERROR_INTERNAL, "no memory");
    return NULL;
  }
  identity->public_key(identity->context, self->key);
  self->randomness = randomness;
  return self;
}

static void destroy(void *self) {
  pthread_mutex_lock(&lock);
  for (int64_t handle = 1; handle < object_count; handle++) {
    object_t *object = objects[handle];
    if (object == NULL || object->owner != self || object->kind == STREAM) continue;
    if (object->kind == LISTENER) {
      close_listening(object);
    } else {
      close_both(object, "the transport ended");
      forget_connection(object);
    }
  }
  unlock_and_tell();
  free(self);
}

// ---- listening and dialling -----------------------------------------------------------------------------------------

// Reads loop://NAME:PORT. 0 where the text is something else.
static int read_address(const char *text, char name[NAME_SIZE], int *port) {
  static const char prefix[] = "loop://", letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
  if (strncmp(text, prefix, sizeof prefix - 1) != 0) return 0;
  text += sizeof prefix - 1;
  const size_t length = strspn(text, letters);
  if (length == 0 || length >= NAME_SIZE || text[length] != ':') return 0;
  memcpy(name, text, length);
  name[length] = 0;
  text += length + 1;
  const size_t digits = strspn(text, "0123456789");
  if (digits == 0 || digits > 5 || text[digits] != 0) return 0;
  *port = atoi(text);
  return *port <= 65535;
}

static void end_with_bad_address(centram_done_fn done, void *context, const char *address) {
  char message[140];
  snprintf(message, sizeof message, "\"%.80s\" is not loop://NAME:PORT", address);
  end_with(done, context, CENTRAM_ERROR_INVALID, 0, message);
}

static object_t *make_listener(const instance_t *self, const char *name, int port) {
  if (port == 0)
    for (port = 1; port < 65535 && listener_at(name, port) != NULL;) port++;
  object_t *listener = listener_at(name, port) == NULL ? make(LISTENER, self) : NULL;
  if (listener == NULL) return NULL;
  snprintf(listener->name, sizeof listener->name, "%s", name);
  memcpy(listener->key, self->key, sizeof listener->key);
  listener->port = port;
  listener->sibling = listeners;
  listeners = listener;
  return listener;
}

static void listen_at(void *self, const char *address, centram_done_fn done, void *context) {
  char name[NAME_SIZE];
  int port;
  pthread_mutex_lock(&lock);
  if (!read_address(address, name, &port)) {
    end_with_bad_address(done, context, address);
  } else {
    const object_t *listener = make_listener(self, name, port);
    if (listener != NULL) end_with(done, context, CENTRAM_OK, listener->handle, "");
    else end_with(done, context, CENTRAM_ERROR_UNAVAILABLE, 0, "somebody listens there already");
  }
  unlock_and_tell();
}

static int32_t listener_address(void *self, int64_t handle, char *address, size_t capacity) {
  (void)self;
  pthread_mutex_lock(&lock);
  const object_t *listener = find(handle, LISTENER);
  if (listener != NULL) snprintf(address, capacity, "loop://%s:%d", listener->name, listener->port);
  pthread_mutex_unlock(&lock);
  return listener != NULL ? CENTRAM_OK : CENTRAM_ERROR_CLOSED;
}

static void accept_connection(void *self, int64_t handle, centram_done_fn done, void *context) {
  (void)self;
  pthread_mutex_lock(&lock);
  accept_next(find(handle, LISTENER), done, context);
  unlock_and_tell();
}

static void close_listener(void *self, int64_t handle, centram_done_fn done, void *context) {
  (void)self;
  pthread_mutex_lock(&lock);
  object_t *listener = find(handle, LISTENER);
  if (listener != NULL) close_listening(listener);
  end_with(done, context, CENTRAM_OK, 0, "");
  unlock_and_tell();
}

// Connects to a listener. Returns why it cannot be, or NULL.
static const char *connect_to(object_t *listener, const instance_t *self, const uint8_t *expected_peer, int64_t *handle) {
  if (listener == NULL) return "nobody listens there";
  if (expected_peer != NULL && memcmp(expected_peer, listener->key, 32) != 0) return "another peer listens there than the one that was dialled";
  if (listener->arrival_count >= LISTENER_BACKLOG) return "too many connections wait there to be accepted";
  object_t *near = make(CONNECTION, self), *far = make(CONNECTION, listener->owner);
  if (near == NULL || far == NULL || !arrive(listener, far->handle)) {
    if (near != NULL) forget(near);
    if (far != NULL) forget(far);
    return "no memory";
  }
  near->other = far->handle;
  far->other = near->handle;
  memcpy(near->key, listener->key, 32);
  memcpy(far->key, self->key, 32);
  // The same at both ends, and another for each connection.
  self->randomness->fill(self->randomness->context, near->binding, sizeof near->binding);
  memcpy(far->binding, near->binding, sizeof far->binding);
  *handle = near->handle;
  return NULL;
}

static void dial(void *self, const char *address, const uint8_t *expected_peer, centram_done_fn done, void *context) {
  char name[NAME_SIZE];
  int port;
  int64_t handle = 0;
  pthread_mutex_lock(&lock);
  if (!read_address(address, name, &port)) {
    end_with_bad_address(done, context, address);
  } else {
    const char *why = connect_to(listener_at(name, port), self, expected_peer, &handle);
    end_with(done, context, why != NULL ? CENTRAM_ERROR_UNAVAILABLE : CENTRAM_OK, handle, why != NULL ? why : "");
  }
  unlock_and_tell();
}

// ---- connections ----------------------------------------------------------------------------------------------------

static int32_t peer(void *self, int64_t handle, uint8_t key[32]) {
  (void)self;
  pthread_mutex_lock(&lock);
  const object_t *connection = find(handle, CONNECTION);
  if (connection != NULL) memcpy(key, connection->key, 32);
  pthread_mutex_unlock(&lock);
  return connection != NULL ? CENTRAM_OK : CENTRAM_ERROR_CLOSED;
}

static size_t channel_binding(void *self, int64_t handle, uint8_t *bytes, size_t capacity) {
  (void)self;
  pthread_mutex_lock(&lock);
  const object_t *connection = find(handle, CONNECTION);
  const size_t count = connection == NULL || capacity < sizeof connection->binding ? 0 : sizeof connection->binding;
  if (count > 0) memcpy(bytes, connection->binding, count);
  pthread_mutex_unlock(&lock);
  return count;
}

static object_t *add_stream(object_t *connection) {
  object_t *stream = make(STREAM, connection->owner);
  if (stream == NULL) return NULL;
  stream->sibling = connection->streams;
  connection->streams = stream;
  return stream;
}

static void open_stream(void *self, int64_t handle, centram_done_fn done, void *context) {
  (void)self;
  pthread_mutex_lock(&lock);
  object_t *connection = find(handle, CONNECTION), *other = connection != NULL ? find(connection->other, CONNECTION) : NULL;
  if (connection == NULL || connection->is_closed || other == NULL) {
    end_with(done, context, CENTRAM_ERROR_CLOSED, 0, connection != NULL && connection->is_closed ? connection->why : "the connection is closed");
  } else if (other->arrival_count >= STREAM_BACKLOG) {
    end_with(done, context, CENTRAM_ERROR_LIMIT, 0, "1024 streams wait to be accepted by the peer");
  } else {
    object_t *near = add_stream(connection), *far = near != NULL ? add_stream(other) : NULL;
    if (far != NULL) {
      near->other = far->handle;
      far->other = near->handle;
    }
    const int is_made = far != NULL && arrive(other, far->handle);
    end_with(done, context, is_made ? CENTRAM_OK : CENTRAM_ERROR_INTERNAL, is_made ? near->handle : 0, is_made ? "" : "no memory");
  }
  unlock_and_tell();
}

static void accept_stream(void *self, int64_t handle, centram_done_fn done, void *context) {
  (void)self;
  pthread_mutex_lock(&lock);
  accept_next(find(handle, CONNECTION), done, context);
  unlock_and_tell();
}

static void close_connection(void *self, int64_t handle, uint64_t code, const char *reason, centram_done_fn done, void *context) {
  (void)self;
  char why[120];
  snprintf(why, sizeof why, "the connection was closed with code %llu: %s", (unsigned long long)code, reason != NULL ? reason : "");
  pthread_mutex_lock(&lock);
  object_t *connection = find(handle, CONNECTION);
  if (connection != NULL) {
    close_both(connection, why);
    forget_connection(connection); // the other end stays until it is closed too
  }
  end_with(done, context, CENTRAM_OK, 0, "");
  unlock_and_tell();
}

// ---- streams --------------------------------------------------------------------------------------------------------

// The stream of a handle; NULL with the operation ended where there is none or it is closed.
static object_t *open_end(int64_t handle, centram_done_fn done, void *context) {
  object_t *stream = find(handle, STREAM);
  if (stream != NULL && !stream->is_closed) return stream;
  end_with(done, context, CENTRAM_ERROR_CLOSED, 0, stream != NULL ? stream->why : "the stream is closed");
  return NULL;
}

static void send_bytes(void *self, int64_t handle, const uint8_t *bytes, size_t count, centram_done_fn done, void *context) {
  (void)self;
  pthread_mutex_lock(&lock);
  object_t *stream = open_end(handle, done, context);
  if (stream == NULL) {
    // ended
  } else if (stream->is_finished) {
    end_with(done, context, CENTRAM_ERROR_CLOSED, 0, "nothing can be sent after finish");
  } else if (stream->sending.done != NULL) {
    end_with(done, context, CENTRAM_ERROR_INVALID, 0, "a stream has one sender at a time");
  } else if (count == 0) {
    end_with(done, context, CENTRAM_OK, 0, "");
  } else {
    stream->sending = (operation_t){.done = done, .context = context, .from = bytes, .count = count};
    pump(stream, find(stream->other, STREAM));
  }
  unlock_and_tell();
}

static void receive_bytes(void *self, int64_t handle, uint8_t *bytes, size_t capacity, centram_done_fn done, void *context) {
  (void)self;
  pthread_mutex_lock(&lock);
  object_t *stream = open_end(handle, done, context);
  if (stream == NULL) {
    // ended
  } else if (capacity == 0 || stream->receiving.done != NULL) {
    end_with(done, context, CENTRAM_ERROR_INVALID, 0, "a stream has one receiver at a time, with a buffer of at least 1 byte");
  } else {
    stream->receiving = (operation_t){.done = done, .context = context, .into = bytes, .count = capacity};
    pump(find(stream->other, STREAM), stream);
  }
  unlock_and_tell();
}

static void finish(void *self, int64_t handle, centram_done_fn done, void *context) {
  (void)self;
  pthread_mutex_lock(&lock);
  object_t *stream = open_end(handle, done, context);
  if (stream != NULL) {
    stream->is_finished = 1;
    pump(stream, find(stream->other, STREAM));
    end_with(done, context, CENTRAM_OK, 0, "");
  }
  unlock_and_tell();
}

static void reset(void *self, int64_t handle, uint64_t code, centram_done_fn done, void *context) {
  (void)self;
  char why[60];
  snprintf(why, sizeof why, "the stream was reset with code %llu", (unsigned long long)code);
  pthread_mutex_lock(&lock);
  object_t *stream = find(handle, STREAM);
  if (stream != NULL) {
    close_end(find(stream->other, STREAM), why);
    close_end(stream, why);
  }
  end_with(done, context, CENTRAM_OK, 0, "");
  unlock_and_tell();
}

// ---- what the host asks for -----------------------------------------------------------------------------------------

static const centram_transport_v1_t table = {
    .struct_size = sizeof(centram_transport_v1_t),
    .features = 0, // neither encrypted nor with datagrams
    .scheme = "loop",
    .create = create,
    .destroy = destroy,
    .listen = listen_at,
    .listener_address = listener_address,
    .accept = accept_connection,
    .close_listener = close_listener,
    .dial = dial,
    .peer = peer,
    .channel_binding = channel_binding,
    .open_stream = open_stream,
    .accept_stream = accept_stream,
    .close_connection = close_connection,
    .send = send_bytes,
    .receive = receive_bytes,
    .finish = finish,
    .reset = reset,
};

static const void *get_interface(const char *interface_id) { return strcmp(interface_id, "centram.transport/1") == 0 ? &table : NULL; }

static const centram_descriptor_t descriptor = {
    .magic = CENTRAM_MAGIC,
    .struct_size = sizeof(centram_descriptor_t),
    .c_abi_major = CENTRAM_C_ABI_MAJOR,
    .c_abi_minor = CENTRAM_C_ABI_MINOR,
    .lanes = CENTRAM_LANE_C,
    .kind = CENTRAM_KIND_TRANSPORT,
    .id = "@ID@",
    .version = "0.1.0",
    .summary = "Connections within one process",
    .toolchain = "",
    .api_fingerprint = "",
    .init = init,
    .get_interface = get_interface,
};

CENTRAM_EXPORT const centram_descriptor_t *centram_plugin_descriptor(void);
const centram_descriptor_t *centram_plugin_descriptor(void) { return &descriptor; }
