internal import Foundation

/// A file or folder that appears under its name when it is whole.
struct ExportPath {
  let path: String
  /// Where it is written meanwhile, beside it.
  let temporary: String

  /// - Throws: `.unwritable` where something is there already and may not be replaced.
  init(_ path: String, replaces: Bool) throws(ModelFileError) {
    var trimmed = path
    while trimmed.count > 1, trimmed.hasSuffix("/") { trimmed.removeLast() }
    guard !trimmed.isEmpty else { throw ModelFileError(.unwritable, "the output has no name") }
    self.path = trimmed
    temporary = "\(trimmed).\(getpid()).part"
    guard replaces || !FileManager.default.fileExists(atPath: trimmed) || isEmptyFolder else {
      throw ModelFileError(.unwritable, "\(trimmed) is there already; remove it, give another name, or say --force")
    }
  }

  private var isEmptyFolder: Bool { (try? FileManager.default.contentsOfDirectory(atPath: path))?.isEmpty == true }

  /// Runs `body` on the temporary path and puts the result in its place; what was begun is removed where it fails.
  func write<Result>(_ body: (String) throws(ModelFileError) -> Result) throws(ModelFileError) -> Result {
    let manager = FileManager.default
    try? manager.removeItem(atPath: temporary)
    do throws(ModelFileError) {
      let result = try body(temporary)
      try replace()
      return result
    } catch {
      try? manager.removeItem(atPath: temporary)
      throw error
    }
  }

  private func replace() throws(ModelFileError) {
    let old = "\(path).\(getpid()).old"
    let hadOld = FileManager.default.fileExists(atPath: path)
    guard !hadOld || rename(path, old) == 0 else { throw failure() }
    guard rename(temporary, path) == 0 else {
      let error = failure()
      if hadOld { rename(old, path) }
      throw error
    }
    if hadOld { try? FileManager.default.removeItem(atPath: old) }
  }

  private func failure() -> ModelFileError { ModelFileError(.unwritable, "\(path): \(String(cString: strerror(errno)))") }
}
