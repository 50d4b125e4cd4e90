// SPDX-License-Identifier: Apache-2.0
// SHA-256 of the Swift interface of this API without comments. `Scripts/api-check --update` writes it.
#ifndef CENTRAM_API_FINGERPRINT
#define CENTRAM_API_FINGERPRINT "1ba6bd971b701ed4a21d7368844463e7cb1c84c173038a9f6ae58421c0eb7b8e"
#endif
