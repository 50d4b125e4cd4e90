internal import CentramDownload
internal import CentramHost
internal import Foundation

/// Where the files of a plugin come from. An archive is copied first, and hashed, read and unpacked from the copy, which nobody else has.
extension PluginInstaller {
  func content(of source: String, sha256: String?, _ staging: String) throws(HostError) -> PluginContent {
    let archive = staging + "/archive"
    if source.contains("://") {
      try fetch(source, to: archive)
    } else {
      var status = stat()
      guard stat(source, &status) == 0 else { throw .system(source) }
      if status.st_mode & S_IFMT == S_IFDIR {
        guard sha256 == nil else { throw HostError(.invalid, "\(source) is a folder; --sha256 is of an archive") }
        didStep(.fetched)
        return try PluginContent(folder: source)
      }
      try DurableFile.write(OpenFile.read(source, limit: PluginArchive.sizeLimit), toNew: archive, mode: 0o600)
    }
    didStep(.fetched)
    let descriptor = open(archive, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else { throw .system(archive) }
    defer { close(descriptor) }
    if let sha256 {
      let hash = try OpenFile.read(archive, limit: PluginArchive.sizeLimit).withUnsafeBytes(PluginSignature.sha256)
      guard hash == sha256.lowercased() else { throw HostError(.hash, "\(source) has the SHA-256 \(hash), not \(sha256.prefix(80)); it is not the file that was meant") }
    }
    return try PluginContent(files: PluginArchive.files(descriptor, source), source: source)
  }

  private func fetch(_ address: String, to path: String) throws(HostError) {
    guard let fetcher else { throw HostError(.fetch, "\(address): this host fetches nothing") }
    guard address.lowercased().hasPrefix("https://") || Self.isLoopback(address) else {
      throw HostError(.fetch, "\(address): only https:// is fetched, and http:// from this machine itself; get the file another way and install that")
    }
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw .system(path) }
    defer { close(descriptor) }
    let received: Result<FetchedFile, any Error> = Result {
      try fetcher.get(FetchRequest(url: address)) { piece in
        guard piece.offset + piece.bytes.count <= PluginArchive.sizeLimit else {
          throw HostError(.fetch, "\(address) gives more than the limit of \(PluginArchive.sizeLimit) bytes")
        }
        guard lseek(descriptor, off_t(piece.offset), SEEK_SET) >= 0, DurableFile.append(piece.bytes, to: descriptor) else { throw HostError.system(path) }
      }
    }
    switch received {
    case .success(let file):
      guard (200..<300).contains(file.status) else { throw HostError(.fetch, "\(address): the server answered \(file.status)") }
    case .failure(let error):
      throw error as? HostError ?? HostError(.fetch, "\(address) was not fetched: \((error as? FetchError)?.message ?? error.localizedDescription)")
    }
  }

  private static func isLoopback(_ address: String) -> Bool {
    guard let parts = URLComponents(string: address), parts.scheme?.lowercased() == "http", parts.user == nil else { return false }
    return ["127.0.0.1", "[::1]", "::1", "localhost"].contains(parts.host ?? "")
  }
}
