internal import Foundation

extension ModelStore {
  /// What is wrong with a file of a model.
  public struct Damage: Sendable, Equatable {
    public let path: String
    /// A sentence.
    public let reason: String
  }

  /// Reads every byte of a model and compares.
  /// - Returns: the files that are not what they should be; empty: all is well.
  public func verify(_ model: StoredModel, progress: (Int) -> Void = { _ in }, isCancelled: () -> Bool = { false }) throws(ModelStoreError) -> [Damage] {
    var damage: [Damage] = []
    for file in model.files {
      let path = blob(file.sha256)
      var status = stat()
      guard stat(path, &status) == 0 else {
        damage.append(Damage(path: file.path, reason: "missing"))
        continue
      }
      guard Int(status.st_size) == file.bytes else {
        damage.append(Damage(path: file.path, reason: "\(status.st_size) bytes instead of \(file.bytes)"))
        continue
      }
      let digest = try Digests.of(path, progress: progress, isCancelled: isCancelled).sha256
      if digest != file.sha256 { damage.append(Damage(path: file.path, reason: "SHA-256 is \(digest) instead of \(file.sha256)")) }
    }
    return damage
  }
}
