public import CentramHost
internal import Foundation

/// A trust file on the disk. Several processes may change it: each change is made under a lock and appears at once.
public struct TrustStore: Sendable {
  /// What the file is called in a node's home and beside installed plugins.
  public static let fileName = "trusted-publishers.json"

  public let path: String
  public init(path: String) { self.path = path }

  /// What stands in the file; empty where there is none.
  /// - Throws: where it cannot be read, is damaged, or everybody may write it: what is revoked must not be forgotten.
  public func read() throws(HostError) -> TrustFile {
    var status = stat()
    guard stat(path, &status) == 0 else {
      if errno == ENOENT { return TrustFile() }
      throw .system(path)
    }
    guard status.st_mode & S_IWOTH == 0 else {
      throw HostError(.trustFile, "\(path): everybody may write it, so anybody may say whom this node trusts; look through it, then say chmod o-w")
    }
    return try TrustFile.decode(OpenFile.read(path, limit: TrustFile.sizeLimit), name: path)
  }

  /// Changes the file. Where `body` throws nothing is written.
  public func update<Answer>(_ body: (inout TrustFile) throws(HostError) -> Answer) throws(HostError) -> Answer {
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    do { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) } catch {
      throw HostError(.inputOutput, "\(folder): \(error.localizedDescription)")
    }
    let lock = try FileLock(path + ".lock")
    var file = try read()
    let answer = try body(&file), bytes = try file.encoded()
    try DurableFile.write(bytes, to: path, mode: 0o644, replaces: true)
    withExtendedLifetime(lock) {}
    return answer
  }
}
