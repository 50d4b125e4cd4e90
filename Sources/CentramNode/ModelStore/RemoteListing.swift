internal import CentramDownload
internal import Foundation

/// What a repository holds, with each file's digest: by the hub's interface, or by a SHA256SUMS file on a plain server.
struct RemoteListing {
  let fetcher: any FileFetching
  /// Without a slash at the end.
  let base: String
  let token: String?
  let isCancelled: @Sendable () -> Bool

  static let maximumSize = 16 << 20
  static let maximumFiles = 10_000

  func files(of name: ModelName) throws -> [RemoteFile] {
    let tree = "\(base)/api/models/\(name.repository)/tree/\(Self.escape(name.revision))?recursive=true"
    switch try text(tree) {
    case .found(let data): return try parseTree(data, name, tree)
    case .status(401), .status(403):
      throw ModelStoreError(.network, "\(name): \(base) wants a token (status 401 or 403); set HF_TOKEN, and accept the model's licence there")
    case .status(404): break
    case .status(let status): throw ModelStoreError(.network, "\(tree): status \(status)")
    }
    let folder = "\(base)/\(name.repository)/resolve/\(Self.escape(name.revision))"
    switch try text("\(folder)/SHA256SUMS") {
    case .found(let data): return try parseSums(data, folder)
    case .status:
      throw ModelStoreError(
        .notFound, "\(name): \(base) has no such model; a mirror needs the hub's interface, or \(name.repository)/resolve/\(name.revision)/SHA256SUMS (sha256sum * > SHA256SUMS)")
    }
  }

  private enum Answer {
    case found([UInt8])
    case status(Int)
  }

  private func text(_ url: String) throws -> Answer {
    var request = FetchRequest(url: url)
    (request.bearerToken, request.isCancelled) = (token, isCancelled)
    let collected = Collected()
    let answer = try fetcher.get(request) { piece in
      guard piece.offset + piece.bytes.count <= Self.maximumSize else {
        throw ModelStoreError(.network, "\(url): more than \(Self.maximumSize) bytes; a listing is shorter")
      }
      collected.bytes.removeSubrange(min(piece.offset, collected.bytes.count)...)
      collected.bytes.append(contentsOf: piece.bytes)
    }
    return (200...299).contains(answer.status) ? .found(collected.bytes) : .status(answer.status)
  }

  private final class Collected {
    var bytes: [UInt8] = []
  }

  private struct TreeEntry: Decodable {
    struct LFS: Decodable {
      let oid: String
      let size: Int
    }
    let type: String
    let oid: String
    let size: Int
    let path: String
    let lfs: LFS?
  }

  func parseTree(_ data: [UInt8], _ name: ModelName, _ url: String) throws(ModelStoreError) -> [RemoteFile] {
    let entries: [TreeEntry]
    do { entries = try JSONDecoder().decode([TreeEntry].self, from: Data(data)) } catch {
      throw ModelStoreError(.network, "\(url): not a listing of files")
    }
    var files: [RemoteFile] = []
    for entry in entries where entry.type == "file" {
      let oid = entry.lfs?.oid ?? entry.oid
      guard let digest = RemoteFile.Digest(oid.hasPrefix("sha256:") ? String(oid.dropFirst(7)) : oid) else {
        throw ModelStoreError(.network, "\(url): \(entry.path) has no digest that we know: \(oid.prefix(80))")
      }
      files.append(
        try checked(entry.path, size: entry.lfs?.size ?? entry.size, digest, "\(base)/\(name.repository)/resolve/\(Self.escape(name.revision))/\(Self.escape(entry.path))", url))
    }
    return try bounded(files, url)
  }

  /// `HEX  NAME` a line, as sha256sum writes it; a star before the name says that it was read as bytes.
  func parseSums(_ data: [UInt8], _ folder: String) throws(ModelStoreError) -> [RemoteFile] {
    var files: [RemoteFile] = []
    for (number, line) in String(decoding: data, as: UTF8.self).split(whereSeparator: \.isNewline).enumerated() {
      let digits = line.prefix(64)
      let path = line.dropFirst(64).drop { $0 == " " || $0 == "*" }
      guard case .sha256(let hex)? = RemoteFile.Digest(String(digits)), line.dropFirst(64).first == " " else {
        throw ModelStoreError(.network, "\(folder)/SHA256SUMS:\(number + 1): not a digest, two spaces and a name")
      }
      files.append(try checked(String(path), size: nil, .sha256(hex), "\(folder)/\(Self.escape(String(path)))", "\(folder)/SHA256SUMS"))
    }
    return try bounded(files, "\(folder)/SHA256SUMS")
  }

  private func bounded(_ files: [RemoteFile], _ source: String) throws(ModelStoreError) -> [RemoteFile] {
    guard files.count <= Self.maximumFiles else { throw ModelStoreError(.network, "\(source): \(files.count) files; \(Self.maximumFiles) is the limit") }
    return files
  }

  /// Paths that would leave the model's folder are refused.
  private func checked(_ path: String, size: Int?, _ digest: RemoteFile.Digest, _ url: String, _ source: String) throws(ModelStoreError) -> RemoteFile {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    let isInside = path.utf8.count <= 400 && parts.count <= 8 && parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." } && !path.utf8.contains { $0 < 32 }
    guard isInside else { throw ModelStoreError(.network, "\(source): \(path.prefix(100)) is not a path in a folder") }
    guard size ?? 0 >= 0 else { throw ModelStoreError(.network, "\(source): \(path) has \(size ?? 0) bytes") }
    return RemoteFile(path: path, size: size, digest: digest, url: url)
  }

  static func escape(_ text: String) -> String { text.addingPercentEncoding(withAllowedCharacters: .urlPathAllowed) ?? text }
}
