internal import CentramGenome
internal import CentramModel
internal import CentramPluginAPI
internal import CentramStore

/// Merges full deltas tensor by tensor: each is a change from a base of zeros, and the rule a dense operator's.
struct DeltaMerge {
  /// Bytes of one delta that is held in memory.
  static let maximumSize = 1 << 30

  let store: GenomeStore
  let records: [GenomeRecord]
  let chosen: OperatorChoice.Chosen
  let settings: RecipeSettings

  func files() throws(GenomePackageError) -> [(name: String, bytes: [UInt8])] {
    guard let operation = chosen.operation as? any TensorMerging else {
      throw GenomePackageError(.usage, "\(chosen.id) merges adapters; full deltas are merged by a dense operator such as merge.linear")
    }
    var files: [SafetensorsFile] = []
    for record in records { files.append(try store.delta(of: record)) }
    let names = Set(files.flatMap { $0.tensors.map(\.name) }).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    var entries: [(name: String, shape: [Int], values: [Float])] = []
    for name in names {
      var shape: [Int]?, present: [Int] = [], values: [[Float]] = []
      for (index, file) in files.enumerated() {
        guard let tensor = file.tensor(name) else { continue }
        guard tensor.format.isFloatingPoint, shape == nil || shape == tensor.shape else {
          throw GenomePackageError(.malformed, "\(name): the deltas differ in its shape or hold no floating-point numbers")
        }
        shape = tensor.shape
        present.append(index)
        values.append(file.floats(of: tensor))
      }
      guard let shape else { continue }
      let columns = shape.last ?? 1, rows = columns == 0 ? 0 : shape.reduce(1, *) / columns
      var parameters = settings.parameters
      parameters.perInput = present.map { parameters.perInput[$0] }
      do throws(PluginError) {
        entries.append(
          (
            name, shape,
            try DenseRule(operation: operation, isCancelled: { false }).merge(
              values, rows: rows, columns: columns, name: name, models: present.map { String(records[$0].id.prefix(16)) }, parameters: parameters, seed: settings.seed, masks: nil)
          ))
      } catch { throw GenomePackageError(.malformed, "the merge by \(chosen.id) \(chosen.version): \(error.message)") }
    }
    return [(GenomeKind.fullDelta.weightsFile, Self.file(entries))]
  }

  /// A safetensors file of float32 tensors in the order given.
  private static func file(_ entries: [(name: String, shape: [Int], values: [Float])]) -> [UInt8] {
    var members = [JSONValue.Member("__metadata__", .object([.init("format", .string("pt"))]))], offset = 0
    func numbers(_ values: [Int]) -> JSONValue { .array(values.map { .number("\($0)") }) }
    for entry in entries {
      let end = offset + 4 * entry.values.count
      members.append(.init(entry.name, .object([.init("dtype", .string("F32")), .init("shape", numbers(entry.shape)), .init("data_offsets", numbers([offset, end]))])))
      offset = end
    }
    var header = Array(JSONValue.object(members).text.utf8)
    while header.count % 8 != 0 { header.append(0x20) }
    var bytes = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) } + header
    bytes.reserveCapacity(bytes.count + offset)
    for entry in entries {
      entry.values.withUnsafeBufferPointer { values in
        for value in values { withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) } }
      }
    }
    return bytes
  }
}

extension GenomeStore {
  /// The tensors of a full delta, its file's hash compared.
  func delta(of record: GenomeRecord) throws(GenomePackageError) -> SafetensorsFile {
    guard record.kind == GenomeKind.fullDelta.rawValue, record.files.map(\.name) == GenomeKind.fullDelta.files else {
      throw GenomePackageError(.usage, "\(record.id): a \(record.kind), and a full delta is needed")
    }
    guard record.size <= DeltaMerge.maximumSize else {
      throw GenomePackageError(.usage, "\(record.id): \(record.size) bytes; a full delta of \(DeltaMerge.maximumSize) is the most that is merged")
    }
    let bytes = try GenomePackageError.storing { () throws(StoreError) in try read(record.files[0].hash) }
    do throws(ModelFileError) { return try SafetensorsFile(data: bytes, name: String(record.id.prefix(16))) } catch { throw GenomePackageError(.malformed, error.message) }
  }
}
