internal import CentramWire
internal import Foundation

/// Signed records of others by their subject, each once; the oldest are forgotten.
struct BoundedRecords<Record: Sendable>: Sendable {
  /// What became of a record that came.
  struct Added: Sendable {
    var isNew = false
    /// Whether others had to go for it, or it for them: of all, and of what its signer said of the subject.
    var isFull = false, signerIsFull = false
    /// Signatures of those that went.
    var gone: [Data] = []
  }

  struct Entry: Sendable {
    let record: Record, signer: NodeKey, signed: WireSigned
  }
  private var entries: [Data: [Entry]] = [:]
  private var order: [(subject: Data, signature: Data)] = []
  private var oldest = 0
  private(set) var count = 0
  let capacity: Int, perSigner: Int
  private let time: @Sendable (Record) -> UInt64

  /// - Parameters:
  ///   - perSigner: of one signer on one subject; beyond it those with the highest `time` stay.
  init(capacity: Int, perSigner: Int = .max, time: @escaping @Sendable (Record) -> UInt64 = { _ in 0 }) {
    (self.capacity, self.perSigner, self.time) = (max(1, capacity), max(1, perSigner), time)
  }

  func records(of subject: Data) -> [Entry] { entries[subject] ?? [] }

  mutating func add(_ entry: Entry, subject: Data) -> Added {
    var added = Added()
    let known = entries[subject] ?? []
    guard !known.contains(where: { $0.signed.signature == entry.signed.signature }) else { return added }
    let same = known.filter { $0.signer == entry.signer }
    if same.count >= perSigner, let least = same.min(by: { time($0.record) < time($1.record) }) {
      added.signerIsFull = true
      guard time(least.record) < time(entry.record) else { return added }
      added.gone.append(least.signed.signature)
      entries[subject]?.removeAll { $0.signed.signature == least.signed.signature }
    }
    (added.isNew, added.isFull) = (true, order.count >= capacity)
    let place = (subject, entry.signed.signature)
    if added.isFull {
      let gone = order[oldest]
      if entries[gone.subject]?.contains(where: { $0.signed.signature == gone.signature }) == true { added.gone.append(gone.signature) }
      entries[gone.subject]?.removeAll { $0.signed.signature == gone.signature }
      if entries[gone.subject]?.isEmpty == true { entries[gone.subject] = nil }
      order[oldest] = place
      oldest = (oldest + 1) % capacity
    } else {
      order.append(place)
      count += 1
    }
    entries[subject, default: []].append(entry)
    return added
  }

  /// Forgets all of one signer.
  mutating func remove(signer: NodeKey) {
    for (subject, list) in entries {
      let rest = list.filter { $0.signer != signer }
      entries[subject] = rest.isEmpty ? nil : rest
    }
  }
}
