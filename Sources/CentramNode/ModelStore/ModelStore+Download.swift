public import CentramDownload
internal import Foundation

/// How a download reports and is stopped.
public struct DownloadObserver: Sendable {
  /// File, its bytes so far, its bytes in all where known.
  public var progress: @Sendable (_ file: String, _ done: Int, _ total: Int?) -> Void = { _, _, _ in }
  /// A sentence about something that was overcome.
  public var note: @Sendable (String) -> Void = { _ in }
  public var isCancelled: @Sendable () -> Bool = { false }
  /// Waits so many seconds before another attempt.
  public var wait: @Sendable (Double) -> Void
  public init(wait: @escaping @Sendable (Double) -> Void) { self.wait = wait }
}

public struct DownloadOptions: Sendable {
  /// A hub or a mirror.
  public var base = "https://huggingface.co"
  public var token: String?
  /// Shell patterns of the files that are wanted; empty: what is needed to run it.
  public var patterns: [String] = []
  /// Attempts at a file after the first, where the connection fails.
  public var retries = 5
  public init() {}
}

extension ModelStore {
  /// Fetches a model. What was fetched before is kept: a killed, cut or cancelled download goes on where it stopped.
  /// - Throws: `ModelStoreError`.
  public func download(_ name: ModelName, as alias: String, with fetcher: any FileFetching, options: DownloadOptions, observer: DownloadObserver) throws -> StoredModel {
    var base = options.base
    while base.hasSuffix("/") { base.removeLast() }
    guard base.hasPrefix("https://") || base.hasPrefix("http://") else {
      throw ModelStoreError(.usage, "\(options.base): not an address that starts with https:// or http://; a local folder is taken in by model import")
    }
    try prepare()
    let listing = RemoteListing(fetcher: fetcher, base: base, token: options.token, isCancelled: observer.isCancelled)
    let all = try translated { try listing.files(of: name) }
    let chosen = try FileSelection(patterns: options.patterns).choose(all, of: name.description).sorted { ($0.size ?? 0, $0.path) < ($1.size ?? 0, $1.path) }
    try requireSpace(chosen.reduce(0) { $0 + missingBytes(of: $1) })
    var files: [StoredModel.File] = []
    for file in chosen {
      files.append(try translated { try FileDownload(store: self, file: file, fetcher: fetcher, options: options, observer: observer).run() })
    }
    let model = StoredModel(name: alias, source: "\(base)/\(name)", files: files)
    try add(model)
    return model
  }

  private func missingBytes(of file: RemoteFile) -> Int {
    var status = stat()
    if case .sha256(let hex) = file.digest, stat(blob(hex), &status) == 0 { return 0 }
    let there = stat("\(partial)/\(file.digest.hex)", &status) == 0 ? Int(status.st_size) : 0
    return max(0, (file.size ?? 0) - there)
  }

  private func translated<Value>(_ body: () throws -> Value) throws -> Value {
    do { return try body() } catch let error as FetchError {
      switch error.code {
      case .cancelled: throw ModelStoreError(.cancelled, error.message)
      case .connection, .unusable: throw ModelStoreError(.network, error.message)
      }
    }
  }
}
