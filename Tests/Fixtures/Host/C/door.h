// The door of the C fixtures. Each part can be made wrong with a -D, for the tests of what the host refuses.
#ifndef FIXTURE_DOOR_H
#define FIXTURE_DOOR_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "centram_plugin.h"

#ifndef FIXTURE_VERSION
#define FIXTURE_VERSION "1.0.0"
#endif
#ifndef FIXTURE_MAGIC
#define FIXTURE_MAGIC CENTRAM_MAGIC
#endif
#ifndef FIXTURE_DESCRIPTOR_SIZE
#define FIXTURE_DESCRIPTOR_SIZE sizeof(centram_descriptor_t)
#endif
#ifndef FIXTURE_NOTE_LANES
#define FIXTURE_NOTE_LANES CENTRAM_LANE_C
#endif
#ifndef FIXTURE_ENTRY
#define FIXTURE_ENTRY centram_plugin_descriptor
#endif
#ifndef FIXTURE_DESCRIPTOR
#define FIXTURE_DESCRIPTOR &descriptor
#endif
#ifndef FIXTURE_TOOLCHAIN
#define FIXTURE_TOOLCHAIN ""
#endif
#ifndef FIXTURE_FINGERPRINT
#define FIXTURE_FINGERPRINT ""
#endif

static inline void fixture_say(char *error, size_t capacity, const char *sentence) { snprintf(error, capacity, "%s", sentence); }
static inline void *fixture_create(const char *configuration, char *error, size_t capacity) {
  if (strstr(configuration, "refuse")) { fixture_say(error, capacity, "the configuration says refuse"); return NULL; }
  return malloc(1);
}
static inline void fixture_destroy(void *self) { free(self); }

#ifdef FIXTURE_NO_NOTE
#define FIXTURE_NOTE
#else
#define FIXTURE_NOTE CENTRAM_NOTE(FIXTURE_NOTE_LANES, FIXTURE_TOOLCHAIN, FIXTURE_FINGERPRINT);
#endif
#ifdef FIXTURE_EXTRA_SYMBOL /* any name, as the symbols of a Swift library have */
CENTRAM_EXPORT int fixture_extra __asm__(FIXTURE_EXTRA_SYMBOL) = 1;
#endif
#ifdef FIXTURE_TWO_ENTRIES
#define FIXTURE_SECOND CENTRAM_EXPORT const centram_descriptor_t *centram_plugin_descriptor__second(void); \
  const centram_descriptor_t *centram_plugin_descriptor__second(void) { return &descriptor; }
#else
#define FIXTURE_SECOND
#endif

#define FIXTURE_DOOR(kind_, id_, interface_, table_, init_)                                                      \
  FIXTURE_NOTE                                                                                                   \
  static const void *get_interface(const char *id) { return strcmp(id, interface_) ? NULL : &(table_); }         \
  static const centram_descriptor_t descriptor = {                                                               \
      .magic = FIXTURE_MAGIC, .struct_size = FIXTURE_DESCRIPTOR_SIZE, .c_abi_major = 1, .lanes = CENTRAM_LANE_C, \
      .kind = kind_, .id = id_, .version = FIXTURE_VERSION, .summary = "A fixture", .toolchain = "",             \
      .api_fingerprint = "", .init = init_, .get_interface = get_interface};                                     \
  CENTRAM_EXPORT const centram_descriptor_t *FIXTURE_ENTRY(void);                                                \
  const centram_descriptor_t *FIXTURE_ENTRY(void) { return FIXTURE_DESCRIPTOR; }                                 \
  FIXTURE_SECOND
#endif
