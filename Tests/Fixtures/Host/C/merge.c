// Centres the first input on the mean of all inputs: y = x0 - mean + shift. Needs a fold and a pass.
//
// For the tests of the C lane, not an example: its parameters ask for faults, it says that it draws and does not, and it goes without the weight that it
// requires, so it does not keep the promises of an operator (CConformanceTests says which it breaks).
#include "door.h"

/* A real fault, which a signal handler cannot step over. */
static int *volatile nowhere;

typedef struct { double sum; uint64_t count; } fold_t;

static int32_t add(void *user, void *state, const centram_merge_block_t *block) {
  (void)user;
  fold_t *fold = state;
  if (block->output) return CENTRAM_ERROR_INTERNAL;
  for (uint32_t input = 0; input < block->input_count; input++)
    for (uint64_t i = 0; i < block->count; i++) fold->sum += block->inputs[input][i];
  fold->count += block->count * block->input_count;
  return CENTRAM_OK;
}
static void combine(void *user, void *into, const void *from) {
  (void)user;
  ((fold_t *)into)->sum += ((const fold_t *)from)->sum;
  ((fold_t *)into)->count += ((const fold_t *)from)->count;
}

typedef struct { const centram_merge_request_t *request; double offset; int fail, mask; } pass_t;

static int32_t write_block(void *user, const centram_merge_block_t *block) {
  const pass_t *pass = user;
  if (pass->fail) return CENTRAM_ERROR_LIMIT;
  if (block->inputs[0] == NULL || (block->input_count > 1 && block->inputs[1] != NULL)) return CENTRAM_ERROR_INVALID;
  uint8_t *mask = calloc(1, block->count);
  int masked = pass->mask && pass->request->mask(pass->request->context, 0, block->offset, block->count, mask);
  for (uint64_t i = 0; i < block->count; i++) block->output[i] = masked && !mask[i] ? 0 : (float)(block->inputs[0][i] + pass->offset);
  free(mask);
  return CENTRAM_OK;
}

static int32_t merge(void *self, const centram_merge_request_t *request, char *error, size_t capacity) {
  (void)self;
  const centram_parameters_t *parameters = request->parameters;
  double shift = 0, weight = 0;
  const char *mode = "";
  int32_t flag = 0;
  parameters->number(parameters->context, "shift", -1, &shift);
  parameters->string(parameters->context, "mode", -1, &mode);
  if (!strcmp(mode, "refuse")) { fixture_say(error, capacity, "mode refuse was asked for"); return CENTRAM_ERROR_UNSUPPORTED; }
  if (!strcmp(mode, "silent")) return CENTRAM_ERROR_SHAPE;
  if (!strcmp(mode, "long")) { memset(error, 'x', capacity); return CENTRAM_ERROR_INTERNAL; }
  if (!strcmp(mode, "address")) { /* says where the buffers lie, for the tests of zero copy */
    snprintf(error, capacity, "addresses");
    return CENTRAM_ERROR_INTERNAL;
  }
  if (!strcmp(mode, "granularity")) return request->for_each_block(request->context, 9, NULL, 0, write_block, NULL);
  if (parameters->number(parameters->context, "weight", 0, &weight)) shift += weight;
  if (parameters->boolean(parameters->context, "double", -1, &flag) && flag) shift *= 2;
  fold_t fold = {0, 0};
  int32_t status = request->reduce(request->context, CENTRAM_BLOCKS_ANY, NULL, 0, sizeof fold, add, combine, NULL, &fold);
  if (status) return status;
  pass_t pass = {request, shift - fold.sum / (double)fold.count, !strcmp(mode, "fail"), !strcmp(mode, "mask")};
  uint32_t wanted[1] = {0};
  return request->for_each_block(request->context, CENTRAM_BLOCKS_ROWS, wanted, 1, write_block, &pass);
}

static const centram_parameter_t parameters[] = {
    {"shift", "added at the end", CENTRAM_PARAMETER_NUMBER, CENTRAM_SCOPE_SHARED, 0, 1, "0.5", -10, 10},
    {"mode", "what to do", CENTRAM_PARAMETER_STRING, CENTRAM_SCOPE_SHARED, 0, 0, NULL, 0, 0},
    {"double", "twice the shift", CENTRAM_PARAMETER_BOOLEAN, CENTRAM_SCOPE_SHARED, 0, 0, "false", 0, 0},
    {"weight", "added as well", CENTRAM_PARAMETER_NUMBER, CENTRAM_SCOPE_PER_INPUT, 1, 0, "ignored", 0, 0},
};
#ifndef FIXTURE_TABLE_SIZE
#define FIXTURE_TABLE_SIZE sizeof(centram_merge_v1_t)
#endif
#ifndef FIXTURE_MERGE
#define FIXTURE_MERGE merge
#endif
static const centram_merge_v1_t table = {
    FIXTURE_TABLE_SIZE, CENTRAM_MERGE_BASE_IS_INPUT | CENTRAM_MERGE_USES_SEED, 1, 0, parameters, 4, fixture_create, fixture_destroy, FIXTURE_MERGE};

static int32_t init(const centram_host_t *host, char *error, size_t capacity) {
  const centram_clock_v1_t *clock = host->get_service(host->context, "centram.clock/1");
  const centram_random_v1_t *random = host->get_service(host->context, "centram.random/1");
  uint8_t bytes[300] = {0};
  if (!clock || !random || host->get_service(host->context, "centram.nothing/1")) {
    fixture_say(error, capacity, "the services are wrong");
    return CENTRAM_ERROR_UNAVAILABLE;
  }
  random->fill(random->context, bytes, sizeof bytes);
  char line[120];
  snprintf(line, sizeof line, "milliseconds %lld, nanoseconds %llu, byte %u", (long long)clock->unix_milliseconds(clock->context),
           (unsigned long long)clock->monotonic_nanoseconds(clock->context), (unsigned)bytes[299]);
  host->log(host->context, CENTRAM_LOG_INFO, line);
#ifdef FIXTURE_INIT_FAILS
  fixture_say(error, capacity, "the licence ran out");
  return CENTRAM_ERROR_UNAVAILABLE;
#endif
#ifdef FIXTURE_INIT_CRASHES
  *nowhere = 1;
#endif
  return CENTRAM_OK;
}
#ifdef FIXTURE_CONSTRUCTOR_CRASHES
__attribute__((constructor)) static void crash(void) { *nowhere = 1; }
#endif
#ifndef FIXTURE_ID
#define FIXTURE_ID "test.merge.center"
#endif
#ifndef FIXTURE_KIND
#define FIXTURE_KIND CENTRAM_KIND_MERGE_OPERATOR
#endif
FIXTURE_DOOR(FIXTURE_KIND, FIXTURE_ID, "centram.merge/1", table, init)
