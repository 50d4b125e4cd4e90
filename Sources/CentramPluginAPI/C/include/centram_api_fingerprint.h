// SPDX-License-Identifier: Apache-2.0
// SHA-256 of the Swift interface of this API without comments. `Scripts/api-fingerprint --update` writes it.
#ifndef CENTRAM_API_FINGERPRINT
#define CENTRAM_API_FINGERPRINT "unset"
#endif
