// SPDX-License-Identifier: Apache-2.0
// A trainer: stochastic gradient descent on a low-rank adapter. Each step subtracts the learning rate times the mean gradient.
//
// The host holds the model and the data, computes gradients and stores checkpoints. A trainer decides what to do with them, can be
// stopped between any two steps, and goes on from a checkpoint to the same bits.
#include "plugin_support.h"

// The host reads this from the file, without loading it.
CENTRAM_NOTE(CENTRAM_LANE_C, "", "");

static void *create(const char *configuration_json, char *error, size_t error_capacity) {
  if (read_settings(configuration_json, NULL, 0, error, error_capacity) != CENTRAM_OK) return NULL;
  void *self = malloc(1);
  if (self == NULL) fail(error, error_capacity, CENTRAM_ERROR_INTERNAL, "no memory");
  return self;
}

static void destroy(void *self) { free(self); }

// ---- settings -------------------------------------------------------------------------------------------------------

typedef struct {
  double steps, batch, length, learning_rate, rank, checkpoint_every;
} hyperparameters_t;

// What a user may set. The names are those that other trainers use.
static const centram_parameter_t parameters[] = {
    {.name = "steps", .summary = "steps in all", .type = CENTRAM_PARAMETER_INTEGER, .default_value = "100", .has_limits = 1, .minimum = 1, .maximum = 1000000},
    {.name = "batch", .summary = "sequences a step", .type = CENTRAM_PARAMETER_INTEGER, .default_value = "8", .has_limits = 1, .minimum = 1, .maximum = 4096},
    {.name = "length", .summary = "tokens a sequence", .type = CENTRAM_PARAMETER_INTEGER, .default_value = "128", .has_limits = 1, .minimum = 2, .maximum = 65536},
    {.name = "learning_rate", .summary = "what a step takes of the gradient", .type = CENTRAM_PARAMETER_NUMBER, .default_value = "0.1", .has_limits = 1, .minimum = 0, .maximum = 100},
    {.name = "rank", .summary = "the adapter's rank", .type = CENTRAM_PARAMETER_INTEGER, .default_value = "8", .has_limits = 1, .minimum = 1, .maximum = 256},
    {.name = "checkpoint_every", .summary = "steps between checkpoints; 0: none but when stopped", .type = CENTRAM_PARAMETER_INTEGER, .default_value = "0", .has_limits = 1, .minimum = 0, .maximum = 1000000},
};
enum { PARAMETER_COUNT = sizeof parameters / sizeof *parameters };

static int32_t read_hyperparameters(const char *json, hyperparameters_t *values, char *error, size_t error_capacity) {
  double *slots[PARAMETER_COUNT] = {&values->steps, &values->batch, &values->length, &values->learning_rate, &values->rank, &values->checkpoint_every};
  setting_t settings[PARAMETER_COUNT];
  for (int i = 0; i < PARAMETER_COUNT; i++) {
    *slots[i] = strtod(parameters[i].default_value, NULL);
    settings[i] = (setting_t){.name = parameters[i].name, .value = slots[i], .minimum = parameters[i].minimum, .maximum = parameters[i].maximum,
                              .is_whole = parameters[i].type == CENTRAM_PARAMETER_INTEGER};
  }
  return read_settings(json, settings, PARAMETER_COUNT, error, error_capacity);
}

// ---- what is trained, and how it is kept ----------------------------------------------------------------------------

typedef struct {
  float *values, *gradient; // the host's memory, lent until `train` returns
  uint64_t count;
} tensor_t;

typedef struct {
  const centram_trainer_request_t *request;
  hyperparameters_t settings;
  tensor_t *tensors;
  uint64_t tensor_count, element_count;
  uint64_t step; // steps done
  double loss;   // of the last step
} training_t;

// A checkpoint: this head, then all values. Nothing else differs from step to step, since descent has no moments.
typedef struct {
  char magic[8];
  uint64_t seed, steps, step, element_count;
  double loss;
} checkpoint_head_t;

static const char magic[8] = "SGD-1\0\0";

static int32_t write_checkpoint(const training_t *training) {
  const size_t size = sizeof(checkpoint_head_t) + training->element_count * sizeof(float);
  uint8_t *state = malloc(size);
  if (state == NULL) return CENTRAM_ERROR_INTERNAL;
  checkpoint_head_t head = {.seed = training->request->seed, .steps = (uint64_t)training->settings.steps, .step = training->step,
                            .element_count = training->element_count, .loss = training->loss};
  memcpy(head.magic, magic, sizeof magic);
  memcpy(state, &head, sizeof head);
  uint8_t *place = state + sizeof head;
  for (uint64_t i = 0; i < training->tensor_count; i++) {
    memcpy(place, training->tensors[i].values, training->tensors[i].count * sizeof(float));
    place += training->tensors[i].count * sizeof(float);
  }
  const int32_t status = training->request->checkpoint(training->request->context, state, size);
  free(state);
  return status;
}

static int32_t read_checkpoint(training_t *training, char *error, size_t error_capacity) {
  const centram_bytes_t state = training->request->resume_state;
  checkpoint_head_t head;
  if (state.count == 0) return CENTRAM_OK;
  if (state.count != sizeof head + training->element_count * sizeof(float))
    return fail(error, error_capacity, CENTRAM_ERROR_INVALID, "the checkpoint has %llu bytes; one of this training has %llu", (unsigned long long)state.count,
                (unsigned long long)(sizeof head + training->element_count * sizeof(float)));
  memcpy(&head, state.data, sizeof head);
  if (memcmp(head.magic, magic, sizeof magic) != 0 || head.seed != training->request->seed || head.steps != (uint64_t)training->settings.steps ||
      head.step > head.steps || head.element_count != training->element_count)
    return fail(error, error_capacity, CENTRAM_ERROR_INVALID, "the checkpoint is of another training: another seed, number of steps or trainer");
  training->step = head.step;
  training->loss = head.loss;
  const uint8_t *place = state.data + sizeof head;
  for (uint64_t i = 0; i < training->tensor_count; i++) {
    memcpy(training->tensors[i].values, place, training->tensors[i].count * sizeof(float));
    place += training->tensors[i].count * sizeof(float);
  }
  return CENTRAM_OK;
}

// Makes the adapter and finds its tensors. The base model's weights stay as they are.
static int32_t attach(training_t *training, char *error, size_t error_capacity) {
  const centram_trainable_t *model = training->request->model;
  char configuration[80];
  snprintf(configuration, sizeof configuration, "{\"r\":%.0f,\"lora_alpha\":%.0f}", training->settings.rank, 2 * training->settings.rank);
  int32_t status = model->attach_adapter(model->context, configuration, training->request->seed);
  if (status != CENTRAM_OK) return status;
  training->tensor_count = model->tensor_count(model->context);
  training->tensors = calloc(training->tensor_count ? training->tensor_count : 1, sizeof(tensor_t));
  if (training->tensors == NULL) return fail(error, error_capacity, CENTRAM_ERROR_INTERNAL, "no memory");
  for (uint64_t i = 0; i < training->tensor_count; i++) {
    tensor_t *tensor = &training->tensors[i];
    const char *name;
    const uint64_t *shape;
    uint32_t axes;
    status = model->tensor(model->context, i, &name, &axes, &shape, &tensor->values);
    if (status == CENTRAM_OK) status = model->gradient(model->context, i, &tensor->gradient);
    if (status != CENTRAM_OK) return status;
    tensor->count = 1;
    for (uint32_t axis = 0; axis < axes; axis++) tensor->count *= shape[axis];
    training->element_count += tensor->count;
  }
  return CENTRAM_OK;
}

// ---- training -------------------------------------------------------------------------------------------------------

static int32_t one_step(training_t *training, int32_t *tokens, char *error, size_t error_capacity) {
  const centram_trainer_request_t *request = training->request;
  const centram_trainable_t *model = request->model;
  const uint64_t batch = (uint64_t)training->settings.batch, length = (uint64_t)training->settings.length;
  int32_t status = request->batch(request->context, training->step, batch, length, tokens);
  if (status != CENTRAM_OK) return status; // the host knows its own error's sentence
  // The gradient is a sum over the tokens that count: all but each row's first, and none whose id is negative.
  uint64_t counted = 0;
  for (uint64_t i = 0; i < batch * length; i++)
    if (i % length != 0 && tokens[i] >= 0) counted++;
  for (uint64_t i = 0; i < training->tensor_count; i++) memset(training->tensors[i].gradient, 0, training->tensors[i].count * sizeof(float));
  status = model->accumulate(model->context, tokens, batch, length, 0, &training->loss, NULL);
  if (status != CENTRAM_OK) return status;
  if (!isfinite(training->loss))
    return fail(error, error_capacity, CENTRAM_ERROR_INVALID, "the loss of step %llu is not a number; a smaller learning_rate than %g may help",
                (unsigned long long)(training->step + 1), training->settings.learning_rate);
  const float rate = (float)(training->settings.learning_rate / (double)(counted ? counted : 1));
  for (uint64_t i = 0; i < training->tensor_count; i++)
    for (uint64_t k = 0; k < training->tensors[i].count; k++) training->tensors[i].values[k] -= rate * training->tensors[i].gradient[k];
  training->step++;
  char event[160];
  snprintf(event, sizeof event, "{\"step\":%llu,\"steps\":%.0f,\"loss\":%.9g}", (unsigned long long)training->step, training->settings.steps, training->loss);
  request->event(request->context, event);
  return CENTRAM_OK;
}

static int32_t all_steps(training_t *training, int32_t *tokens, char *error, size_t error_capacity) {
  const centram_trainer_request_t *request = training->request;
  while (training->step < (uint64_t)training->settings.steps) {
    if (request->is_cancelled(request->context)) {
      const int32_t status = write_checkpoint(training);
      return status != CENTRAM_OK ? status : fail(error, error_capacity, CENTRAM_ERROR_CANCELLED, "stopped after step %llu", (unsigned long long)training->step);
    }
    int32_t status = one_step(training, tokens, error, error_capacity);
    const uint64_t every = (uint64_t)training->settings.checkpoint_every;
    if (status == CENTRAM_OK && every > 0 && training->step % every == 0) status = write_checkpoint(training);
    if (status != CENTRAM_OK) return status;
  }
  char metrics[80];
  snprintf(metrics, sizeof metrics, "{\"loss\":%.9g,\"steps\":%.0f}", training->loss, training->settings.steps);
  request->result(request->context, metrics, ""); // no privacy record: nothing private was promised
  return CENTRAM_OK;
}

// Runs on a thread of its own and may block.
static int32_t train(void *self, const centram_trainer_request_t *request, char *error, size_t error_capacity) {
  (void)self;
  training_t training = {.request = request};
  int32_t status = read_hyperparameters(request->settings_json, &training.settings, error, error_capacity);
  if (status != CENTRAM_OK) return status;
  int32_t *tokens = malloc((size_t)training.settings.batch * (size_t)training.settings.length * sizeof *tokens);
  if (tokens == NULL) return fail(error, error_capacity, CENTRAM_ERROR_INTERNAL, "no memory for a batch");
  status = attach(&training, error, error_capacity);
  if (status == CENTRAM_OK) status = read_checkpoint(&training, error, error_capacity);
  if (status == CENTRAM_OK) status = all_steps(&training, tokens, error, error_capacity);
  free(tokens);
  free(training.tensors);
  return status;
}

static const centram_trainer_v1_t table = {
    .struct_size = sizeof(centram_trainer_v1_t),
    .parameters = parameters,
    .parameter_count = PARAMETER_COUNT,
    .create = create,
    .destroy = destroy,
    .train = train,
};

static const void *get_interface(const char *interface_id) { return strcmp(interface_id, "centram.trainer/1") == 0 ? &table : NULL; }

static const centram_descriptor_t descriptor = {
    .magic = CENTRAM_MAGIC,
    .struct_size = sizeof(centram_descriptor_t),
    .c_abi_major = CENTRAM_C_ABI_MAJOR,
    .c_abi_minor = CENTRAM_C_ABI_MINOR,
    .lanes = CENTRAM_LANE_C,
    .kind = CENTRAM_KIND_TRAINER,
    .id = "@ID@",
    .version = "0.1.0",
    .summary = "Plain gradient descent on an adapter",
    .toolchain = "",
    .api_fingerprint = "",
    .get_interface = get_interface,
};

CENTRAM_EXPORT const centram_descriptor_t *centram_plugin_descriptor(void);
const centram_descriptor_t *centram_plugin_descriptor(void) { return &descriptor; }
