internal import Foundation

extension ModelStore {
  /// Takes a file or folder of this machine into the store. The files are copied (shared on disk where the file system can),
  /// and may change or go afterwards.
  /// - Parameter name: what to call it; nil: the file's or folder's own name.
  public func `import`(_ path: String, as name: String? = nil, progress: (Int) -> Void = { _ in }, isCancelled: () -> Bool = { false }) throws(ModelStoreError) -> StoredModel {
    let url = URL(fileURLWithPath: path).standardizedFileURL
    let name = name ?? url.deletingPathExtension().lastPathComponent
    guard Self.isName(name) else { throw ModelStoreError(.usage, "\(name): not a name for a model: letters, digits and -_. ; give one with --name") }
    try prepare()
    let sources = try Self.sources(url)
    try requireSpace(sources.reduce(0) { $0 + $1.bytes })
    var files: [StoredModel.File] = []
    for source in sources {
      files.append(try take(source.url.path, as: source.path, source.bytes, progress, isCancelled))
    }
    let model = StoredModel(name: name, source: url.path, files: files)
    try add(model)
    return model
  }

  /// Regular files, links followed; a folder's own files only, as models lie.
  private static func sources(_ url: URL) throws(ModelStoreError) -> [(path: String, url: URL, bytes: Int)] {
    var status = stat()
    guard stat(url.path, &status) == 0 else { throw ModelStoreError(.notFound, "\(url.path): \(String(cString: strerror(errno)))") }
    if status.st_mode & S_IFMT == S_IFREG { return [(url.lastPathComponent, url, Int(status.st_size))] }
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []).sorted().filter { !$0.hasPrefix(".") }
    var files: [(path: String, url: URL, bytes: Int)] = []
    for name in names {
      let file = url.appendingPathComponent(name)
      guard stat(file.path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
      files.append((name, file, Int(status.st_size)))
    }
    guard files.contains(where: { $0.path.hasSuffix(".safetensors") || $0.path.hasSuffix(".gguf") }) else {
      throw ModelStoreError(.notFound, "\(url.path): no safetensors and no GGUF file in it")
    }
    return files
  }

  private func take(_ path: String, as name: String, _ bytes: Int, _ progress: (Int) -> Void, _ isCancelled: () -> Bool) throws(ModelStoreError) -> StoredModel.File {
    let input = open(path, O_RDONLY | O_CLOEXEC)
    guard input >= 0 else { throw .system(path) }
    defer { close(input) }
    let copy = try PartialFile(folder: partial, key: "import-\(getpid())-\(UInt64.random(in: 0 ... .max))")
    defer { copy.remove() }
    let digests = Digests(gitSize: nil)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
    defer { buffer.deallocate() }
    while true {
      guard !isCancelled() else { throw ModelStoreError(.cancelled, "cancelled while copying \(path)") }
      let count = Foundation.read(input, buffer.baseAddress, buffer.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw .system(path) }
      if count == 0 { break }
      let piece = UnsafeRawBufferPointer(rebasing: buffer[..<count])
      digests.add(piece)
      try copy.write(piece, at: copy.size)
      progress(count)
    }
    let digest = digests.finish().sha256
    try publish(copy, as: digest)
    return StoredModel.File(path: name, bytes: copy.size, sha256: digest)
  }

  /// Gives a whole file its final name; durable when it returns.
  func publish(_ file: PartialFile, as sha256: String) throws(ModelStoreError) {
    try file.synchronize()
    guard rename(file.path, blob(sha256)) == 0 else { throw .system(blob(sha256)) }
  }

  /// - Throws: `.storage` where the disk has less room than `bytes`.
  func requireSpace(_ bytes: Int) throws(ModelStoreError) {
    var status = statvfs()
    guard statvfs(folder, &status) == 0 else { throw .system(folder) }
    let free = Int(clamping: UInt64(status.f_bavail) * UInt64(status.f_frsize))
    guard free >= bytes else {
      throw ModelStoreError(.storage, "\(folder): \(bytes) bytes are needed, \(free) are free; make room, or choose another folder with models.path")
    }
  }
}
