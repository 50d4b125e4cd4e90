internal import CentramGenome
public import CentramStore
internal import Foundation

extension GenomeLibrary {
  /// Writes a genome as a folder that PEFT loads, or as a `.genome` file where the path ends so. Every hash is compared on the way.
  /// - Parameter replaces: whether a `.genome` file that is there may go. A folder that is there never goes.
  /// - Throws: `.notFound` where a collection freed its files, `.tampered`, `.storage`.
  public func export(_ record: GenomeRecord, to path: String, replaces: Bool = false, progress: (Int) -> Void = { _ in }) throws(GenomePackageError) {
    let signed = try SignedManifest(record)
    for file in record.files where !store.hasBlob(file.hash) {
      throw GenomePackageError(.notFound, "\(record.id): \(file.name) is not here (the genome is \(record.state.rawValue)); import or fetch it again")
    }
    let output = try GenomeOutput(path: path, replaces: replaces)
    // The manifest stands behind adapter_… and delta… in the order of names.
    for file in record.files {
      try output.begin(file.name, size: file.size)
      var failure: GenomePackageError?
      do throws(StoreError) {
        try store.read(file.hash) { (piece) throws(StoreError) in
          do throws(GenomePackageError) { try output.write(piece) } catch {
            failure = error
            throw StoreError(.storage, error.message)
          }
          progress(piece.count)
        }
      } catch {
        throw failure ?? GenomePackageError(error.code == .damaged ? .tampered : .storage, "\(file.name): \(error.message)")
      }
    }
    try output.begin(SignedManifest.fileName, size: signed.bytes.count)
    try output.write(signed.bytes)
    try output.publish()
  }
}
