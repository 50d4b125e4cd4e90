// SPDX-License-Identifier: Apache-2.0
// SHA-256 of the Swift interface of this API without comments. `Scripts/api-check --update` writes it.
#ifndef CENTRAM_API_FINGERPRINT
#define CENTRAM_API_FINGERPRINT "bcff700d893b34baff29e60aca1e4305543d755d6136aa5b3d56c2426bf48539"
#endif
