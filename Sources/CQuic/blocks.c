// Blocks that hold what waits to be sent, acknowledged or read.
#include "internal.h"

#include <stdlib.h>
#include <string.h>

enum { SPARE_LIMIT = 64 };

cq_block *cq_block_new(cquic_endpoint *endpoint, size_t capacity) {
  cq_block *block;
  if (capacity == CQ_LARGE_BLOCK && endpoint->spare) {
    block = endpoint->spare;
    endpoint->spare = block->next;
    endpoint->spare_count--;
  } else {
    block = malloc(sizeof *block + capacity);
    if (!block) return NULL;
  }
  block->next = NULL;
  block->capacity = (uint32_t)capacity;
  block->start = block->end = 0;
  return block;
}

void cq_block_free(cquic_endpoint *endpoint, cq_block *block) {
  if (block->capacity == CQ_LARGE_BLOCK && endpoint->spare_count < SPARE_LIMIT) {
    block->next = endpoint->spare;
    endpoint->spare = block;
    endpoint->spare_count++;
  } else {
    free(block);
  }
}

void cq_blocks_free(cquic_endpoint *endpoint, cq_block_list *list) {
  while (list->head) {
    cq_block *block = list->head;
    list->head = block->next;
    cq_block_free(endpoint, block);
  }
  list->tail = NULL;
}

size_t cq_blocks_append(cquic_endpoint *endpoint, cq_block_list *list, const uint8_t *bytes, size_t count) {
  size_t taken = 0;
  while (taken < count) {
    cq_block *block = list->tail;
    if (!block || block->end == block->capacity) {
      // A single small message does not hold a large block.
      size_t left = count - taken;
      size_t capacity = list->head || left > CQ_SMALL_BLOCK ? CQ_LARGE_BLOCK : left < 256 ? 256 : CQ_SMALL_BLOCK;
      block = cq_block_new(endpoint, capacity);
      if (!block) return taken;
      if (list->tail) list->tail->next = block;
      else list->head = block;
      list->tail = block;
    }
    size_t room = block->capacity - block->end, part = count - taken < room ? count - taken : room;
    memcpy(block->bytes + block->end, bytes + taken, part);
    block->end += (uint32_t)part;
    taken += part;
  }
  return taken;
}

size_t cq_blocks_take(cquic_endpoint *endpoint, cq_block_list *list, uint8_t *bytes, size_t capacity) {
  size_t taken = 0;
  while (list->head && taken < capacity) {
    cq_block *block = list->head;
    size_t room = capacity - taken, part = block->end - block->start;
    if (part > room) part = room;
    memcpy(bytes + taken, block->bytes + block->start, part);
    block->start += (uint32_t)part;
    taken += part;
    if (block->start < block->end) break;
    list->head = block->next;
    if (!list->head) list->tail = NULL;
    cq_block_free(endpoint, block);
  }
  return taken;
}
