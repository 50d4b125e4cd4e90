internal import Foundation
internal import GRDB

extension GenomeStore {
  /// Something of the store that is not as it should be.
  public struct Finding: Sendable, Equatable, Codable {
    /// The genome that it concerns; nil: the store.
    public var genome: String?
    public var message: String
  }

  /// Reads the whole database and every file that a genome needs.
  /// - Returns: what is damaged or missing; nothing where all is well.
  /// - Throws: `.damaged` where the database itself is.
  public func check(progress: (Int) -> Void = { _ in }, isCancelled: () -> Bool = { false }) throws(StoreError) -> [Finding] {
    try database.check()
    var findings: [Finding] = []
    var seen: [String: String?] = [:]
    let records = try genomes()
    for record in records {
      if try signedManifest(record.id) == nil {
        findings.append(Finding(genome: record.id, message: "its signed manifest is in the database alone; \(Self.repairCommand) would lose it"))
      }
      // Their files may have been collected.
      if record.state == .rejected || record.state == .revoked { continue }
      for file in record.files {
        guard !isCancelled() else { return findings }
        if let known = seen[file.hash] {
          if let message = known { findings.append(Finding(genome: record.id, message: message)) }
          continue
        }
        var message: String?
        do throws(StoreError) { try verify(file.hash) } catch { message = "\(file.name): \(error.message)" }
        seen[file.hash] = .some(message)
        if let message { findings.append(Finding(genome: record.id, message: message)) }
        progress(file.size)
      }
    }
    let known = Set(records.map(\.id))
    for id in layout.manifests.hashes() where !known.contains(id) {
      findings.append(Finding(genome: id, message: "its signed manifest is there, but the database does not know it; \(Self.repairCommand) takes it in"))
    }
    return findings
  }

  /// Writes signed manifests that are in the database alone, as after a crash between the two.
  /// - Parameter signed: the serialized signed manifest of a record.
  /// - Returns: how many.
  public func completeManifests(_ signed: (GenomeRecord) throws(StoreError) -> [UInt8]) throws(StoreError) -> Int {
    let manifests = layout.manifests
    var count = 0
    for record in try genomes() where manifests.size(record.id) == nil {
      try layout.place(try signed(record), at: manifests.path(record.id), in: manifests.subfolder(record.id))
      count += 1
    }
    return count
  }
}
