// SPDX-License-Identifier: Apache-2.0
// No declarations: linking this target is what puts the note into a plugin.
