// SPDX-License-Identifier: Apache-2.0
#include "centram_plugin.h"

// SwiftPM wants a C target to hold an object; the header is all that this one is for.
uint32_t centram_c_abi_major(void);
uint32_t centram_c_abi_major(void) { return CENTRAM_C_ABI_MAJOR; }
