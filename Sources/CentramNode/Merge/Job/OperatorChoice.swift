public import CentramHost
public import CentramPluginAPI

/// Finds merge operators by the names that configurations use.
public struct OperatorChoice: Sendable {
  let host: PluginHost
  let versions: [String: VersionRange]

  /// - Parameter versions: which versions of a plugin may be used, by id.
  public init(_ host: PluginHost, versions: [String: VersionRange] = [:]) { (self.host, self.versions) = (host, versions) }

  public struct Chosen: Sendable {
    public let operation: any MergeOperator
    public let id: String
    public let version: String
    public init(operation: any MergeOperator, id: String, version: String) { (self.operation, self.id, self.version) = (operation, id, version) }
  }

  /// - Parameter name: `ties`, `merge.ties`, `ties@^1.0`.
  public func callAsFunction(_ name: String) throws(HostError) -> Chosen {
    var selector = name
    if !name.contains("@"), let range = try versions[host.resolve(kind: .mergeOperator, name: name).id] { selector = "\(name)@\(range)" }
    let operation = try host.mergeOperator(selector)
    let record = try host.resolve(kind: .mergeOperator, name: selector)
    return Chosen(operation: operation, id: record.id, version: record.version?.description ?? "?")
  }
}

extension MergeError {
  /// A plugin's refusal in the words of a merge, with the place in the configuration.
  init(_ error: HostError, at place: ConfigurationPlace) {
    let code: Code = error.code == .notFound || error.code == .ambiguous || error.code == .invalid ? .configuration : .operator
    self = MergeError(code, place.error(error.message).message)
  }
}
