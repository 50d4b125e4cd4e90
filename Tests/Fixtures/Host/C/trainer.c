// Plain gradient descent for the steps and the rate in its settings; its state is the number of steps done.
//
// For the tests of the C lane, not an example: a checkpoint without weights cannot be gone on from, so it does not keep the promises of a trainer
// (CConformanceTests says which it breaks).
#include "door.h"

static int32_t train(void *self, const centram_trainer_request_t *request, char *error, size_t capacity) {
  (void)self;
  const centram_trainable_t *model = request->model;
  uint64_t steps = strtoull(request->settings_json, NULL, 10), done = 0;
  if (request->resume_state.count == sizeof done) memcpy(&done, request->resume_state.data, sizeof done);
  int32_t status = model->attach_adapter(model->context, "{\"r\":2}", request->seed);
  if (status) return status;
  double loss = 0, norms[2] = {0, 0};
  for (; done < steps; done++) {
    if (request->is_cancelled(request->context)) {
      request->checkpoint(request->context, (const uint8_t *)&done, sizeof done);
      fixture_say(error, capacity, "cancelled");
      return CENTRAM_ERROR_CANCELLED;
    }
    int32_t tokens[2 * 3];
    if ((status = request->batch(request->context, done, 2, 3, tokens))) return status;
    if ((status = model->accumulate(model->context, tokens, 2, 3, 1.5, &loss, norms))) return status;
    for (uint64_t i = 0; i < model->tensor_count(model->context); i++) {
      const char *name;
      uint32_t rank;
      const uint64_t *shape;
      float *data, *gradient;
      if ((status = model->tensor(model->context, i, &name, &rank, &shape, &data))) return status;
      if ((status = model->gradient(model->context, i, &gradient))) return status;
      uint64_t count = 1;
      for (uint32_t axis = 0; axis < rank; axis++) count *= shape[axis];
      for (uint64_t j = 0; j < count; j++) { data[j] -= 0.5f * gradient[j]; gradient[j] = 0; }
    }
    char event[100];
    snprintf(event, sizeof event, "{\"step\":%llu,\"steps\":%llu,\"loss\":%g}", (unsigned long long)(done + 1), (unsigned long long)steps, loss);
    request->event(request->context, event);
  }
  if ((status = request->checkpoint(request->context, (const uint8_t *)&done, sizeof done))) return status;
  char metrics[100];
  snprintf(metrics, sizeof metrics, "{\"loss\":%g,\"norm\":%g}", loss, norms[1]);
  if (!strstr(request->settings_json, "silent")) request->result(request->context, metrics, strstr(request->settings_json, "private") ? "{\"epsilon\":8}" : NULL);
  return CENTRAM_OK;
}
static const centram_trainer_v1_t table = {sizeof table, 0, NULL, 0, fixture_create, fixture_destroy, train};
FIXTURE_DOOR(CENTRAM_KIND_TRAINER, "test.trainer.descent", "centram.trainer/1", table, NULL)
