internal import CentramGenome
internal import CentramModel
internal import CentramStore
internal import CentramTrainingSupport
internal import Foundation

/// What a folder that a training or a merge wrote says of itself: `adapter_config.json` or `delta.safetensors`, `training.json`, `privacy.json`,
/// `lineage.json`.
struct TrainedFolder {
  /// A file that a merge read.
  struct MergeInput: Equatable {
    let reference: String, bytes: Int, hash: String
    let algorithm: FileHashAlgorithm?
  }

  let folder: String
  let kind: GenomeKind
  /// adapter_config.json as it goes into the genome; nil for a full difference.
  let configuration: [UInt8]?
  /// Where the base model is on this machine.
  let basePath: String?
  let trainer: Manifest.Trainer
  let metrics: [Manifest.Metric]
  let privacy: Manifest.Privacy?
  /// Sequences that it was trained on; nil where nothing says so.
  let sequences: Int?
  private let envelope: PrivacyEnvelope?
  let mergedFrom: [MergeInput]
  let warnings: [String]

  init(_ folder: String) throws(GenomePackageError) {
    self.folder = folder
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder) else { throw GenomePackageError(.notFound, "\(folder): there is no such folder") }
    guard isFolder.boolValue else { throw GenomePackageError(.usage, "\(folder): not a folder; centram-host genome import takes .genome files in") }
    let files = FolderFiles(folder: folder)
    let isAdapter = files.exists(GenomeKind.configurationFile), isDelta = files.exists(GenomeKind.fullDelta.weightsFile)
    guard isAdapter != isDelta else {
      throw GenomePackageError(
        .malformed,
        isAdapter
          ? "\(folder): both an adapter and delta.safetensors; a genome is one of them" : "\(folder): neither adapter_config.json nor delta.safetensors; train an adapter first")
    }
    kind = isAdapter ? .adapter : .fullDelta
    do throws(ModelFileError) {
      // Read as it will be used, so that nothing is signed that nobody can load.
      if isAdapter { _ = try Adapter(folder: folder) } else { _ = try SafetensorsFile(path: files.path(GenomeKind.fullDelta.weightsFile)) }
    } catch { throw GenomePackageError(.malformed, error.message) }
    let summary: TrainingSummary? = try Self.decode("training.json", in: files)
    let published = isAdapter ? try Self.published(files) : nil
    configuration = published?.bytes
    basePath = summary?.model ?? published?.base
    trainer = summary.map { Manifest.Trainer(id: $0.trainer, version: $0.trainerVersion) } ?? Manifest.Trainer(id: "unknown", version: "0")
    metrics = (summary?.metrics ?? [:]).sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.prefix(Manifest.maximumEntries).map { .init($0.key, $0.value) }
    (privacy, envelope) = try Self.privacy(files)
    sequences = summary?.sequences
    let merge: MergeRecord? = try Self.decode("lineage.json", in: files)
    mergedFrom = (merge?.inputs ?? []).flatMap { input in
      input.files.map { MergeInput(reference: input.reference, bytes: $0.bytes, hash: $0.hash, algorithm: FileHashAlgorithm(rawValue: $0.hash_algorithm)) }
    }
    let text = (try? SafetensorsFile(path: files.path(kind.weightsFile)))?.metadata["centram.base"] ?? ""
    warnings = text.contains("/") ? ["\(kind.weightsFile) names the base by its path on this machine (\(text)); train with --base-name to name it otherwise"] : []
  }

  /// The adapter's configuration with the base's last name in the place of a path, and the path.
  private static func published(_ files: FolderFiles) throws(GenomePackageError) -> (bytes: [UInt8], base: String?) {
    do throws(MergeError) {
      guard let bytes = try files.read(GenomeKind.configurationFile), var object = try files.jsonObject(GenomeKind.configurationFile) else {
        throw MergeError(.input, "\(files.path(GenomeKind.configurationFile)): cannot be read")
      }
      let key = "base_model_name_or_path"
      guard let base = object[key]?.string else { return (bytes, nil) }
      guard base.hasPrefix("/") || base.hasPrefix("~") || base.hasPrefix(".") else { return (bytes, FileManager.default.fileExists(atPath: base) ? base : nil) }
      object[key] = .string((base as NSString).lastPathComponent)
      return (OrderedJSON.object(object).serialized(), base)
    } catch { throw GenomePackageError(.malformed, error.message) }
  }

  private static func decode<Value: Decodable>(_ name: String, in files: FolderFiles) throws(GenomePackageError) -> Value? {
    guard files.exists(name), let data = FileManager.default.contents(atPath: files.path(name)) else { return nil }
    do { return try JSONDecoder().decode(Value.self, from: data) } catch {
      throw GenomePackageError(.malformed, "\(files.path(name)): not what a training or a merge writes; remove it if it has nothing to do with the adapter")
    }
  }

  private static func privacy(_ files: FolderFiles) throws(GenomePackageError) -> (Manifest.Privacy?, PrivacyEnvelope?) {
    guard let envelope: PrivacyEnvelope = try decode("privacy.json", in: files) else { return (nil, nil) }
    guard let record = try? JSONDecoder().decode(PrivacyNumbers.self, from: Data(envelope.record.utf8)) else {
      throw GenomePackageError(.malformed, "\(files.path("privacy.json")): its record is not one of a private training")
    }
    let privacy = Manifest.Privacy(
      epsilon: record.epsilon, delta: record.delta, noiseMultiplier: record.noiseMultiplier, sampleRate: record.samplingRate, steps: record.steps, clippingNorm: record.clipNorm,
      mechanism: record.mechanism, sampling: record.sampling)
    return (privacy, envelope)
  }

  /// What the node can say of the training itself. A private one counts where this node's key signed the trainer's record: nothing else shows that it was
  /// done here.
  func training(of id: String, signedBy identity: NodeIdentity) -> OwnTraining? {
    var account: OwnTraining.Account?, count = sequences
    if let envelope, let signature = envelope.signature.flatMap({ Data(base64Encoded: $0) }),
      identity.holds([UInt8](signature), of: Array(PrivacyRecord.signatureDomain.utf8) + Array(envelope.record.utf8)),
      let record = try? JSONDecoder().decode(PrivacyRecord.self, from: Data(envelope.record.utf8))
    {
      count = record.sequences
      account = OwnTraining.Account(
        steps: record.steps, sampling: record.sampling, samplingRate: record.samplingRate, noiseMultiplier: record.noiseMultiplier, clippingNorm: record.clipNorm,
        isAFrozen: record.frozen == "lora_A")
    }
    return count.map { OwnTraining(genome: id, sequences: $0, account: account) }
  }

  private struct PrivacyEnvelope: Decodable { let record: String, signature: String? }
  private struct PrivacyNumbers: Decodable {
    let epsilon: Double, delta: Double, noiseMultiplier: Double, samplingRate: Double, steps: Int64, clipNorm: Double, mechanism: String, sampling: String
  }
  private struct MergeRecord: Decodable {
    struct Input: Decodable {
      struct File: Decodable { let bytes: Int, hash: String, hash_algorithm: String }
      let reference: String, files: [File]
    }
    let inputs: [Input]
  }
}
