internal import Foundation

/// The models on this machine. Files lie under their SHA-256, so that equal ones are there once and a damaged one is known:
/// `blobs/HEX`; `models/NAME.json` says which files a model has; `folders/NAME/` shows them under their names, as links.
public struct ModelStore: Sendable {
  public let folder: String
  public init(folder: String) { self.folder = folder }

  var blobs: String { folder + "/blobs" }
  var partial: String { folder + "/partial" }
  private var records: String { folder + "/models" }
  private var folders: String { folder + "/folders" }

  static let maximumRecord = 8 << 20

  func prepare() throws(ModelStoreError) {
    for path in [blobs, partial, records, folders] {
      do { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) } catch {
        throw ModelStoreError(.storage, "\(path): \(error.localizedDescription)")
      }
    }
  }

  func blob(_ sha256: String) -> String { "\(blobs)/\(sha256)" }

  /// File names have no slash, and no name may look like another's.
  private func key(_ name: String) -> String { name.replacingOccurrences(of: "/", with: "--") }
  private func record(_ name: String) -> String { "\(records)/\(key(name)).json" }
  func shown(_ name: String) -> String { "\(folders)/\(key(name))" }

  /// All models, by name; a record that cannot be read is left out of it and named in `problems`.
  public func list() -> (models: [StoredModel], problems: [ModelStoreError]) {
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: records)) ?? []).filter { $0.hasSuffix(".json") }.sorted()
    var models: [StoredModel] = [], problems: [ModelStoreError] = []
    for name in names {
      do throws(ModelStoreError) { models.append(try read("\(records)/\(name)")) } catch { problems.append(error) }
    }
    return (models, problems)
  }

  /// - Throws: `.notFound`, naming the nearest model that is there.
  public func model(_ name: String) throws(ModelStoreError) -> StoredModel {
    if ModelStore.isName(name), FileManager.default.fileExists(atPath: record(name)) { return try read(record(name)) }
    // By its short name, where it was fetched by the long one, and the other way round.
    if let long = try? ModelName(name), let match = list().models.first(where: { (try? ModelName($0.name)) == long }) { return match }
    let names = list().models.map(\.name)
    throw ModelStoreError(
      .notFound,
      names.isEmpty
        ? "\(name): no model of that name; there are none yet: centram-host model download NAME" : "\(name): no model of that name; there are \(names.joined(separator: ", "))")
  }

  private func read(_ path: String) throws(ModelStoreError) -> StoredModel {
    guard let attributes = try? FileManager.default.attributesOfItem(atPath: path), attributes[.size] as? Int ?? 0 <= Self.maximumRecord,
      let data = FileManager.default.contents(atPath: path), let model = try? JSONDecoder().decode(StoredModel.self, from: data)
    else { throw ModelStoreError(.damaged, "\(path): not a record of a model; remove it, and fetch the model again") }
    guard model.version == StoredModel.version else {
      throw ModelStoreError(.damaged, "\(path): version \(model.version) of a record; this program knows \(StoredModel.version)")
    }
    guard Self.isName(model.name),
      model.files.allSatisfy({ Self.isInside($0.path) && $0.sha256.utf8.count == 64 && $0.sha256.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) } })
    else { throw ModelStoreError(.damaged, "\(path): names or digests that cannot be; remove it, and fetch the model again") }
    return model
  }

  /// The path to run a model from: its GGUF file, or the folder.
  public func path(of model: StoredModel) throws(ModelStoreError) -> String {
    try show(model)
    let gguf = model.files.filter { $0.path.hasSuffix(".gguf") }
    let folder = shown(model.name)
    return gguf.count == 1 && !model.files.contains(where: { $0.path.hasSuffix(".safetensors") }) ? "\(folder)/\(gguf[0].path)" : folder
  }

  /// Where a model that a user named is: what is there under that path, else a model of the store.
  /// - Throws: `.notFound`, saying how to get it.
  public func location(_ text: String) throws(ModelStoreError) -> String {
    if FileManager.default.fileExists(atPath: text) { return text }
    if text.hasPrefix("/") || text.hasPrefix(".") || text.hasPrefix("~") { throw ModelStoreError(.notFound, "\(text): there is no such file or folder") }
    if let model = try? model(text) { return try path(of: model) }
    let canBeFetched = (try? ModelName(text)) != nil
    throw ModelStoreError(
      .notFound,
      "\(text): neither a path nor a model of the store" + (canBeFetched ? "; centram-host model download \(text) fetches it" : "; centram-host model list shows what is there"))
  }

  /// Records a model whose files are all there as blobs.
  func add(_ model: StoredModel) throws(ModelStoreError) {
    try show(model)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    do {
      try encoder.encode(model).write(to: URL(fileURLWithPath: record(model.name)), options: .atomic)
    } catch {
      throw ModelStoreError(.storage, "\(record(model.name)): \(error.localizedDescription)")
    }
  }

  /// Makes the folder of links anew where it is not right.
  private func show(_ model: StoredModel) throws(ModelStoreError) {
    let manager = FileManager.default
    let folder = shown(model.name)
    let isRight = model.files.allSatisfy { (try? manager.destinationOfSymbolicLink(atPath: "\(folder)/\($0.path)")) == blob($0.sha256) }
    if isRight, (try? manager.subpathsOfDirectory(atPath: folder).filter { !isFolder("\(folder)/\($0)") }.count) == model.files.count { return }
    let fresh = "\(folders)/.\(key(model.name)).\(getpid())"
    do {
      try? manager.removeItem(atPath: fresh)
      for file in model.files {
        let path = "\(fresh)/\(file.path)"
        try manager.createDirectory(atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try manager.createSymbolicLink(atPath: path, withDestinationPath: blob(file.sha256))
      }
      try? manager.removeItem(atPath: folder)
      try manager.moveItem(atPath: fresh, toPath: folder)
    } catch {
      throw ModelStoreError(.storage, "\(folder): \(error.localizedDescription)")
    }
  }

  private func isFolder(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// Forgets a model, and removes the files that no other has.
  /// - Returns: the bytes that are free now.
  public func remove(_ name: String) throws(ModelStoreError) -> Int {
    let model = try model(name)
    guard unlink(record(model.name)) == 0 else { throw .system(record(model.name)) }
    try? FileManager.default.removeItem(atPath: shown(model.name))
    let (others, problems) = list()
    // With a record that cannot be read nobody knows what is still needed.
    guard problems.isEmpty else { return 0 }
    let needed = Set(others.flatMap { $0.files.map(\.sha256) })
    var freed = 0
    for file in Set(model.files.map(\.sha256)) where !needed.contains(file) {
      if unlink(blob(file)) == 0 { freed += model.files.first { $0.sha256 == file }?.bytes ?? 0 }
    }
    return freed
  }

  /// A name that a model may have here: a plain name, or `owner/name`.
  static func isName(_ name: String) -> Bool {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    let last = parts.last?.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false) ?? []
    return (1...2).contains(parts.count) && !name.contains("--") && parts.dropLast().allSatisfy { ModelName.isPlain(String($0), allowingSlash: false) }
      && (1...2).contains(last.count) && last.allSatisfy { ModelName.isPlain(String($0), allowingSlash: false) }
  }

  static func isInside(_ path: String) -> Bool {
    !path.isEmpty && path.utf8.count <= 400 && path.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
  }
}
