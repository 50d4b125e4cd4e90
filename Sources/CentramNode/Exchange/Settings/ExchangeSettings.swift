public import CentramWire

/// What a node offers to whom, what it asks for, and how much of both.
public struct ExchangeSettings: Sendable, Equatable {
  public var offer = OfferPolicy(), want = WantPolicy()
  private var changed: [ExchangeLimit: Int] = [:]

  public init(limits: [ExchangeLimit: Int] = [:]) { changed = limits }

  public subscript(_ limit: ExchangeLimit) -> Int {
    get { changed[limit] ?? limit.standard }
    set { changed[limit] = newValue }
  }
}

/// What a node offers to whom.
public struct OfferPolicy: Sendable, Equatable {
  public var isEnabled = true
  /// Peers that get offers; empty: all.
  public var peers: Set<NodeKey> = []
  /// Domains of what is offered; empty: all.
  public var domains: [DomainPattern] = []
  /// Least lift that the offer would state; nil: any, or none.
  public var minimumLift: Double?
  public init() {}

  /// Whether genomes may go to a peer at all.
  func allows(_ peer: NodeKey) -> Bool { isEnabled && (peers.isEmpty || peers.contains(peer)) }

  func allows(domain: String, lift: Double) -> Bool { DomainPattern.allow(domain, in: domains) && minimumLift.map { lift >= $0 } ?? true }
}

/// What a node asks for.
public struct WantPolicy: Sendable, Equatable {
  public var isEnabled = true
  /// Hashes of base models; empty: those that the node runs.
  public var bases: Set<String> = []
  public var domains: [DomainPattern] = []
  /// SPDX expressions, compared as they stand; empty: all.
  public var licenses: Set<String> = []
  /// Authors' keys; empty: all.
  public var authors: Set<String> = []
  public var refusedAuthors: Set<String> = []
  /// Bytes of all files of a genome.
  public var maximumBytes = 64 << 20
  public var minimumLift: Double?
  public init() {}

  /// Why a genome of such a kind is not asked for; nil where it is.
  /// - Parameter run: the bases that the node runs; nil: it does not say.
  func refusal(of genome: WireGenomeSummary, bases run: Set<String>?) -> (reason: WireDeclineReason, sentence: String)? {
    let base = Hexadecimal.text(genome.base), author = Hexadecimal.text(genome.author)
    guard isEnabled else { return (.policy, "this node fetches no genomes") }
    guard bases.isEmpty ? run?.contains(base) ?? true : bases.contains(base) else { return (.otherBase, "the base \(base.prefix(16)) is not run here") }
    guard DomainPattern.allow(genome.domain, in: domains) else { return (.policy, "the domain \(genome.domain) is not wanted here") }
    guard licenses.isEmpty || licenses.contains(genome.license) else { return (.policy, "the licence \(genome.license) is not wanted here") }
    guard authors.isEmpty || authors.contains(author), !refusedAuthors.contains(author) else { return (.policy, "the author \(author.prefix(16)) is not wanted here") }
    guard genome.size <= UInt64(maximumBytes) else { return (.policy, "the genome has \(genome.size) bytes; \(maximumBytes) are taken") }
    if let least = minimumLift, genome.claimedLift < least { return (.policy, "a lift of \(genome.claimedLift) is claimed; \(least) is the least here") }
    return nil
  }
}

/// A domain, or with `.*` at its end a domain and all below it.
public struct DomainPattern: Sendable, Hashable, ExpressibleByStringLiteral {
  public let text: String
  public init(_ text: String) { self.text = text }
  public init(stringLiteral text: String) { self.text = text }

  func matches(_ domain: String) -> Bool {
    guard text.hasSuffix(".*") else { return text == "*" || text == domain }
    let root = text.dropLast(2)
    return domain == root || domain.hasPrefix("\(root).")
  }

  static func allow(_ domain: String, in patterns: [DomainPattern]) -> Bool { patterns.isEmpty || patterns.contains { $0.matches(domain) } }
}
