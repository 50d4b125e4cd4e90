internal import CentramGenome
public import CentramStore

/// Genomes made up from numbers. The store does not read what was signed, so the bytes here are a line of text that says how to make the record again.
public struct Sample: Sendable, Equatable {
  public var number: Int, author = 1, sequence: UInt64 = 1
  public var previous: Int?
  public var parents: [Int] = []
  public var generation = 0
  public var domain = "text"

  public init(_ number: Int, author: Int = 1, sequence: UInt64 = 1, previous: Int? = nil, parents: [Int] = [], generation: Int = 0, domain: String = "text") {
    (self.number, self.author, self.sequence, self.previous) = (number, author, sequence, previous)
    (self.parents, self.generation, self.domain) = (parents, generation, domain)
  }

  public static func hash(_ text: String) -> String { Hexadecimal.text(SHA256.digest(of: Array(text.utf8))) }
  public static func id(_ number: Int) -> String { hash("genome \(number)") }
  public static func key(_ number: Int) -> String { hash("key \(number)") }

  public var id: String { Self.id(number) }

  /// Its two files; the first is the same for all.
  public var files: [(name: String, bytes: [UInt8])] {
    [
      ("adapter_config.json", Array("{}".utf8)),
      ("adapter_model.safetensors", Array("weights of \(number) ".utf8) + [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 5000)),
    ]
  }

  public var signed: [UInt8] {
    let parts = [
      "\(number)", "\(author)", "\(sequence)", previous.map(String.init) ?? "", parents.map(String.init).joined(separator: ","), "\(generation)", domain,
    ]
    return Array(parts.joined(separator: "|").utf8)
  }

  public init?(signed: [UInt8]) {
    let parts = String(decoding: signed, as: UTF8.self).split(separator: "|", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 7, let number = Int(parts[0]), let author = Int(parts[1]), let sequence = UInt64(parts[2]), let generation = Int(parts[5]) else { return nil }
    self.init(
      number, author: author, sequence: sequence, previous: Int(parts[3]), parents: parts[4].split(separator: ",").compactMap { Int($0) }, generation: generation,
      domain: parts[6])
  }

  public func record(_ state: GenomeState = .received, time: Int64 = 1000) -> GenomeRecord {
    GenomeRecord(
      id: id, base: Self.hash("base"), author: Self.key(author), sequence: sequence, previous: previous.map(Self.id),
      parents: parents.map { .init(id: Self.id($0), basisPoints: 10_000 / parents.count) }, generation: generation, domain: domain, kind: "adapter", madeMilliseconds: 500,
      files: files.map { .init(name: $0.name, hash: Hexadecimal.text(SHA256.digest(of: $0.bytes)), size: $0.bytes.count) }, manifest: signed,
      signature: [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 64), state: state, stateMilliseconds: time)
  }

  /// What two nodes attested in one message.
  public static func attestations(_ number: Int) -> [StoredAttestation] {
    (0..<2).map { place in
      let signed = Array("attested \(number) \(place)".utf8)
      return StoredAttestation(signature: SHA256.digest(of: signed) + SHA256.digest(of: signed + [1]), signer: key(number + 100 * place), signed: signed)
    }
  }

  /// Puts its files into a store and records it.
  @discardableResult public func add(to store: GenomeStore, _ state: GenomeState = .received, time: Int64 = 1000) throws(StoreError) -> AddOutcome {
    for file in files { _ = try store.put(file.bytes, now: time) }
    return try store.add(record(state, time: time), signed: signed)
  }

  /// Puts files into a store and appends the next genome of author 0, of the given number.
  @discardableResult public static func append(_ number: Int, to store: GenomeStore, time: Int64 = 1000) throws(StoreError) -> GenomeRecord {
    for file in Sample(number).files { _ = try store.put(file.bytes, now: time) }
    return try store.append(id(number), author: key(0)) { (last) throws(StoreError) in
      var record = Sample(number, author: 0, sequence: (last?.lastSequence ?? 0) + 1).record(.own, time: time)
      record.previous = last?.lastID
      // The line cannot name a hash; the reader of a repair takes it from the order.
      return (record, Sample(number, author: 0, sequence: record.sequence).signed)
    }
  }

  /// All that a judgement may keep of a genome.
  public static func decision(_ number: Int) -> GateDecision {
    let verdict = VerdictRecord(genome: id(number), direction: .inbound, layer: "gate.format", layerVersion: "1.0.0", decision: .accept, timeMilliseconds: 3000)
    return GateDecision(
      from: .received, state: .accepted, verdicts: [verdict, verdict], metrics: ["lift": 0.5], advancesLog: true, admission: .init(branch: "", weight: 0.25), sketch: [1, 2])
  }

  /// Reads the lines back when a database is gone. Author 0 is this node.
  public static var reader: GenomeStore.Reader {
    GenomeStore.Reader(
      genome: { bytes in
        guard let sample = Sample(signed: bytes) else { throw StoreError(.damaged, "not a sample") }
        return sample.record(sample.author == 0 ? .own : .received)
      },
      revocations: { bytes in
        let parts = String(decoding: bytes, as: UTF8.self).split(separator: "|").compactMap { Int($0) }
        guard parts.count == 2 else { throw StoreError(.damaged, "not a sample") }
        return [revocation(of: parts[0], by: parts[1])]
      })
  }

  public static func revocation(of number: Int, by author: Int, time: Int64 = 2000) -> RevocationEntry {
    RevocationEntry(scope: .genome, subject: id(number), signer: key(author), signed: Array("\(number)|\(author)".utf8), timeMilliseconds: time)
  }
}
