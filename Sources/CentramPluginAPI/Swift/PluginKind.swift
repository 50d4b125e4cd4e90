// SPDX-License-Identifier: Apache-2.0

/// What a plugin is for. An open set: a host loads the kinds that it knows and lists the others.
public struct PluginKind: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  public let rawValue: String
  public init(rawValue: String) { self.rawValue = rawValue }
  public var description: String { rawValue }

  /// Moves opaque bytes between authenticated peers.
  public static var transport: PluginKind { .init(rawValue: CENTRAM_KIND_TRANSPORT) }
  /// Mathematics on tensors of several models.
  public static var mergeOperator: PluginKind { .init(rawValue: CENTRAM_KIND_MERGE_OPERATOR) }
  /// Judges a genome.
  public static var gateLayer: PluginKind { .init(rawValue: CENTRAM_KIND_GATE_LAYER) }
  /// Makes an adapter or a delta from data.
  public static var trainer: PluginKind { .init(rawValue: CENTRAM_KIND_TRAINER) }
  /// Turns an event into postings.
  public static var economyRule: PluginKind { .init(rawValue: CENTRAM_KIND_ECONOMY_RULE) }
}
