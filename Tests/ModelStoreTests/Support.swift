import CentramDownload
import CentramModel
import Foundation
import Synchronization
import TestServer

@testable import CentramNode

/// A store that goes with the test.
final class TemporaryStore {
  let store: ModelStore
  let folder: String
  init() throws {
    folder = NSTemporaryDirectory() + "centram-store-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    store = ModelStore(folder: folder + "/models")
  }
  deinit { try? FileManager.default.removeItem(atPath: folder) }

  func write(_ bytes: [UInt8], as name: String) throws -> String {
    let path = folder + "/" + name
    try FileManager.default.createDirectory(atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return path
  }
}

enum Fixture {
  static func sha256(_ bytes: [UInt8]) -> String {
    let digests = Digests(gitSize: nil)
    bytes.withUnsafeBytes { digests.add($0) }
    return digests.finish().sha256
  }

  static func git(_ bytes: [UInt8]) -> String {
    let digests = Digests(gitSize: bytes.count)
    bytes.withUnsafeBytes { digests.add($0) }
    return digests.finish().git!
  }

  /// Bytes that are not all alike.
  static func bytes(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 13) } }

  static let weights = bytes(700_001), config = Array(#"{"model_type":"llama"}"#.utf8)

  /// The hub's listing of a model with a large file and a small one.
  static func tree(weightsDigest: String? = nil) -> String {
    """
    [{"type":"directory","oid":"1","size":0,"path":"onnx"},
     {"type":"file","oid":"\(git(config))","size":\(config.count),"path":"config.json"},
     {"type":"file","oid":"0000","size":\(weights.count),"path":"model.safetensors","lfs":{"oid":"\(weightsDigest ?? sha256(weights))","size":\(weights.count)}},
     {"type":"file","oid":"\(git(config))","size":\(config.count),"path":"onnx/model.onnx"}]
    """
  }
}

/// What a download said and how long it waited, without waiting.
final class Witness: Sendable {
  private let state = Mutex<(notes: [String], waits: [Double])>(([], []))
  var notes: [String] { state.withLock { $0.notes } }
  var waits: [Double] { state.withLock { $0.waits } }

  func observer(isCancelled: @escaping @Sendable () -> Bool = { false }) -> DownloadObserver {
    var observer = DownloadObserver(wait: { seconds in self.state.withLock { $0.waits.append(seconds) } })
    observer.note = { note in self.state.withLock { $0.notes.append(note) } }
    observer.isCancelled = isCancelled
    return observer
  }
}

extension ModelStore {
  func fetch(_ name: String, from server: ScriptedServer, _ witness: Witness = Witness(), patterns: [String] = [], token: String? = nil) throws -> StoredModel {
    var options = DownloadOptions()
    (options.base, options.patterns, options.token) = (server.address, patterns, token)
    return try download(try ModelName(name), as: name, with: CurlFetcher(version: "test"), options: options, observer: witness.observer())
  }
}
