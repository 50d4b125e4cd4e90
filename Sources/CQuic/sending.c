// What the library still has to send or hear about, a stream.
#include "internal.h"

void cq_stream_enqueue(cquic_stream *stream) {
  cquic_connection *connection = stream->connection;
  if (stream->sendable || stream->write_shut || !(stream->unsent || (stream->finish && !stream->finish_sent))) return;
  stream->sendable = true;
  stream->send_next = NULL;
  stream->send_previous = connection->send_tail;
  if (connection->send_tail) connection->send_tail->send_next = stream;
  else connection->send_head = stream;
  connection->send_tail = stream;
}

void cq_stream_dequeue(cquic_stream *stream) {
  cquic_connection *connection = stream->connection;
  if (!stream->sendable) return;
  stream->sendable = false;
  if (stream->send_previous) stream->send_previous->send_next = stream->send_next;
  else connection->send_head = stream->send_next;
  if (stream->send_next) stream->send_next->send_previous = stream->send_previous;
  else connection->send_tail = stream->send_previous;
  stream->send_previous = stream->send_next = NULL;
}

void cq_stream_sent(cquic_stream *stream, uint64_t count, bool finish) {
  enum { BURST = 16384 };  // what a stream sends before it is the next one's turn
  stream->unsent -= count;
  stream->connection->unsent -= count;
  stream->burst += count;
  while (count && stream->cursor) {
    uint32_t room = stream->cursor->end - stream->cursor_offset;
    if (count < room) {
      stream->cursor_offset += (uint32_t)count;
      break;
    }
    count -= room;
    // A block that is not full yet may grow: the cursor stays at its end.
    if (!stream->cursor->next && stream->cursor->end < stream->cursor->capacity) {
      stream->cursor_offset = stream->cursor->end;
      break;
    }
    stream->cursor = stream->cursor->next;
    stream->cursor_offset = 0;
  }
  if (finish) stream->finish_sent = true;
  bool more = stream->unsent || (stream->finish && !stream->finish_sent);
  if (more && stream->burst < BURST) return;
  stream->burst = 0;
  cq_stream_dequeue(stream);
  cq_stream_enqueue(stream);
}

void cq_stream_acknowledged(cquic_stream *stream, uint64_t count) {
  cquic_connection *connection = stream->connection;
  if (count > stream->unacknowledged) count = stream->unacknowledged;
  stream->unacknowledged -= count;
  connection->unacknowledged -= count;
  while (count && stream->sending.head) {
    cq_block *block = stream->sending.head;
    uint64_t left = block->end - block->start;
    if (count < left) {
      block->start += (uint32_t)count;
      return;
    }
    count -= left;
    block->start = block->end;
    if (block == stream->cursor) {
      stream->cursor = block->next;
      stream->cursor_offset = 0;
    }
    stream->sending.head = block->next;
    if (!stream->sending.head) stream->sending.tail = NULL;
    cq_block_free(connection->endpoint, block);
  }
}
