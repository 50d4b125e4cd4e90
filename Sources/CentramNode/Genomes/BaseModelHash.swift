internal import CentramGenome
internal import Foundation

/// What a manifest names its base model by.
///
/// A model of one weights file: the SHA-256 of that file, as `sha256sum` prints it. Of several: SHA-256("centram/base/1\0" ‖ for each file in the order
/// of names: name ‖ 0x00 ‖ size as 8 bytes big-endian ‖ its SHA-256).
public enum BaseModelHash {
  /// - Parameters:
  ///   - path: a weights file, or a folder of them.
  ///   - cache: a file that remembers hashes of files that did not change; nil: none.
  /// - Throws: `.notFound` where there is no weights file.
  public static func of(_ path: String, cache: String? = nil, isCancelled: () -> Bool = { false }) throws(GenomePackageError) -> String {
    let files = try weights(path)
    let cache = cache.map(HashCache.init(path:))
    var hashes: [(name: String, size: Int, hash: String)] = []
    for file in files {
      let key = HashCache.key(file, .sha256)
      let hash: String
      if let known = key.flatMap({ cache?.hash($0) }) {
        hash = known
      } else {
        do throws(ModelStoreError) { hash = try Digests.of(file, isCancelled: isCancelled).sha256 } catch {
          throw GenomePackageError(error.code == .cancelled ? .cancelled : .storage, error.message)
        }
        if let key { cache?.add([key: hash]) }
      }
      var status = stat()
      guard stat(file, &status) == 0 else { throw .system(file) }
      hashes.append(((file as NSString).lastPathComponent, Int(status.st_size), hash))
    }
    guard hashes.count > 1 else { return hashes[0].hash }
    var all = CentramGenome.SHA256()
    all.add(Array("centram/base/1\0".utf8))
    for (name, size, hash) in hashes {
      all.add(Array(name.utf8) + [0] + (0..<8).map { UInt8(truncatingIfNeeded: UInt64(size) >> (56 - 8 * UInt64($0))) })
      all.add(Hexadecimal.bytes(hash.utf8) ?? [])
    }
    return Hexadecimal.text(all.finish())
  }

  private static func weights(_ path: String) throws(GenomePackageError) -> [String] {
    var status = stat()
    guard stat(path, &status) == 0 else { throw .system(path) }
    if status.st_mode & S_IFMT == S_IFREG { return [path] }
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).filter { !$0.hasPrefix(".") && !$0.hasPrefix("adapter_") }
    for ending in [".safetensors", ".gguf"] {
      let files = names.filter { $0.hasSuffix(ending) }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
      if !files.isEmpty { return files.map { "\(path)/\($0)" } }
    }
    throw GenomePackageError(.notFound, "\(path): no safetensors and no GGUF file in it, so it is no base model")
  }
}
