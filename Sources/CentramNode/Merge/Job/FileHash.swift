internal import COpenSSL
internal import CXXHash
internal import Foundation
internal import Synchronization
public import CentramModel

/// How the files that went into a merge are named in its lineage.
public enum FileHashAlgorithm: String, Sendable, CaseIterable {
  /// XXH3, 128 bits: finds every accidental difference at the speed of memory; no proof against forgery. What
  /// `xxh128sum FILE` prints.
  case xxh128
  /// SHA-256: what `sha256sum FILE` prints and model hubs show. About 0.7 seconds a gigabyte where the processor has instructions for it.
  case sha256
  case none
}

public enum FileHash {
  /// The hash of a mapped file in hexadecimal digits; nil for `none`.
  public static func hash(_ file: SafetensorsFile, _ algorithm: FileHashAlgorithm, isCancelled: () -> Bool = { false }) throws(MergeError) -> String? {
    switch algorithm {
    case .none: return nil
    case .xxh128:
      let state = XXH3_createState()
      defer { XXH3_freeState(state) }
      XXH3_128bits_reset(state)
      try chunks(of: file, isCancelled) { XXH3_128bits_update(state, $0.baseAddress, $0.count) }
      var canonical = XXH128_canonical_t()
      XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state))
      return withUnsafeBytes(of: canonical) { hexadecimal($0) }
    case .sha256:
      let state = EVP_MD_CTX_new()
      defer { EVP_MD_CTX_free(state) }
      EVP_DigestInit_ex(state, EVP_sha256(), nil)
      try chunks(of: file, isCancelled) { EVP_DigestUpdate(state, $0.baseAddress, $0.count) }
      var digest = [UInt8](repeating: 0, count: 32)
      EVP_DigestFinal_ex(state, &digest, nil)
      return digest.withUnsafeBytes { hexadecimal($0) }
    }
  }

  private static func chunks(of file: SafetensorsFile, _ isCancelled: () -> Bool, _ body: (UnsafeRawBufferPointer) -> Void) throws(MergeError) {
    let all = file.contents
    for start in stride(from: 0, to: all.count, by: 16 << 20) {
      guard !isCancelled() else { throw MergeError(.cancelled, "cancelled while hashing \(file.path)") }
      body(UnsafeRawBufferPointer(rebasing: all[start..<min(start + 16 << 20, all.count)]))
    }
  }

  private static func hexadecimal(_ bytes: UnsafeRawBufferPointer) -> String {
    bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
  }
}

extension FileHash {
  /// A lineage entry a file; files are hashed side by side, unless the cache knows them.
  /// - Parameter cache: a file that remembers hashes; nil: none.
  static func entries(
    _ files: [SafetensorsFile], _ algorithm: FileHashAlgorithm, cache: String?, _ pool: WorkerPool, _ isCancelled: @escaping @Sendable () -> Bool
  ) throws(MergeError) -> [MergeLineage.File] {
    let cache = algorithm == .none ? nil : cache.map(HashCache.init(path:))
    let keys = files.map { HashCache.key($0.path, algorithm) }
    let known = keys.map { key in key.flatMap { cache?.hash($0) } }
    let results = Mutex<[Int: Result<String?, MergeError>]>([:])
    pool.run(pieces: files.count) { piece, _ in
      let result: Result<String?, MergeError>
      if let known = known[piece] {
        result = .success(known)
      } else {
        do throws(MergeError) { result = .success(try hash(files[piece], algorithm, isCancelled: isCancelled)) } catch { result = .failure(error) }
      }
      results.withLock { $0[piece] = result }
    }
    var entries: [MergeLineage.File] = []
    var fresh: [String: String] = [:]
    for (index, file) in files.enumerated() {
      let hash = try results.withLock { $0[index] }?.get() ?? nil
      entries.append(.init(name: (file.path as NSString).lastPathComponent, bytes: file.size, algorithm: algorithm.rawValue, hash: hash ?? ""))
      if let hash, let key = keys[index], known[index] == nil { fresh[key] = hash }
    }
    cache?.add(fresh)
    return entries
  }
}
