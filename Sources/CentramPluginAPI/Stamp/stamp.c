// SPDX-License-Identifier: Apache-2.0
#include "centram_plugin.h"

// Linked into every Swift plugin: the note that the host reads without dlopen.
CENTRAM_NOTE(CENTRAM_LANE_SWIFT, CENTRAM_TOOLCHAIN, CENTRAM_API_FINGERPRINT);
