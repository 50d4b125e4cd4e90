// SPDX-License-Identifier: Apache-2.0
// An economy rule: of each payment a flat fee goes to the genome that earned it, half to its owner and half to its parents' owners.
//
// A rule is a pure function in integers: the same event and view give the same postings in the same order, and these sum to zero.
#include "plugin_support.h"

// The host reads this from the file, without loading it.
CENTRAM_NOTE(CENTRAM_LANE_C, "", "");

// An instance holds the operator's settings, and may be asked by several threads at once.
typedef struct {
  int64_t fee; // micro-CEN
} rule_t;

static void *create(const char *configuration_json, char *error, size_t error_capacity) {
  double fee = 1000;
  const setting_t settings[] = {{.name = "fee", .value = &fee, .minimum = 0, .maximum = 1e12, .is_whole = 1}};
  if (read_settings(configuration_json, settings, 1, error, error_capacity) != CENTRAM_OK) return NULL;
  rule_t *self = malloc(sizeof *self);
  if (self == NULL) {
    fail(error, error_capacity, CENTRAM_ERROR_INTERNAL, "no memory");
    return NULL;
  }
  self->fee = (int64_t)fee;
  return self;
}

static void destroy(void *self) { free(self); }

typedef void (*emit_fn)(void *user, const char *account, int64_t micro_cen, const char *memo);

static int32_t postings(void *instance, const centram_economy_event_t *event, const centram_ledger_view_t *view, emit_fn emit, void *user,
                        char *error, size_t error_capacity) {
  const rule_t *self = instance;
  // An event that this rule is not about moves nothing.
  if (strcmp(event->type, "payment") != 0 || event->amount == 0) return CENTRAM_OK;
  if (event->amount < 0)
    return fail(error, error_capacity, CENTRAM_ERROR_INVALID, "a payment of %lld micro-CEN; it is 0 or more", (long long)event->amount);
  if (*event->payer == 0 || *event->payee == 0) return fail(error, error_capacity, CENTRAM_ERROR_INVALID, "a payment names its payer and its payee");

  const char *owner = NULL;
  int64_t fee = 0;
  if (view->owner(view->context, event->subject, &owner) && *owner != 0) fee = self->fee < event->amount ? self->fee : event->amount;

  emit(user, event->payer, -event->amount, "payment");
  emit(user, event->payee, event->amount - fee, "payment less the fee");
  if (fee == 0) return CENTRAM_OK;

  // Shares are rounded down, and what rounding leaves stays with the genome's owner: then the sum is exact whatever the numbers are.
  const int64_t ancestors = fee / 2;
  int64_t left = fee;
  const uint64_t count = view->parent_count(view->context, event->subject);
  for (uint64_t index = 0; index < count; index++) {
    const char *parent = NULL, *account = NULL;
    int64_t basis_points = 0;
    if (!view->parent(view->context, event->subject, index, &parent, &basis_points)) continue;
    if (basis_points <= 0 || basis_points > 10000 || !view->owner(view->context, parent, &account) || *account == 0) continue;
    const int64_t share = ancestors * basis_points / 10000; // at most 1e12 · 10,000, which fits
    if (share == 0 || share > left) continue;
    emit(user, account, share, "fee, to a parent");
    left -= share;
  }
  if (left > 0) emit(user, owner, left, "fee, to the genome");
  return CENTRAM_OK;
}

static const centram_economy_v1_t table = {
    .struct_size = sizeof(centram_economy_v1_t),
    .create = create,
    .destroy = destroy,
    .postings = postings,
};

static const void *get_interface(const char *interface_id) { return strcmp(interface_id, "centram.economy/1") == 0 ? &table : NULL; }

static const centram_descriptor_t descriptor = {
    .magic = CENTRAM_MAGIC,
    .struct_size = sizeof(centram_descriptor_t),
    .c_abi_major = CENTRAM_C_ABI_MAJOR,
    .c_abi_minor = CENTRAM_C_ABI_MINOR,
    .lanes = CENTRAM_LANE_C,
    .kind = CENTRAM_KIND_ECONOMY_RULE,
    .id = "@ID@",
    .version = "0.1.0",
    .summary = "A flat fee for a genome and its parents",
    .toolchain = "",
    .api_fingerprint = "",
    .get_interface = get_interface,
};

CENTRAM_EXPORT const centram_descriptor_t *centram_plugin_descriptor(void);
const centram_descriptor_t *centram_plugin_descriptor(void) { return &descriptor; }
