// SPDX-License-Identifier: Apache-2.0
// Errors with a sentence, and numbers out of a small JSON object.
#ifndef PLUGIN_SUPPORT_H
#define PLUGIN_SUPPORT_H

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "centram_plugin.h"

// Writes a sentence for the user, who reads it as it is, and returns the code.
__attribute__((format(printf, 4, 5))) static inline int32_t fail(char *error, size_t capacity, int32_t code, const char *format, ...) {
  if (error != NULL && capacity > 0) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error, capacity, format, arguments);
    va_end(arguments);
  }
  return code;
}

// A number that a user may set. `value` holds the default before and what was set afterwards.
typedef struct {
  const char *name;
  double *value;
  double minimum, maximum; // inclusive
  int is_whole;
} setting_t;

static inline const char *skip_spaces(const char *text) { return text + strspn(text, " \t\r\n"); }

static inline int32_t not_a_flat_object(const char *json, char *error, size_t capacity) {
  return fail(error, capacity, CENTRAM_ERROR_INVALID, "the settings are not a JSON object of numbers: %.80s", json);
}

// Reads a JSON object that holds nothing but numbers with the names of `settings`, each within its limits.
static inline int32_t read_settings(const char *json, const setting_t *settings, size_t count, char *error, size_t capacity) {
  if (json == NULL) return CENTRAM_OK;
  const char *text = skip_spaces(json);
  if (*text != '{') return not_a_flat_object(json, error, capacity);
  text = skip_spaces(text + 1);
  int is_first = 1;
  while (*text != '}') {
    if (!is_first) {
      if (*text != ',') return not_a_flat_object(json, error, capacity);
      text = skip_spaces(text + 1);
    }
    is_first = 0;
    if (*text != '"') return not_a_flat_object(json, error, capacity);
    const char *name = text + 1;
    size_t length = strcspn(name, "\"");
    if (name[length] != '"') return not_a_flat_object(json, error, capacity);
    text = skip_spaces(name + length + 1);
    if (*text != ':') return not_a_flat_object(json, error, capacity);
    text = skip_spaces(text + 1);
    const setting_t *found = NULL;
    for (size_t i = 0; i < count; i++)
      if (strlen(settings[i].name) == length && memcmp(settings[i].name, name, length) == 0) found = &settings[i];
    int shown = length > 60 ? 60 : (int)length;
    if (found == NULL) return fail(error, capacity, CENTRAM_ERROR_INVALID, "there is no setting %.*s", shown, name);
    // The digits are copied, because strtod also takes "inf" and hexadecimal numbers, which JSON has not.
    char digits[64];
    size_t size = strspn(text, "+-.0123456789eE");
    if (size == 0 || size >= sizeof digits) return fail(error, capacity, CENTRAM_ERROR_INVALID, "%s is not a number", found->name);
    memcpy(digits, text, size);
    digits[size] = 0;
    char *end = NULL;
    double value = strtod(digits, &end);
    if (end == NULL || *end != 0) return fail(error, capacity, CENTRAM_ERROR_INVALID, "%s is not a number", found->name);
    if (!(value >= found->minimum && value <= found->maximum) || (found->is_whole && value != floor(value)))
      return fail(error, capacity, CENTRAM_ERROR_INVALID, "%s is %g; it is a %snumber from %g to %g", found->name, value,
                  found->is_whole ? "whole " : "", found->minimum, found->maximum);
    *found->value = value;
    text = skip_spaces(text + size);
  }
  if (*skip_spaces(text + 1) != 0) return not_a_flat_object(json, error, capacity);
  return CENTRAM_OK;
}

#endif
