// SPDX-License-Identifier: Apache-2.0
// SHA-256 of the Swift interface of this API without comments. `Scripts/api-check --update` writes it.
#ifndef CENTRAM_API_FINGERPRINT
#define CENTRAM_API_FINGERPRINT "972c7e96b78c240af363b8ed10bd5d8266f76ab13ab671a2dc6a32e014d850e1"
#endif
