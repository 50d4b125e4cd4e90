internal import CHostSystem
public import Foundation

/// A folder beside the final one in which an output grows, and which takes the final name at once when it is whole.
/// What an interrupted run left is removed by the next run with the same output.
public final class StagingFolder: @unchecked Sendable {
  public let url: URL
  /// Whether an earlier output will go when this one is whole.
  public let replaces: Bool
  private let final: URL
  private let lock: Int32
  private var isPublished = false

  private static let marker = ".centram-partial-"
  private static func aside(of final: URL) -> URL {
    final.deletingLastPathComponent().appendingPathComponent(".\(final.lastPathComponent).centram-previous")
  }
  /// Held locked while the run lives, so that another can tell what is left over.
  private static let lockName = ".lock"

  /// - Parameters:
  ///   - output: the final folder.
  ///   - mayReplace: whether an existing output may go; asked before any work.
  /// - Throws: `.output` where the folder cannot be made or something stands in its place.
  public init(for output: String, mayReplace: (URL) -> Bool) throws(MergeError) {
    final = URL(fileURLWithPath: output).standardizedFileURL
    let parent = final.deletingLastPathComponent()
    Self.removeLeftovers(of: final)
    replaces = FileManager.default.fileExists(atPath: final.path)
    if replaces, !mayReplace(final) {
      throw MergeError(
        .output, "\(output) holds something that no merge wrote; choose another output, or say --force to replace it")
    }
    do {
      try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
    } catch {
      throw MergeError(.output, "\(parent.path): \(error.localizedDescription)")
    }
    url = parent.appendingPathComponent(".\(final.lastPathComponent)\(Self.marker)\(getpid())-\(UInt32.random(in: 0 ... .max))", isDirectory: true)
    guard mkdir(url.path, 0o755) == 0 else { throw MergeError(.output, "\(url.path): \(String(cString: strerror(errno)))") }
    lock = open(url.appendingPathComponent(Self.lockName).path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
    guard lock >= 0, flock(lock, LOCK_EX | LOCK_NB) == 0 else {
      throw MergeError(.output, "\(url.path): \(String(cString: strerror(errno)))")
    }
  }

  deinit {
    if !isPublished { try? FileManager.default.removeItem(at: url) }
    close(lock)
  }

  /// Gives the folder its final name; an earlier output is gone only when the new one is there.
  public func publish() throws(MergeError) {
    unlink(url.appendingPathComponent(Self.lockName).path)
    func failure() -> MergeError { MergeError(.output, "\(final.path): \(String(cString: strerror(errno)))") }
    synchronize(url)
    if centram_rename_new(url.path, final.path) == 0 {
      isPublished = true
    } else {
      guard errno == EEXIST || errno == ENOTEMPTY || errno == EINVAL else { throw failure() }
      if centram_exchange(url.path, final.path) == 0 {
        isPublished = true
        try? FileManager.default.removeItem(at: url)  // now the old output
      } else {
        // A file system without exchange: the old output has another name for a moment.
        // Should the process die in between, the next run puts it back.
        let aside = Self.aside(of: final)
        guard rename(final.path, aside.path) == 0 || errno == ENOENT else { throw failure() }
        guard rename(url.path, final.path) == 0 else {
          let error = failure()
          _ = rename(aside.path, final.path)
          throw error
        }
        isPublished = true
        try? FileManager.default.removeItem(at: aside)
      }
    }
    synchronize(final.deletingLastPathComponent())
  }

  private func synchronize(_ folder: URL) {
    let descriptor = open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
  }

  private static func removeLeftovers(of final: URL) {
    let manager = FileManager.default
    let parent = final.deletingLastPathComponent()
    let aside = aside(of: final)
    if manager.fileExists(atPath: aside.path) {
      if manager.fileExists(atPath: final.path) { try? manager.removeItem(at: aside) } else { _ = rename(aside.path, final.path) }
    }
    let prefix = ".\(final.lastPathComponent)\(marker)"
    for name in (try? manager.contentsOfDirectory(atPath: parent.path)) ?? [] where name.hasPrefix(prefix) {
      let folder = parent.appendingPathComponent(name)
      let lock = open(folder.appendingPathComponent(lockName).path, O_RDWR | O_CLOEXEC)
      if lock >= 0 {
        defer { close(lock) }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else { continue }
      } else if let process = pid_t(name.dropFirst(prefix.count).prefix { $0.isNumber }), kill(process, 0) == 0 {
        continue  // just made, not locked yet
      }
      try? manager.removeItem(at: folder)
    }
  }
}
