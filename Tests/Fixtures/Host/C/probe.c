// Writes the addresses of its buffers to its output, which is how a test sees that nothing was copied.
#include "door.h"

static int32_t note_addresses(void *user, const centram_merge_block_t *block) {
  (void)user;
  const void *addresses[2] = {block->inputs[0], block->output};
  memcpy(block->output, addresses, sizeof addresses);
  return CENTRAM_OK;
}
static int32_t merge(void *self, const centram_merge_request_t *request, char *error, size_t capacity) {
  (void)self; (void)error; (void)capacity;
  return request->for_each_block(request->context, CENTRAM_BLOCKS_WHOLE, NULL, 0, note_addresses, NULL);
}
static const centram_merge_v1_t table = {sizeof table, 0, 1, 0, NULL, 0, fixture_create, fixture_destroy, merge};
FIXTURE_DOOR(CENTRAM_KIND_MERGE_OPERATOR, "test.merge.probe", "centram.merge/1", table, NULL)
