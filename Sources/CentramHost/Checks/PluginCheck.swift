/// The checks that every plugin goes through, in this order; the first that fails ends the chain. Everything before
/// `load` only reads.
public enum PluginCheck: String, Sendable, CaseIterable {
  case folder, signature, manifest, rights, api
  case hash, elf, machine, note, needed, types, conformances, entry, toolchain, fingerprint
  case load, descriptor, initialize, interface, instance

  /// The checks up to one, it included.
  static func through(_ last: PluginCheck) -> ArraySlice<PluginCheck> { allCases[...(allCases.firstIndex(of: last) ?? 0)] }

  /// What it makes sure of.
  public var summary: String {
    switch self {
    case .folder: "the folder holds plugin.json and nothing in it is too large"
    case .signature: "a trusted publisher signed plugin.json with a key that is not revoked"
    case .manifest: "plugin.json is complete and holds nothing unknown"
    case .rights: "the publisher may publish this id and kind, nothing of it is revoked, and the host can isolate it where it must"
    case .api: "the plugin takes this host's versions of the API"
    case .hash: "the library is the file that plugin.json names"
    case .elf: "the library is a whole shared library"
    case .machine: "it was built for this processor"
    case .note: "it carries the Centram note, for the lanes that plugin.json names"
    case .needed: "it shares the host's API and Swift runtime"
    case .types: "it holds no copy of the API's types"
    case .conformances: "it conforms no foreign type to the API's protocols"
    case .entry: "it has exactly one entry"
    case .toolchain: "the host's compiler built it"
    case .fingerprint: "it was built for this very interface"
    case .load: "the system's loader takes it"
    case .descriptor: "its descriptor says what plugin.json says"
    case .initialize: "it is ready"
    case .interface: "it offers the interface of its kind"
    case .instance: "it makes an instance"
    }
  }
}

/// How a check went.
public struct CheckResult: Sendable, Equatable, CustomStringConvertible {
  public enum Outcome: Sendable, Equatable {
    case passed
    /// It does not apply; the text says why.
    case skipped(String)
    case failed(String)
  }

  public let check: PluginCheck
  public let outcome: Outcome

  public var description: String {
    switch outcome {
    case .passed: "ok       \(check.rawValue): \(check.summary)"
    case .skipped(let why): "skipped  \(check.rawValue): \(why)"
    case .failed(let why): "FAILED   \(check.rawValue): \(why)"
    }
  }
}
