internal import CentramDownload
internal import Foundation

/// One file on its way into the store.
struct FileDownload {
  let store: ModelStore
  let file: RemoteFile
  let fetcher: any FileFetching
  let options: DownloadOptions
  let observer: DownloadObserver

  func run() throws -> StoredModel.File {
    if case .sha256(let hex) = file.digest, let known = try store.known(hex, file) { return known }
    let partial = try PartialFile(folder: store.partial, key: file.digest.hex)
    if let size = file.size, partial.size > size { try partial.truncate(to: 0) }
    let resumed = partial.size
    try fetch(into: partial)
    switch checked(partial) {
    case .success(let stored): return stored
    case .failure(let error):
      guard error.code == .damaged, resumed > 0 else { throw error }
      // What an earlier run left may be what is wrong: once more from the start.
      observer.note("\(file.path): the part that was there does not fit; fetching all of it again")
      let whole = try PartialFile(folder: store.partial, key: file.digest.hex)
      try fetch(into: whole)
      return try checked(whole).get()
    }
  }

  private func fetch(into partial: PartialFile) throws {
    var attempt = 0
    while true {
      if let size = file.size, partial.size == size { return }
      let before = partial.size
      do {
        try transfer(partial)
        if file.size.map({ partial.size == $0 }) ?? true { return }
        throw FetchError(.connection, "\(file.url): the connection ended after \(partial.size) of \(file.size ?? 0) bytes")
      } catch let error as FetchError where error.code == .connection {
        attempt = partial.size > before ? 1 : attempt + 1
        guard attempt <= options.retries else {
          throw ModelStoreError(.network, "\(error.message); \(partial.size) bytes are kept, and the same command goes on from there")
        }
        observer.note("\(error.message); trying again, from byte \(partial.size)")
        observer.wait(min(30, Double(1 << (attempt - 1))))
        if observer.isCancelled() { throw FetchError(.cancelled, "cancelled while fetching \(file.url)") }
      }
    }
  }

  private func transfer(_ partial: PartialFile) throws {
    var request = FetchRequest(url: file.url)
    (request.offset, request.bearerToken, request.isCancelled) = (partial.size, options.token, observer.isCancelled)
    let (path, size, observer) = (file.path, file.size, observer)
    observer.progress(path, partial.size, size)
    let answer = try fetcher.get(request) { piece in
      if let size, piece.offset + piece.bytes.count > size {
        throw ModelStoreError(.damaged, "\(path): the server sends more than the \(size) bytes of its listing")
      }
      try partial.write(piece.bytes, at: piece.offset)
      observer.progress(path, partial.size, size)
    }
    switch answer.status {
    case 200...299: return
    case 416:  // nothing behind what is there: it is whole, or not what the server has
      if size == nil { return }
      try partial.truncate(to: 0)
      throw FetchError(.connection, "\(file.url): the server has another file than the part that was there")
    case 408, 425, 429, 500...599: throw FetchError(.connection, "\(file.url): status \(answer.status)")
    case 401, 403: throw ModelStoreError(.network, "\(file.url): status \(answer.status); set HF_TOKEN, and accept the model's licence there")
    default: throw ModelStoreError(.network, "\(file.url): status \(answer.status)")
    }
  }

  private func checked(_ partial: PartialFile) -> Result<StoredModel.File, ModelStoreError> {
    do throws(ModelStoreError) { return .success(try publishChecked(partial)) } catch { return .failure(error) }
  }

  private func publishChecked(_ partial: PartialFile) throws(ModelStoreError) -> StoredModel.File {
    let isGit = if case .gitBlob = file.digest { true } else { false }
    let found = try Digests.of(partial.path, gitSize: isGit ? partial.size : nil, isCancelled: observer.isCancelled)
    let actual = isGit ? found.git : found.sha256
    guard actual == file.digest.hex else {
      partial.remove()
      throw ModelStoreError(
        .damaged,
        "\(file.path): its \(isGit ? "git SHA-1" : "SHA-256") is \(actual ?? ""), the listing says \(file.digest.hex); what was fetched is removed: try again, or another mirror with --from"
      )
    }
    try store.publish(partial, as: found.sha256)
    return StoredModel.File(path: file.path, bytes: partial.size, sha256: found.sha256)
  }
}

extension ModelStore {
  /// A file that is there already under its digest.
  func known(_ sha256: String, _ file: RemoteFile) throws(ModelStoreError) -> StoredModel.File? {
    var status = stat()
    guard stat(blob(sha256), &status) == 0, file.size == nil || Int(status.st_size) == file.size else { return nil }
    return StoredModel.File(path: file.path, bytes: Int(status.st_size), sha256: sha256)
  }
}
