internal import CentramHost
internal import Foundation

extension GateSettings {
  /// - Parameter versions: those of all plugins.
  /// - Throws: `.configuration`, naming the key.
  init(_ section: [String: Any], versions: [String: VersionRange], _ reader: NodeConfiguration.Reader) throws(MergeError) {
    self.init()
    self.versions = versions
    try reader.section(section, "gate.", ["disable", "allowIncomplete", "policy"])
    disabled = Set(try reader.strings(section["disable"], "gate.disable"))
    if let value = section["allowIncomplete"] { allowsIncomplete = try reader.flag(value, "gate.allowIncomplete") }
    for (id, value) in try reader.object(section["policy"], "gate.policy") ?? [:] {
      guard let policy = try reader.object(value, "gate.policy.\(id)"), let text = try? JSONSerialization.data(withJSONObject: policy, options: [.sortedKeys]) else {
        throw reader.error("gate.policy.\(id)", "must be an object")
      }
      policies[id] = String(decoding: text, as: UTF8.self)
    }
  }
}
