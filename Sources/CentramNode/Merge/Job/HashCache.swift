internal import Foundation
internal import Synchronization

/// Remembers the hashes of files that did not change: keyed by device, inode, size, and the times of the last change of
/// content and of inode, which nobody can set back. Losing it costs time only.
final class HashCache: Sendable {
  private let path: String
  private let known: Mutex<[String: String]>
  /// Entries kept; the oldest keys go when a cache this large is written.
  private static let limit = 4096

  init(path: String) {
    self.path = path
    let data = FileManager.default.contents(atPath: path) ?? Data()
    known = Mutex((try? JSONDecoder().decode([String: String].self, from: data)) ?? [:])
  }

  /// What a file's hash is kept under; nil where the file changed so lately that another change might not show.
  /// - Parameter now: seconds since 1970.
  static func key(_ file: String, _ algorithm: FileHashAlgorithm, now: Int = time(nil)) -> String? {
    var status = stat()
    guard stat(file, &status) == 0 else { return nil }
    let (content, inode) = (status.st_mtim, status.st_ctim)
    guard max(content.tv_sec, inode.tv_sec) + 2 < now else { return nil }
    return "\(algorithm.rawValue) \(status.st_dev) \(status.st_ino) \(status.st_size) \(content.tv_sec).\(content.tv_nsec) \(inode.tv_sec).\(inode.tv_nsec)"
  }

  func hash(_ key: String) -> String? { known.withLock { $0[key] } }

  /// Adds hashes and saves the cache in the place of the old one at once. That it cannot be saved is no error.
  func add(_ hashes: [String: String]) {
    guard !hashes.isEmpty else { return }
    let all = known.withLock { known in
      if known.count + hashes.count > Self.limit { known.removeAll() }
      known.merge(hashes) { $1 }
      return known
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(all) else { return }
    try? FileManager.default.createDirectory(atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try? data.write(to: URL(fileURLWithPath: path), options: .atomic)
  }
}
