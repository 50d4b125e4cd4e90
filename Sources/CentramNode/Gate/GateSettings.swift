public import CentramHost
internal import CentramGenome

/// Which layers a gate has and with which settings.
public struct GateSettings: Sendable {
  /// The ten that every gate has, in their order.
  public static let standardLayers = [
    "gate.format", "gate.signature", "gate.freshness", "gate.lineage", "gate.admission", "gate.norms", "gate.privacy", "gate.consensus", "gate.fitness", "gate.behaviour",
  ]

  /// Those that judge when and by whose leave a genome comes, and not the genome: they are asked once.
  public static let arrivalLayers: Set<String> = [freshnessLayer, admissionLayer]
  /// Layers whose verdicts change what the node keeps.
  static let freshnessLayer = "gate.freshness", admissionLayer = "gate.admission", privacyLayer = "gate.privacy"

  /// Layers without which nothing passes, unless they are switched off by name.
  public var required: [String]
  /// Layers that are switched off: for tests. Everything that the gate says then says so too.
  public var disabled: Set<String> = []
  /// Lets a node with a layer switched off listen to others than itself.
  public var allowsIncomplete = false
  /// Which versions of a layer may judge, by its id; the highest in range does.
  public var versions: [String: VersionRange] = [:]
  /// Each layer's settings, a JSON object, by its id.
  public var policies: [String: String] = [:]

  public init(required: [String] = Self.standardLayers) { self.required = required }

  /// What every verdict, the node's status and its peers are told where a layer is switched off; nil for a whole gate.
  public var warning: String? { disabled.isEmpty ? nil : "gate incomplete: \(disabled.sorted().joined(separator: ", ")) switched off" }

  /// - Parameter addresses: what the node is to listen on.
  /// - Throws: `incomplete` where a layer is switched off, an address is reached from elsewhere, and that was not allowed.
  public func checkListening(on addresses: [String]) throws(GateError) {
    guard let warning, !allowsIncomplete, let open = addresses.first(where: { !Self.isLoopback($0) }) else { return }
    throw GateError(
      .incomplete,
      "\(warning), and \(open.prefix(100)) is reached from other machines; listen on 127.0.0.1 and [::1] only, switch the layers on, or set gate.allowIncomplete to true")
  }

  private static func isLoopback(_ text: String) -> Bool {
    // Port 0 asks for any; no peer has it.
    guard let address = try? PeerAddress(text.hasSuffix(":0") ? text.dropLast() + "1" : text) else { return false }
    return address.scheme == "memory" || address.host == "localhost" || address.ip.map { $0.reach == .loopback } ?? false
  }
}
