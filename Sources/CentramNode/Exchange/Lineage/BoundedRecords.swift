internal import CentramWire
internal import Foundation

/// Signed records of others by their subject, each once; the oldest are forgotten.
struct BoundedRecords<Record: Sendable>: Sendable {
  struct Entry: Sendable {
    let record: Record, signer: NodeKey, signed: WireSigned
  }
  private var entries: [Data: [Entry]] = [:]
  private var order: [(subject: Data, signature: Data)] = []
  private var oldest = 0
  private(set) var count = 0
  let capacity: Int

  init(capacity: Int) { self.capacity = max(1, capacity) }

  func records(of subject: Data) -> [Entry] { entries[subject] ?? [] }

  /// - Returns: whether it was not there, and whether another one had to go.
  mutating func add(_ entry: Entry, subject: Data) -> (isNew: Bool, isFull: Bool) {
    guard !(entries[subject]?.contains { $0.signed.signature == entry.signed.signature } ?? false) else { return (false, false) }
    let place = (subject, entry.signed.signature), isFull = order.count >= capacity
    if isFull {
      let gone = order[oldest]
      entries[gone.subject]?.removeAll { $0.signed.signature == gone.signature }
      if entries[gone.subject]?.isEmpty == true { entries[gone.subject] = nil }
      order[oldest] = place
      oldest = (oldest + 1) % capacity
    } else {
      order.append(place)
      count += 1
    }
    entries[subject, default: []].append(entry)
    return (true, isFull)
  }

  /// Forgets all of one signer.
  mutating func remove(signer: NodeKey) {
    for (subject, list) in entries {
      let rest = list.filter { $0.signer != signer }
      entries[subject] = rest.isEmpty ? nil : rest
    }
  }
}
