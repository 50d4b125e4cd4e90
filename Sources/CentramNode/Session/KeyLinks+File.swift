internal import CentramWire
internal import Foundation

/// The links as a file: JSON with the signed messages, written beside and renamed, so that a crash leaves the old one or the new one.
extension KeyLinks {
  /// Longer files are not read: a message has at most 2 KiB, and base64 makes four bytes of three.
  static let maximumFile = capacity * 4 << 10

  private struct Stored: Codable {
    var version: Int
    var rotations: [Data]
  }

  /// - Throws: `.storage`.
  public func save(to path: String) throws(DiscoveryError) {
    guard let data = try? JSONEncoder().encode(Stored(version: 1, rotations: all.map { Data($0.message) })) else {
      throw DiscoveryError(.storage, "\(path): the changes of keys cannot be encoded")
    }
    try AtomicFile.write(data, to: path)
  }

  /// Reads links; both signatures of each are checked again, and what does not hold is left out.
  /// - Throws: `.storage` where the file is there and holds no links.
  public static func load(from path: String) throws(DiscoveryError) -> KeyLinks {
    var links = KeyLinks()
    guard FileManager.default.fileExists(atPath: path) else { return links }
    let size = (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
    guard size <= maximumFile else { throw DiscoveryError(.storage, "\(path): \(size) bytes; the changes of keys have at most \(maximumFile). Remove it to forget them") }
    guard let data = FileManager.default.contents(atPath: path), let stored = try? JSONDecoder().decode(Stored.self, from: data), stored.version == 1 else {
      throw DiscoveryError(.storage, "\(path): no changes of keys of this version. Remove it to forget them")
    }
    for data in stored.rotations.prefix(capacity) {
      guard let message = try? WireKeyRotation(serializedBytes: data), let link = try? KeyRotation.check(message) else { continue }
      _ = try? links.add(link)
    }
    return links
  }
}
