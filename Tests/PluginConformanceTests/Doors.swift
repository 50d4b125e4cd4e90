import CentramPluginAPI
import Testing

/// How to make instances of a plugin that is linked into the tests, taken through the door that a host takes it through.
func capability(_ descriptor: UnsafePointer<centram_descriptor_t>) throws -> Capability {
  let box = try #require("centram.swift/1".withCString { descriptor.pointee.get_interface($0) })
  return Unmanaged<PluginBox>.fromOpaque(box).takeRetainedValue().capability
}

/// Which checks of a suite a mutant fails, and whether each check has a mutant that no other catches.
struct MutationReport {
  private(set) var failed: [String: Set<String>] = [:]
  mutating func add(_ mutation: String, _ checks: Set<String>) { failed[mutation] = checks }

  /// The checks that no mutant fails alone.
  func notCaughtAlone(_ names: [String]) -> [String] { names.filter { name in !failed.values.contains([name]) } }
}
