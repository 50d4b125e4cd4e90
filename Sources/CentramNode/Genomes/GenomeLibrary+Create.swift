internal import CentramGenome
internal import CentramModel
public import CentramStore
internal import Foundation

/// What a genome is made of besides its folder.
public struct GenomeDescription: Sendable {
  /// Path of the base model, or its hash; nil: what the trainer's result or the adapter names.
  public var base: String?
  public var domain = "general"
  /// SPDX expression.
  public var license = "NOASSERTION"
  /// Ids or abbreviations, with basis points that sum to 10,000; nil points are shares of what the others leave.
  public var parents: [(id: String, basisPoints: Int?)] = []
  /// Whether a folder that a merge wrote may go without parents.
  public var allowsUnnamedParents = false
  /// How the parents make it, where that is exactly known.
  public var recipe: GenomeRecipe?
  /// Program and version, stated in the manifest.
  public var agent = "centram"
  /// A file that remembers hashes of files that did not change; nil: none.
  public var hashCache: String?
  public init() {}
}

/// A merge so exactly stated that another node can make the same bytes.
public struct GenomeRecipe: Sendable {
  public enum Value: Sendable { case number(Double), text(String), flag(Bool) }
  public var operatorID: String, version: String
  public var parameters: [(name: String, value: Value)]
  public init(operatorID: String, version: String, parameters: [(name: String, value: Value)]) {
    (self.operatorID, self.version, self.parameters) = (operatorID, version, parameters)
  }
}

extension GenomeLibrary {
  /// Packs the folder of a trained or merged adapter, or of a full difference, as the next genome of this node, and signs it.
  ///
  /// The adapter's path of its base is this machine's business: only its last part goes into the genome.
  /// - Throws: `.malformed` where the folder holds no such thing, `.usage`, `.conflict` where the files are a genome already, `.storage`.
  public func create(_ folder: String, _ description: GenomeDescription, warn: (String) -> Void = { _ in }, isCancelled: () -> Bool = { false }) throws(GenomePackageError)
    -> GenomeRecord
  {
    let trained = try TrainedFolder(folder)
    let parents = try parents(trained, description)
    let base: String
    if let given = description.base, CentramGenome.Hexadecimal.isDigest(given) {
      base = given
    } else if let path = description.base ?? trained.basePath {
      base = try BaseModelHash.of((path as NSString).expandingTildeInPath, cache: description.hashCache, isCancelled: isCancelled)
    } else {
      throw GenomePackageError(.usage, "\(folder): it does not say what its base model is; name it with --base, a path or 64 hexadecimal digits")
    }
    let time = now(), key = try key
    var files: [Manifest.File] = []
    if let configuration = trained.configuration {
      files.append(Manifest.File(name: GenomeKind.configurationFile, bytes: configuration))
      _ = try GenomePackageError.storing { () throws(StoreError) in try store.put(configuration, now: time) }
    }
    let weights = try keep(folder, trained.kind.weightsFile, time, isCancelled)
    files.append(weights.file)
    for sentence in trained.warnings { warn(sentence) }
    var manifest = Manifest(
      id: Hexadecimal.text(ContentHash.of(files)), base: base, kind: trained.kind, files: files, parents: parents.map { .init(id: $0.0.id, weight: $0.1) },
      recipe: description.recipe.map(Self.recipe), generation: parents.map { $0.0.generation + 1 }.max() ?? 0, author: author, madeMilliseconds: time,
      domain: description.domain, trainer: trained.trainer, metrics: trained.metrics, privacy: trained.privacy, license: description.license, agent: description.agent)
    if let stranger = parents.first(where: { $0.0.base != base }) {
      throw GenomePackageError(.usage, "the parent \(stranger.0.id) has the base \(stranger.0.base), this genome \(base); genomes of one lineage have one base")
    }
    // Before the genome: without it the genome could leave, and would not be counted.
    if let training = trained.training(of: manifest.id, signedBy: identity) {
      if trained.privacy != nil, training.account == nil {
        warn("\(folder): privacy.json is not signed by this node's key, so nothing shows that the training was private; the gate will not let it leave")
      }
      try GenomePackageError.storing { () throws(StoreError) in try store.add(training) }
    }
    try GenomePackageError.storing { () throws(StoreError) in try store.remember([weights.chunks]) }
    var failure: GenomePackageError?
    do throws(StoreError) {
      return try store.append(manifest.id, author: author) { (last) throws(StoreError) in
        (manifest.sequence, manifest.previous) = (Int64((last?.lastSequence ?? 0) + 1), last?.lastID)
        do throws(GenomePackageError) {
          let signed = try SignedManifest(manifest, by: key)
          return (signed.record(.own, now: time), signed.bytes)
        } catch {
          failure = error
          throw StoreError(.invalid, error.message)
        }
      }
    } catch { throw failure ?? GenomePackageError(error) }
  }

  /// Copies the weights into the store, hashing file and chunks on the way.
  private func keep(_ folder: String, _ name: String, _ time: Int64, _ isCancelled: () -> Bool) throws(GenomePackageError) -> (
    file: Manifest.File, chunks: ChunkList
  ) {
    let source = try GenomeSource(path: folder)
    guard let size = try source.size(name) else { throw GenomePackageError(.malformed, "\(folder): \(name) is missing") }
    let chunkSize = SignedManifest.chunkSize(for: size)
    guard SignedManifest.chunkCount(Int64(size), chunkSize) <= SignedManifest.maximumChunks else {
      throw GenomePackageError(.usage, "\(folder): \(name) has \(size) bytes; a genome's file has at most \(SignedManifest.maximumChunks * Manifest.maximumChunkSize)")
    }
    let writer = try GenomePackageError.storing { () throws(StoreError) in try store.newBlob(size: size) }
    var chunks = ChunkHashing(chunkSize: chunkSize)
    try source.read(name, size: size, piece: chunkSize) { (piece) throws(GenomePackageError) in
      guard !isCancelled() else { throw GenomePackageError(.cancelled, "cancelled while reading \(name); nothing was recorded") }
      chunks.add(piece)
      try GenomePackageError.storing { () throws(StoreError) in try writer.write(piece) }
    }
    let blob = try GenomePackageError.storing { () throws(StoreError) in try store.keep(writer, now: time) }
    return (Manifest.File(name: name, size: Int64(size), sha256: blob.hash, chunkSize: chunkSize, chunks: chunks.joined), chunks.list(of: blob.hash))
  }

  private static func recipe(_ recipe: GenomeRecipe) -> Manifest.Recipe {
    Manifest.Recipe(
      operator: recipe.operatorID, version: recipe.version,
      parameters: recipe.parameters.map { name, value in
        switch value {
        case .number(let number): JSONValue.Member(name, .number(Int64(exactly: number).map(String.init) ?? "\(number)"))
        case .text(let text): JSONValue.Member(name, .string(text))
        case .flag(let flag): JSONValue.Member(name, .boolean(flag))
        }
      })
  }

  /// Who is named, or else whom the merge's lineage names and the store knows.
  private func parents(_ trained: TrainedFolder, _ description: GenomeDescription) throws(GenomePackageError) -> [(GenomeRecord, Int)] {
    var found: [(record: GenomeRecord, points: Int?)] = []
    for parent in description.parents { found.append((try genome(parent.id), parent.basisPoints)) }
    if found.isEmpty, !description.allowsUnnamedParents {
      for input in trained.mergedFrom {
        guard let record = try known(input) else {
          throw GenomePackageError(
            .usage,
            "\(trained.folder): it was merged from \(input.reference), which is no genome here; name its parents with --parent ID, or say --no-parents if they are none")
        }
        found.append((record, nil))
      }
    }
    if let frozen = found.first(where: { $0.record.state == .revoked }) { throw GenomePackageError(.conflict, "the parent \(frozen.record.id) is revoked") }
    let given = found.compactMap(\.points).reduce(0, +), open = found.filter { $0.points == nil }.count
    guard found.isEmpty || (open > 0 ? given < Manifest.wholeWeight : given == Manifest.wholeWeight) else {
      throw GenomePackageError(.usage, "the parents' weights sum to \(given) basis points, not to \(Manifest.wholeWeight)")
    }
    var left = Manifest.wholeWeight - given, places = open
    var parents: [(GenomeRecord, Int)] = []
    for (record, points) in found {
      let share = points ?? (left + places - 1) / places
      if points == nil { (left, places) = (left - share, places - 1) }
      parents.append((record, share))
    }
    return parents
  }

  /// The genome whose weights a merge read.
  private func known(_ input: TrainedFolder.MergeInput) throws(GenomePackageError) -> GenomeRecord? {
    let candidates = try GenomePackageError.storing { () throws(StoreError) in try store.genomes() }
    for record in candidates {
      guard let weights = record.files.last, weights.size == input.bytes else { continue }
      if input.algorithm == .sha256, weights.hash == input.hash { return record }
      if input.algorithm == .xxh128, let file = try? SafetensorsFile(path: store.path(ofBlob: weights.hash)), (try? FileHash.hash(file, .xxh128)) == input.hash { return record }
    }
    return nil
  }
}
