// SPDX-License-Identifier: Apache-2.0
public import CentramHost
public import CentramPluginAPI
internal import Foundation
internal import Synchronization

/// The suite of a plugin's kind on a plugin as a host loads it. It runs the plugin's code: `ConformanceProcess` does so elsewhere.
public struct PluginConformance: Sendable {
  public let record: PluginRecord
  public let suite: any ConformanceSuite
  /// Those of the suite that the request wants, in their order.
  public let checks: [String]

  /// The checks of a kind in their order; nil where it has no suite.
  public static func checkNames(_ kind: PluginKind) -> [String]? {
    switch kind {
    case .transport: TransportConformance.checkNames
    case .mergeOperator: MergeOperatorConformance.checkNames
    case .gateLayer: GateLayerConformance.checkNames
    case .trainer: TrainerConformance.checkNames
    case .economyRule: EconomyRuleConformance.checkNames
    default: nil
    }
  }

  /// Checks and loads the plugin.
  /// - Parameter configuration: whose plugins are let in, and what runs those in processes of their own that must; not where to look for them.
  /// - Throws: why it is refused, also where no trusted publisher signed it and it may not run for that; a check that there is not.
  public init(_ request: ConformanceRequest, configuration: HostConfiguration) throws(HostError) {
    let services = SwitchedServices()
    let host = try Self.host(request, configuration, services)
    guard let found = host.snapshot().records.first else { throw HostError(.notFound, "\(request.path) holds no plugin") }
    if case .failed(let reason) = found.state { throw HostError(.invalid, "\(found.title) is refused: \(reason)") }
    guard found.publisher != nil || request.runsUnsigned else {
      throw HostError(.invalid, "no trusted publisher signed \(found.title), so its code does not run unless asked for")
    }
    let selector = found.version.map { "\(found.id)@\($0)" } ?? found.id
    record = try host.load(id: found.id, range: found.version.map { (version) throws(HostError) in try VersionRange("\(version)") } ?? .any)
    guard let names = Self.checkNames(record.kind) else { throw HostError(.wrongKind, "there is no conformance suite for the kind \(record.kind)") }
    if let unknown = ((request.only ?? []) + request.skipped).first(where: { !names.contains($0) }) {
      throw HostError(
        .invalid,
        "the suite of the kind \(record.kind) has no check \(unknown)\(NearestName.hint(for: unknown, among: names)); known: \(names.joined(separator: ", "))")
    }
    checks = names.filter { request.only?.contains($0) ?? true }
    suite = try Self.suite(record.kind, Maker(host: host, selector: selector, services: services), request)
  }

  /// A host that knows this plugin alone.
  private static func host(_ request: ConformanceRequest, _ given: HostConfiguration, _ services: SwitchedServices) throws(HostError) -> PluginHost {
    var configuration = HostConfiguration(trust: given.trust, isolation: given.isolation)
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: request.path, isDirectory: &isFolder) else { throw HostError(.inputOutput, "\(request.path): there is no such file") }
    if isFolder.boolValue {
      configuration.folders = [request.path]
      let host = PluginHost(configuration: configuration, services: services)
      host.discover()
      return host
    }
    guard request.runsUnsigned else { throw HostError(.invalid, "\(request.path) is a bare library, which nobody signed, so its code does not run unless asked for") }
    // A host takes bare libraries from its own folder alone, so the library gets one.
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("centram-check-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      try FileManager.default.createSymbolicLink(
        at: folder.appendingPathComponent("libcentram_checked.so"), withDestinationURL: URL(fileURLWithPath: request.path).absoluteURL)
    } catch { throw HostError(.inputOutput, "\(folder.path) was not made: \(error.localizedDescription)") }
    configuration.executableFolder = folder.path
    let host = PluginHost(configuration: configuration, services: services)
    host.discover()
    return host
  }

  private static func suite(_ kind: PluginKind, _ maker: Maker, _ request: ConformanceRequest) throws(HostError) -> any ConformanceSuite {
    switch kind {
    case .mergeOperator:
      var options = MergeOperatorConformance.Options()
      (options.seed, options.exempt, options.parameters, options.protectsInputs) = (request.seed, request.exempt, request.values, true)
      return MergeOperatorConformance(configurationJSON: request.configurationJSON, options: options) { (it) throws(PluginError) in
        try maker.make(it) { (host, selector, json) throws(HostError) in try host.mergeOperator(selector, configurationJSON: json) }
      }
    case .gateLayer:
      var options = GateLayerConformance.Options()
      (options.seed, options.exempt) = (request.seed, request.exempt)
      return GateLayerConformance(configurationJSON: request.configurationJSON, options: options) { (it) throws(PluginError) in
        try maker.make(it) { (host, selector, json) throws(HostError) in try host.gateLayer(selector, configurationJSON: json) }
      }
    case .trainer:
      var options = TrainerConformance.Options()
      (options.seed, options.exempt, options.settings) = (request.seed, request.exempt, request.values)
      return TrainerConformance(configurationJSON: request.configurationJSON, options: options) { (it) throws(PluginError) in
        try maker.make(it) { (host, selector, json) throws(HostError) in try host.trainer(selector, configurationJSON: json) }
      }
    case .economyRule:
      var options = EconomyRuleConformance.Options()
      (options.seed, options.exempt) = (request.seed, request.exempt)
      return EconomyRuleConformance(configurationJSON: request.configurationJSON, options: options) { (it) throws(PluginError) in
        try maker.make(it) { (host, selector, json) throws(HostError) in try host.economyRule(selector, configurationJSON: json) }
      }
    case .transport:
      var options = TransportConformance.Options()
      (options.seed, options.exempt) = (request.seed, request.exempt)
      let make: TransportConformance.Factory = { (it) throws(PluginError) in
        try maker.make(it) { (host, selector, json) throws(HostError) in try host.transport(selector, configurationJSON: json) }
      }
      let address = if let given = request.listenOn { given } else { try address(make, request) }
      return TransportConformance(
        listenOn: address, configurationJSON: request.configurationJSON, options: options, make: make)
    default: throw HostError(.wrongKind, "there is no conformance suite for the kind \(kind)")
    }
  }

  /// A place of the transport's own choice on this machine.
  private static func address(_ make: TransportConformance.Factory, _ request: ConformanceRequest) throws(HostError) -> String {
    do throws(PluginError) {
      let services = DefaultHostServices(services: ["centram.identity/1": TestIdentity(1)])
      return "\(try make(PluginEnvironment(services: services, configurationJSON: request.configurationJSON)).info.scheme)://127.0.0.1:0"
    } catch { throw HostError(.invalid, "the transport made no instance: \(error.message)", cause: error) }
  }
}

/// Makes instances through the host, with the services of the check at hand.
private struct Maker: Sendable {
  let host: PluginHost, selector: String, services: SwitchedServices

  func make<Instance>(
    _ environment: PluginEnvironment, _ body: (PluginHost, String, String) throws(HostError) -> Instance
  ) throws(PluginError) -> Instance {
    services.use(environment.services)
    do throws(HostError) { return try body(host, selector, environment.configurationJSON) } catch {
      throw error.cause ?? PluginError(.internalFailure, error.message)
    }
  }
}

/// The services of the instance that was made last. A plugin gets its host's services once, and a check makes instances with others: a
/// plugin that keeps what it asked for when it was made is served as in a host, and so is one that asks later, where it has one instance.
private final class SwitchedServices: HostServices {
  /// A process of the plugin's own is told of an identity when it starts, which is before there is an instance.
  private let state = Mutex<any HostServices>(DefaultHostServices(services: ["centram.identity/1": TestIdentity(1)]))
  func use(_ services: any HostServices) { state.withLock { $0 = services } }
  func service(_ id: String) -> (any Sendable)? {
    let current = state.withLock { $0 }
    return current.service(id)
  }
  func log(_ level: LogLevel, _ message: String) {}
}
