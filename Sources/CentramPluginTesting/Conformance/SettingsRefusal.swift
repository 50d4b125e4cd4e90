// SPDX-License-Identifier: Apache-2.0
import CentramPluginAPI

/// How a plugin answers settings: nil where it takes them.
func settingsRefusal<Instance>(_ json: String, _ make: (String) throws(PluginError) -> Instance) -> PluginError.Code? {
  do throws(PluginError) {
    _ = try make(json)
    return nil
  } catch { return error.code }
}

/// Requires that settings which a plugin does not know are taken or refused, and the same way again.
func requireSteadySettings<Instance>(_ make: (String) throws(PluginError) -> Instance) throws {
  for text in [#"{"no_such_setting": 1}"#, "[]", "{", "", "null", "[[[[[[[["] {
    let (one, again) = (settingsRefusal(text, make), settingsRefusal(text, make))
    try require(one == again, "the settings \(text) to be taken or refused alike each time", "it was \(one.map { "\($0)" } ?? "taken"), then \(again.map { "\($0)" } ?? "taken")")
  }
}
