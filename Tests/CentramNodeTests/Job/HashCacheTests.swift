import Foundation
import Testing

@testable import CentramNode

/// Hashes are remembered, and never for a file that changed.
@Suite struct HashCacheTests {
  private func inFolder(_ body: (String) throws -> Void) throws {
    let folder = NSTemporaryDirectory() + "centram-hash-cache-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
  }

  @Test func aFileThatChangedHasAnotherKey() throws {
    try inFolder { folder in
      let path = folder + "/model.safetensors", later = time(nil) + 10
      try Data("first".utf8).write(to: URL(fileURLWithPath: path))
      let first = try #require(HashCache.key(path, .xxh128, now: later))
      #expect(HashCache.key(path, .xxh128, now: later) == first)
      #expect(HashCache.key(path, .sha256, now: later) != first)
      // In place, of the same size, with the old time set again: the inode's own time still tells.
      let date = try #require(try FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date)
      let handle = try FileHandle(forUpdating: URL(fileURLWithPath: path))
      try handle.write(contentsOf: Data("other".utf8))
      try handle.close()
      try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: path)
      #expect(HashCache.key(path, .xxh128, now: later) != first)
    }
  }

  /// A change within the resolution of the clock would not show, so such files are hashed each time.
  @Test func aFileThatChangedJustNowHasNone() throws {
    try inFolder { folder in
      let path = folder + "/model.safetensors"
      try Data("new".utf8).write(to: URL(fileURLWithPath: path))
      var status = stat()
      #expect(stat(path, &status) == 0)
      #expect(HashCache.key(path, .xxh128, now: status.st_ctim.tv_sec + 2) == nil)
      #expect(HashCache.key(path, .xxh128, now: status.st_ctim.tv_sec + 3) != nil)
      #expect(HashCache.key(folder + "/none", .xxh128) == nil)
    }
  }

  @Test func remembersAcrossRunsAndStandsDamage() throws {
    try inFolder { folder in
      let path = folder + "/cache/hashes.json"
      HashCache(path: path).add(["a": "1"])
      HashCache(path: path).add(["b": "2"])
      let cache = HashCache(path: path)
      #expect(cache.hash("a") == "1" && cache.hash("b") == "2" && cache.hash("c") == nil)
      try Data("{".utf8).write(to: URL(fileURLWithPath: path))
      #expect(HashCache(path: path).hash("a") == nil)
    }
  }
}
