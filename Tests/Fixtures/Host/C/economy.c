// The payer pays; each parent's owner gets its share, the payee the rest.
#include "door.h"

static int32_t postings(void *self, const centram_economy_event_t *event, const centram_ledger_view_t *view,
                        void (*emit)(void *user, const char *account, int64_t micro_cen, const char *memo), void *user, char *error, size_t capacity) {
  (void)self;
  int64_t balance = 0, generation = 0, rest = event->amount;
  if (strcmp(event->type, "payment")) { snprintf(error, capacity, "no rule for %s", event->type); return CENTRAM_ERROR_UNSUPPORTED; }
  if (event->amount < 0) { snprintf(error, capacity, "the amount is %lld", (long long)event->amount); return CENTRAM_ERROR_INVALID; }
  if (!view->balance(view->context, event->payer, &balance) || balance < event->amount) {
    snprintf(error, capacity, "%s has %lld, needs %lld", event->payer, (long long)balance, (long long)event->amount);
    return CENTRAM_ERROR_LIMIT;
  }
  view->generation(view->context, event->subject, &generation);
  emit(user, event->payer, -event->amount, event->details_json);
  for (uint64_t i = 0; i < view->parent_count(view->context, event->subject); i++) {
    const char *parent, *owner;
    int64_t share;
    if (!view->parent(view->context, event->subject, i, &parent, &share) || !view->owner(view->context, parent, &owner)) continue;
    /* Ten-thousandths first, so that no amount overflows. */
    int64_t part = (event->amount / 10000 * share + event->amount % 10000 * share / 10000) / (generation + 1);
    emit(user, owner, part, parent);
    rest -= part;
  }
  const char *none;
  int64_t points;
  if (view->parent(view->context, event->subject, 99, &none, &points)) return CENTRAM_ERROR_INTERNAL;
  emit(user, event->payee, rest, "rest");
  return CENTRAM_OK;
}
static const centram_economy_v1_t table = {sizeof table, 0, fixture_create, fixture_destroy, postings};
FIXTURE_DOOR(CENTRAM_KIND_ECONOMY_RULE, "test.economy.split", "centram.economy/1", table, NULL)
