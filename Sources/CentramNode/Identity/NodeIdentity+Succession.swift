public import CentramPluginAPI
internal import Foundation

/// A node's change to another key. The new key is on the disk before any peer hears of it, and the old one stays beside it, so that no crash in between
/// leaves the node without the key that its peers expect.
extension NodeIdentity {
  private static func successor(of path: String) -> String { path + ".next" }
  /// Where the key is kept that went last.
  public static func predecessor(of path: String) -> String { path + ".former" }

  /// Makes the key that is to come, or opens the one that a change which was cut short has made.
  /// - Throws: `.inputOutput`.
  public static func prepareSuccessor(of path: String) throws(PluginError) -> NodeIdentity { try NodeIdentity(path: successor(of: path)) }

  /// Puts the prepared key in the place of the one that goes.
  /// - Throws: `.inputOutput`.
  public static func completeSuccession(at path: String) throws(PluginError) {
    let next = successor(of: path), former = predecessor(of: path)
    unlink(former)
    guard link(path, former) == 0, rename(next, path) == 0 else { throw PluginError(.inputOutput, "\(path): \(String(cString: strerror(errno)))") }
    let folder = open((path as NSString).deletingLastPathComponent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if folder >= 0 {
      fsync(folder)
      close(folder)
    }
  }

  /// Opens a node's key. If a change of keys was cut short after peers may have heard of it, it is completed first; if nobody can have heard, it has not
  /// happened, and the prepared key waits for the next change.
  /// - Parameter isTold: whether peers may know that the second key takes the first one's place.
  /// - Throws: `.inputOutput`.
  public static func opened(at path: String, isTold: (_ old: [UInt8], _ new: [UInt8]) -> Bool = { _, _ in true }) throws(PluginError) -> NodeIdentity {
    guard FileManager.default.fileExists(atPath: successor(of: path)), FileManager.default.fileExists(atPath: path) else { return try NodeIdentity(path: path) }
    let old = try NodeIdentity(path: path), next = try NodeIdentity(path: successor(of: path))
    guard isTold(old.publicKey, next.publicKey) else { return old }
    try completeSuccession(at: path)
    return next
  }
}
