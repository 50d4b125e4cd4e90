// The mean of the inputs, right but for what a -D makes wrong.
#include <unistd.h>

#include "door.h"

/* A real fault, which a signal handler cannot step over. */
static int *volatile nowhere;

#ifdef WRONG_CRASH_AT_LOAD
__attribute__((constructor)) static void crash(void) { *nowhere = 1; }
#endif

static int32_t write_block(void *user, const centram_merge_block_t *block) {
  (void)user;
  for (uint64_t i = 0; i < block->count; i++) {
    double sum = 0;
    for (uint32_t input = 0; input < block->input_count; input++) sum += block->inputs[input][i];
    block->output[i] = (float)(sum / block->input_count);
  }
#ifdef WRONG_WRITES_INPUTS
  ((float *)block->inputs[0])[0] = 1;
#endif
  return CENTRAM_OK;
}

static int32_t merge(void *self, const centram_merge_request_t *request, char *error, size_t capacity) {
  (void)self;
  (void)error;
  (void)capacity;
#ifdef WRONG_CRASH_ON_SCALARS
  if (request->rank == 0) *nowhere = 1;
#endif
#ifdef WRONG_EXITS
  _exit(3);
#endif
#ifdef WRONG_HANGS
  for (;;) sleep(1);
#endif
#ifdef WRONG_PRINTS
  puts("{\"passed\":{\"_0\":\"identity\"}}");
  fflush(stdout);
#endif
  return request->for_each_block(request->context, CENTRAM_BLOCKS_ANY, NULL, 0, write_block, NULL);
}
static const centram_merge_v1_t table = {sizeof table, CENTRAM_MERGE_BASE_IS_INPUT, 1, 0, NULL, 0, fixture_create, fixture_destroy, merge};
FIXTURE_DOOR(CENTRAM_KIND_MERGE_OPERATOR, "test.merge.wrong", "centram.merge/1", table, NULL)
