// SPDX-License-Identifier: Apache-2.0
// Who listens, who is connected, and what is on its way: the state behind the table in plugin.c, all of it under one lock.
#ifndef LOOP_H
#define LOOP_H

#include <pthread.h>

#include "plugin_support.h"

enum { CAPACITY = 65536 /* bytes on their way in one direction of a stream */, LISTENER_BACKLOG = 128, STREAM_BACKLOG = 1024, NAME_SIZE = 254 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

// ---- completions ----------------------------------------------------------------------------------------------------

// Every operation ends in exactly one call of `done`. The host may call back from within it, so it is never called under the lock: what
// ends meanwhile is noted here and called by `unlock_and_tell`.
typedef struct {
  centram_done_fn done;
  void *context;
  int32_t status;
  int64_t value;
  char message[160];
} ending_t;

static ending_t *endings;
static size_t ending_count, ending_room;

static void end_with(centram_done_fn done, void *context, int32_t status, int64_t value, const char *message) {
  if (ending_count == ending_room) {
    const size_t room = ending_room ? 2 * ending_room : 16;
    ending_t *more = realloc(endings, room * sizeof *more);
    if (more == NULL) abort(); // an operation that never ends would be worse
    endings = more;
    ending_room = room;
  }
  ending_t *ending = &endings[ending_count++];
  *ending = (ending_t){.done = done, .context = context, .status = status, .value = value};
  snprintf(ending->message, sizeof ending->message, "%s", message);
}

static void unlock_and_tell(void) {
  ending_t *told = endings;
  const size_t count = ending_count;
  endings = NULL;
  ending_count = ending_room = 0;
  pthread_mutex_unlock(&lock);
  for (size_t i = 0; i < count; i++) told[i].done(told[i].context, told[i].status, told[i].value, told[i].message);
  free(told);
}

// ---- objects and their handles --------------------------------------------------------------------------------------

// An operation that waits, and the memory that it was lent.
typedef struct operation {
  struct operation *next;
  centram_done_fn done; // NULL where none waits
  void *context;
  const uint8_t *from;
  uint8_t *into;
  size_t count;
} operation_t;

// What arrived and was not asked for, oldest first.
typedef struct arrival { struct arrival *next; int64_t handle; } arrival_t;

typedef enum { LISTENER, CONNECTION, STREAM } kind_t;

typedef struct object {
  kind_t kind;
  int64_t handle;
  const void *owner;      // the instance
  struct object *sibling; // of listeners: the next one; of streams: the next of the same connection
  int64_t other;          // the other end of a connection or stream
  int is_closed;
  char why[120];
  // Listeners and connections: what waits for a connection or a stream, and what waits to be accepted.
  operation_t *accepts;
  arrival_t *arrivals;
  uint32_t arrival_count;
  // Listeners.
  char name[NAME_SIZE];
  int port;
  // Listeners: the own key; connections: the peer's.
  uint8_t key[32];
  uint8_t binding[32];
  struct object *streams;
  // Streams: bytes that came and were not received, a ring.
  uint8_t *bytes;
  size_t start, filled;
  int is_finished; // nothing more is sent from this end
  operation_t sending, receiving;
} object_t;

// By handle. A handle is never used again, so a late one finds nothing.
static object_t **objects;
static int64_t object_count = 1, object_room;
static object_t *listeners;

static object_t *find(int64_t handle, kind_t kind) {
  object_t *object = handle > 0 && handle < object_count ? objects[handle] : NULL;
  return object != NULL && object->kind == kind ? object : NULL;
}

static object_t *make(kind_t kind, const void *owner) {
  if (object_count >= object_room) {
    const int64_t room = object_room ? 2 * object_room : 64;
    object_t **more = realloc(objects, (size_t)room * sizeof *more);
    if (more == NULL) return NULL;
    objects = more;
    object_room = room;
  }
  object_t *object = calloc(1, sizeof *object);
  if (object == NULL) return NULL;
  object->kind = kind;
  object->handle = object_count++;
  object->owner = owner;
  objects[object->handle] = object;
  return object;
}

static void forget(object_t *object) {
  objects[object->handle] = NULL;
  free(object->bytes);
  free(object);
}

// ---- accepting ------------------------------------------------------------------------------------------------------

// Gives `handle` to the operation that waits longest, or keeps it for the next one. 0 where there is no memory.
static int arrive(object_t *at, int64_t handle) {
  operation_t *waiting = at->accepts;
  if (waiting != NULL) {
    at->accepts = waiting->next;
    end_with(waiting->done, waiting->context, CENTRAM_OK, handle, "");
    free(waiting);
    return 1;
  }
  arrival_t *arrival = calloc(1, sizeof *arrival), **place = &at->arrivals;
  if (arrival == NULL) return 0;
  arrival->handle = handle;
  while (*place != NULL) place = &(*place)->next;
  *place = arrival;
  at->arrival_count++;
  return 1;
}

static int64_t take_arrival(object_t *at) {
  arrival_t *arrival = at->arrivals;
  const int64_t handle = arrival->handle;
  at->arrivals = arrival->next;
  at->arrival_count--;
  free(arrival);
  return handle;
}

static void accept_next(object_t *at, centram_done_fn done, void *context) {
  operation_t *waiting = NULL, **place;
  if (at == NULL) {
    end_with(done, context, CENTRAM_ERROR_CLOSED, 0, "it is closed");
  } else if (at->is_closed) {
    end_with(done, context, CENTRAM_ERROR_CLOSED, 0, at->why);
  } else if (at->arrivals != NULL) {
    end_with(done, context, CENTRAM_OK, take_arrival(at), "");
  } else if ((waiting = calloc(1, sizeof *waiting)) == NULL) {
    end_with(done, context, CENTRAM_ERROR_INTERNAL, 0, "no memory");
  } else {
    waiting->done = done;
    waiting->context = context;
    for (place = &at->accepts; *place != NULL;) place = &(*place)->next;
    *place = waiting;
  }
}

// Ends what waits and what is asked for later.
static void close_accepting(object_t *at, const char *why) {
  at->is_closed = 1;
  snprintf(at->why, sizeof at->why, "%s", why);
  while (at->accepts != NULL) {
    operation_t *waiting = at->accepts;
    at->accepts = waiting->next;
    end_with(waiting->done, waiting->context, CENTRAM_ERROR_CLOSED, 0, why);
    free(waiting);
  }
}

// ---- streams --------------------------------------------------------------------------------------------------------

static void finish_operation(operation_t *operation, int32_t status, int64_t value, const char *message) {
  if (operation->done == NULL) return;
  end_with(operation->done, operation->context, status, value, message);
  *operation = (operation_t){0};
}

// Copies `count` bytes into or out of the ring, in two parts where it turns round.
static void put(object_t *stream, const uint8_t *from, size_t count) {
  const size_t place = (stream->start + stream->filled) % CAPACITY, first = count < CAPACITY - place ? count : CAPACITY - place;
  memcpy(stream->bytes + place, from, first);
  memcpy(stream->bytes, from + first, count - first);
  stream->filled += count;
}

static void get(object_t *stream, uint8_t *into, size_t count) {
  const size_t first = count < CAPACITY - stream->start ? count : CAPACITY - stream->start;
  memcpy(into, stream->bytes + stream->start, first);
  memcpy(into + first, stream->bytes, count - first);
  stream->start = (stream->start + count) % CAPACITY;
  stream->filled -= count;
}

// Moves what can be moved from one end to the other, and ends the operations that are done by that. A send that finds no room stays
// where it is until somebody reads: that is the back-pressure.
static void pump(object_t *from, object_t *to) {
  if (from == NULL || to == NULL) return;
  for (int moves = 1; moves;) {
    moves = 0;
    operation_t *sending = &from->sending, *receiving = &to->receiving;
    const size_t room = CAPACITY - to->filled, part = sending->count < room ? sending->count : room;
    if (sending->done != NULL && part > 0) {
      if (to->bytes == NULL && (to->bytes = malloc(CAPACITY)) == NULL) {
        finish_operation(sending, CENTRAM_ERROR_INTERNAL, 0, "no memory");
        return;
      }
      put(to, sending->from, part);
      sending->from += part;
      sending->count -= part;
      if (sending->count == 0) finish_operation(sending, CENTRAM_OK, 0, "");
      moves = 1;
    }
    if (receiving->done != NULL && to->filled > 0) {
      const size_t count = receiving->count < to->filled ? receiving->count : to->filled;
      get(to, receiving->into, count);
      finish_operation(receiving, CENTRAM_OK, (int64_t)count, "");
      moves = 1;
    }
  }
  if (!from->is_finished || to->filled > 0) return;
  finish_operation(&to->receiving, CENTRAM_OK, 0, ""); // the end of the stream
  free(to->bytes);
  to->bytes = NULL;
}

static void close_end(object_t *stream, const char *why) {
  if (stream == NULL || stream->is_closed) return;
  stream->is_closed = 1;
  snprintf(stream->why, sizeof stream->why, "%s", why);
  finish_operation(&stream->sending, CENTRAM_ERROR_CLOSED, 0, why);
  finish_operation(&stream->receiving, CENTRAM_ERROR_CLOSED, 0, why);
  free(stream->bytes);
  stream->bytes = NULL;
  stream->filled = 0;
}

// ---- connections and listeners --------------------------------------------------------------------------------------

// Ends one end of a connection, with its streams, for both sides.
static void close_both(object_t *connection, const char *why) {
  object_t *ends[] = {connection, connection != NULL ? find(connection->other, CONNECTION) : NULL};
  for (int i = 0; i < 2; i++) {
    if (ends[i] == NULL || ends[i]->is_closed) continue;
    close_accepting(ends[i], why);
    for (object_t *stream = ends[i]->streams; stream != NULL; stream = stream->sibling) close_end(stream, why);
  }
}

static void forget_connection(object_t *connection) {
  while (connection->arrivals != NULL) take_arrival(connection); // they are among its streams
  while (connection->streams != NULL) {
    object_t *stream = connection->streams;
    connection->streams = stream->sibling;
    forget(stream);
  }
  forget(connection);
}

static object_t *listener_at(const char *name, int port) {
  for (object_t *listener = listeners; listener != NULL; listener = listener->sibling)
    if (listener->port == port && strcmp(listener->name, name) == 0) return listener;
  return NULL;
}

static void close_listening(object_t *listener) {
  close_accepting(listener, "the listener is closed");
  while (listener->arrivals != NULL) {
    object_t *left = find(take_arrival(listener), CONNECTION);
    if (left == NULL) continue;
    close_both(left, "nobody accepted the connection");
    forget_connection(left);
  }
  object_t **place = &listeners;
  while (*place != listener) place = &(*place)->sibling;
  *place = listener->sibling;
  forget(listener);
}

#endif
