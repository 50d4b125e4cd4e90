// Streams as the caller sees them. What is sent stays here until it is acknowledged; what is received stays until it is read, and only
// then may the peer send more.
#include "internal.h"

#include <stdlib.h>
#include <string.h>

enum { WAKE_ROOM = 65536 };  // a waiting writer is woken for at least this much, or for all it has

cquic_stream *cq_stream_new(cquic_connection *connection, int64_t id, bool remote) {
  cquic_stream *stream = calloc(1, sizeof *stream);
  if (!stream) return NULL;
  stream->node.is_stream = true;
  stream->connection = connection;
  stream->id = id;
  stream->remote = remote;
  stream->window.size = connection->endpoint->config.stream_window;
  stream->library_open = true;
  // Nobody holds a peer's stream before it is announced; then the queue for accepting does.
  stream->released = remote;
  stream->accepted = !remote;
  stream->next = connection->streams;
  if (connection->streams) connection->streams->previous = stream;
  connection->streams = stream;
  connection->stream_count++;
  return stream;
}

static void forget_received(cquic_stream *stream);

void cq_stream_destroy(cquic_stream *stream) {
  cquic_connection *connection = stream->connection;
  forget_received(stream);
  cq_stream_dequeue(stream);
  cq_event_remove(connection->endpoint, &stream->node);
  if (stream->wanted_write) connection->waiting_writers--;
  connection->unsent -= stream->unsent;
  connection->unacknowledged -= stream->unacknowledged;
  cq_blocks_free(connection->endpoint, &stream->sending);
  if (stream->previous) stream->previous->next = stream->next;
  else connection->streams = stream->next;
  if (stream->next) stream->next->previous = stream->previous;
  connection->stream_count--;
  free(stream);
}

// The peer may open another stream once this one is over and its end was read: one that nobody takes counts against the limit.
static void return_slot(cquic_stream *stream) {
  cquic_connection *connection = stream->connection;
  if (!stream->remote || stream->library_open || stream->slot_returned || connection->state != CQ_OPEN) return;
  if (!stream->released && !(stream->accepted && (stream->end_read || stream->was_reset))) return;
  stream->slot_returned = true;
  ngtcp2_conn_extend_max_streams_bidi(connection->quic, 1);
  cq_connection_mark(connection);
}

void cq_stream_free_if_unused(cquic_stream *stream) {
  return_slot(stream);
  if (stream->library_open || !stream->released) return;
  cquic_connection *connection = stream->connection;
  cq_stream_destroy(stream);
  cq_connection_free_if_unused(connection);
}

// What nobody accepted goes with the connection.
void cq_streams_forget_unaccepted(cquic_connection *connection) {
  while (connection->accept_head) {
    cquic_stream *stream = connection->accept_head;
    connection->accept_head = stream->accept_next;
    stream->released = true;
    cq_event_remove(connection->endpoint, &stream->node);
    if (!stream->library_open) cq_stream_destroy(stream);
  }
  connection->accept_tail = NULL;
}

cquic_stream *cquic_stream_open(cquic_connection *connection, int *error) {
  static const uint8_t announcement = 0;
  int64_t id;
  *error = CQUIC_CLOSED;
  if (connection->state != CQ_OPEN || connection->close_wanted || connection->ended) return NULL;
  *error = CQUIC_AGAIN;
  if (!connection->connected || ngtcp2_conn_get_streams_bidi_left(connection->quic) == 0 || ngtcp2_conn_get_max_data_left(connection->quic) <= connection->unsent) {
    connection->waits_for_stream = true;
    connection->endpoint->counters.stream_limit_reached++;
    return NULL;
  }
  *error = CQUIC_NO_MEMORY;
  if (ngtcp2_conn_open_bidi_stream(connection->quic, &id, NULL) != 0) return NULL;
  cquic_stream *stream = cq_stream_new(connection, id, false);
  if (!stream || ngtcp2_conn_set_stream_user_data(connection->quic, id, stream) != 0 ||
      cq_blocks_append(connection->endpoint, &stream->sending, &announcement, 1) != 1) {
    ngtcp2_conn_shutdown_stream(connection->quic, id, 0);
    return NULL;
  }
  stream->announced = true;
  stream->cursor = stream->sending.head;
  stream->unsent = stream->unacknowledged = 1;
  connection->unsent++;
  connection->unacknowledged++;
  cq_stream_enqueue(stream);
  cq_connection_mark(connection);
  *error = 0;
  return stream;
}

cquic_stream *cquic_stream_accept(cquic_connection *connection) {
  cquic_stream *stream = connection->accept_head;
  if (!stream) return NULL;
  connection->accept_head = stream->accept_next;
  if (!connection->accept_head) connection->accept_tail = NULL;
  stream->accept_next = NULL;
  stream->accepted = true;
  return_slot(stream);
  return stream;
}

// Tells the peer that nothing it sends on the stream is wanted, once it has everything: told earlier, it answers with a reset, and credit for what is
// still to come may never arrive.
void cq_stream_stop_peer(cquic_stream *stream) {
  if (!stream->stop_wanted || stream->unacknowledged || !stream->finish_sent || !stream->library_open) return;
  stream->stop_wanted = false;
  ngtcp2_conn_shutdown_stream_read(stream->connection->quic, stream->id, 0);
  cq_connection_mark(stream->connection);
}

void cquic_stream_release(cquic_stream *stream) {
  stream->user = NULL;
  forget_received(stream);
  if (stream->library_open && stream->connection->state == CQ_OPEN && stream->finish && !stream->write_shut) {
    // What was sent before the end still arrives; what the peer sends is wanted no more.
    if (!stream->end_received && !stream->was_reset) {
      cq_stream_read_failed(stream, 0);
      stream->stop_wanted = true;
      cq_stream_stop_peer(stream);
    }
  } else if (stream->library_open && (!stream->finish || !stream->end_received)) {
    cquic_stream_reset(stream, 0);
  }
  cq_event_remove(stream->connection->endpoint, &stream->node);
  stream->node.pending = 0;
  stream->released = true;
  cq_stream_free_if_unused(stream);
}

void cquic_stream_set_user(cquic_stream *stream, void *user) { stream->user = user; }
void *cquic_stream_user(const cquic_stream *stream) { return stream->user; }
int64_t cquic_stream_id(const cquic_stream *stream) { return stream->id; }
uint64_t cquic_stream_error_code(const cquic_stream *stream) { return stream->error_code; }

static int state_of_writing(const cquic_stream *stream) {
  const cquic_connection *connection = stream->connection;
  if (connection->state != CQ_OPEN || connection->close_wanted || connection->ended) return CQUIC_CLOSED;
  if (stream->was_reset || stream->write_shut) return CQUIC_RESET;
  if (stream->finish) return CQUIC_FINISHED;
  return stream->library_open ? 0 : CQUIC_RESET;
}

// How many bytes flow control and send buffers allow now.
static uint64_t room_of(const cquic_stream *stream) {
  const cquic_connection *connection = stream->connection;
  const cquic_config *config = &connection->endpoint->config;
  if (stream->unacknowledged >= config->stream_send_buffer || connection->unacknowledged >= config->connection_send_buffer) return 0;
  uint64_t room = config->stream_send_buffer - stream->unacknowledged;
  uint64_t other = config->connection_send_buffer - connection->unacknowledged;
  if (other < room) room = other;
  uint64_t credit = ngtcp2_conn_get_max_stream_data_left(connection->quic, stream->id);
  if (credit <= stream->unsent) return 0;
  if (credit - stream->unsent < room) room = credit - stream->unsent;
  credit = ngtcp2_conn_get_max_data_left(connection->quic);
  if (credit <= connection->unsent) return 0;
  return credit - connection->unsent < room ? credit - connection->unsent : room;
}

static void want_write(cquic_stream *stream, uint64_t count) {
  if (stream->wanted_write && !count) stream->connection->waiting_writers--;
  if (!stream->wanted_write && count) stream->connection->waiting_writers++;
  stream->wanted_write = count;
}

int64_t cquic_stream_write(cquic_stream *stream, const void *bytes, size_t count) {
  int state = state_of_writing(stream);
  want_write(stream, 0);
  if (state != 0) return state;
  cquic_connection *connection = stream->connection;
  uint64_t room = room_of(stream);
  size_t part = count < room ? count : (size_t)room;
  if (part) {
    cq_block *last = stream->sending.tail;
    uint32_t offset = last ? last->end : 0;
    size_t taken = cq_blocks_append(connection->endpoint, &stream->sending, bytes, part);
    if (!stream->cursor && taken) {
      bool in_last = last && offset < last->capacity;
      stream->cursor = in_last ? last : last ? last->next : stream->sending.head;
      stream->cursor_offset = in_last ? offset : 0;
    }
    if (taken < part && taken == 0) return CQUIC_NO_MEMORY;
    part = taken;
    stream->unsent += part;
    stream->unacknowledged += part;
    connection->unsent += part;
    connection->unacknowledged += part;
    cq_stream_enqueue(stream);
    cq_connection_mark(connection);
  }
  if (part < count) {
    want_write(stream, count - part);
    connection->endpoint->counters.send_limit_reached++;
  }
  return (int64_t)part;
}

int cquic_stream_finish(cquic_stream *stream) {
  int state = state_of_writing(stream);
  if (state != 0) return state == CQUIC_FINISHED ? 0 : state;
  stream->finish = true;
  cq_stream_enqueue(stream);
  cq_connection_mark(stream->connection);
  return 0;
}

void cquic_stream_reset(cquic_stream *stream, uint64_t code) {
  if (!stream->library_open || stream->connection->state != CQ_OPEN || (stream->was_reset && stream->write_shut)) return;
  cq_stream_write_failed(stream, code);
  cq_stream_read_failed(stream, code);
  ngtcp2_conn_shutdown_stream(stream->connection->quic, stream->id, code);
  cq_connection_mark(stream->connection);
}

// Bytes that nobody will read count as read, or the connection's window would leak.
static void forget_received(cquic_stream *stream) {
  cquic_connection *connection = stream->connection;
  uint64_t count = stream->received_bytes + (stream->sink ? stream->sunk : 0);
  cq_blocks_free(connection->endpoint, &stream->received);
  stream->received_bytes = 0;
  stream->sink = NULL;
  stream->sunk = 0;
  cq_connection_credit(connection, count);
}

// What was to be sent stays until the library lets go of it.
void cq_stream_write_failed(cquic_stream *stream, uint64_t code) {
  stream->error_code = code;
  stream->write_shut = true;
  cq_stream_dequeue(stream);
  if (!stream->wanted_write) return;
  want_write(stream, 0);
  cq_event_push(stream->connection->endpoint, &stream->node, CQUIC_EVENT_STREAM_WRITABLE);
}

void cq_stream_read_failed(cquic_stream *stream, uint64_t code) {
  if (stream->was_reset) return;
  stream->error_code = code;
  stream->was_reset = true;
  // Bytes that are in the reader's buffer already are its own.
  uint64_t count = stream->received_bytes;
  cq_blocks_free(stream->connection->endpoint, &stream->received);
  stream->received_bytes = 0;
  cq_connection_credit(stream->connection, count);
  if (stream->waits_for_read) cq_event_push(stream->connection->endpoint, &stream->node, CQUIC_EVENT_STREAM_READABLE);
}

void cq_stream_library_closed(cquic_stream *stream) {
  cquic_connection *connection = stream->connection;
  stream->library_open = false;
  cq_stream_dequeue(stream);
  stream->write_shut = true;
  connection->unsent -= stream->unsent;
  connection->unacknowledged -= stream->unacknowledged;
  stream->unsent = stream->unacknowledged = 0;
  cq_blocks_free(connection->endpoint, &stream->sending);
  stream->cursor = NULL;
  cq_stream_write_failed(stream, stream->error_code);
  if (!stream->end_received) cq_stream_read_failed(stream, stream->error_code);
  cq_stream_free_if_unused(stream);
}

void cq_streams_end(cquic_connection *connection) {
  for (cquic_stream *stream = connection->streams, *next; stream; stream = next) {
    next = stream->next;
    stream->library_open = false;
    cq_stream_dequeue(stream);
    cquic_endpoint *endpoint = connection->endpoint;
    if (stream->wanted_write) {
      want_write(stream, 0);
      cq_event_push(endpoint, &stream->node, CQUIC_EVENT_STREAM_WRITABLE);
    }
    if (stream->waits_for_read) cq_event_push(endpoint, &stream->node, CQUIC_EVENT_STREAM_READABLE);
    if (stream->released) cq_stream_destroy(stream);
  }
}

int64_t cquic_stream_read(cquic_stream *stream, void *bytes, size_t capacity, bool wait) {
  cquic_connection *connection = stream->connection;
  size_t count = 0;
  if (stream->sink) {
    count = stream->sunk;
    stream->sink = NULL;
    stream->sunk = 0;
  }
  stream->waits_for_read = false;
  if (!stream->was_reset) {
    size_t taken = cq_blocks_take(connection->endpoint, &stream->received, (uint8_t *)bytes + count, capacity - count);
    stream->received_bytes -= taken;
    count += taken;
  }
  if (count) {
    cq_stream_credit(stream, count);
    return (int64_t)count;
  }
  if (stream->was_reset) return connection->ended ? CQUIC_CLOSED : CQUIC_RESET;
  if (stream->end_received) {
    stream->end_read = true;
    return_slot(stream);
    return 0;
  }
  if (connection->ended || connection->close_wanted || connection->state != CQ_OPEN) return CQUIC_CLOSED;
  if (!stream->library_open) return CQUIC_RESET;
  if (wait) {
    stream->waits_for_read = true;
    stream->sink = bytes;
    stream->sink_capacity = capacity;
  }
  return CQUIC_AGAIN;
}

// From the library: bytes in order. 0, or a callback failure.
int cq_stream_received(cquic_stream *stream, const uint8_t *bytes, size_t count, bool end) {
  cquic_connection *connection = stream->connection;
  cquic_endpoint *endpoint = connection->endpoint;
  if (!stream->announced) {
    if (count == 0 || bytes[0] != 0) return NGTCP2_ERR_CALLBACK_FAILURE;
    stream->announced = true;
    bytes++;
    count--;
    cq_stream_credit(stream, 1);
    if (connection->close_wanted) {
      stream->was_reset = true;  // too late
    } else {
      stream->released = false;
      if (connection->accept_tail) connection->accept_tail->accept_next = stream;
      else connection->accept_head = stream;
      connection->accept_tail = stream;
      cq_event_push(endpoint, &connection->node, CQUIC_EVENT_STREAM_OPENED);
    }
  }
  if (stream->was_reset) {
    // Nobody reads it: its bytes count as read.
    cq_connection_credit(connection, count);
    count = 0;
  }
  if (count && stream->sink && stream->received_bytes == 0) {
    size_t room = stream->sink_capacity - stream->sunk, part = count < room ? count : room;
    memcpy(stream->sink + stream->sunk, bytes, part);
    stream->sunk += part;
    bytes += part;
    count -= part;
  }
  if (count) {
    if (cq_blocks_append(endpoint, &stream->received, bytes, count) != count) return NGTCP2_ERR_CALLBACK_FAILURE;
    stream->received_bytes += count;
  }
  if (end) stream->end_received = true;
  if (stream->waits_for_read) cq_event_push(endpoint, &stream->node, CQUIC_EVENT_STREAM_READABLE);
  return 0;
}

void cq_streams_wake_writers(cquic_connection *connection) {
  if (!connection->waiting_writers) return;
  for (cquic_stream *stream = connection->streams; stream; stream = stream->next) {
    if (!stream->wanted_write) continue;
    uint64_t room = room_of(stream), enough = stream->wanted_write < WAKE_ROOM ? stream->wanted_write : WAKE_ROOM;
    // Where nothing is under way, no acknowledgement will make more room.
    if (room && (room >= enough || stream->unacknowledged == 0)) cq_event_push(connection->endpoint, &stream->node, CQUIC_EVENT_STREAM_WRITABLE);
  }
}
