internal import Foundation

/// Writes an adapter that PEFT loads as it is.
public enum AdapterWriter {
  /// Writes both files into `folder`, which is made where it is missing. Each file appears whole or not at all, the
  /// configuration last, so a folder that has it is complete.
  /// - Parameter format: of the factors; saved tensors keep theirs.
  /// - Throws: `.unwritable`.
  public static func write(_ contents: AdapterContents, to folder: String, format: NumberFormat = .float32) throws(ModelFileError) {
    let (contents, entries) = try prepared(contents, format, folder)
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw ModelFileError(.unwritable, "\(folder): cannot be made: \(error.localizedDescription)")
    }
    try AtomicFile.write("\(folder)/\(Adapter.tensorFile)") { (file) throws(ModelFileError) in
      try file.append(header(entries))
      for entry in entries { try entry.write(to: file) }
    }
    try AtomicFile.write("\(folder)/\(Adapter.configurationFile)") { (file) throws(ModelFileError) in
      try file.append(Array(contents.configurationText.utf8))
    }
  }

  /// The bytes of both files, as `write` puts them into a folder.
  /// - Parameter name: what errors call it.
  /// - Throws: `.unwritable`.
  public static func bytes(_ contents: AdapterContents, name: String, format: NumberFormat = .float32) throws(ModelFileError) -> (
    configuration: [UInt8], tensors: [UInt8]
  ) {
    let (contents, entries) = try prepared(contents, format, name)
    var tensors = header(entries)
    tensors.reserveCapacity(entries.reduce(tensors.count) { $0 + $1.size })
    for entry in entries { entry.append(to: &tensors) }
    return (Array(contents.configurationText.utf8), tensors)
  }

  private static func prepared(_ contents: AdapterContents, _ format: NumberFormat, _ name: String) throws(ModelFileError) -> (AdapterContents, [Entry]) {
    guard format.isFloatingPoint else { throw ModelFileError(.unwritable, "\(name): factors cannot be stored as \(format.rawValue)") }
    guard !contents.modules.isEmpty else { throw ModelFileError(.unwritable, "\(name): an adapter without modules; PEFT loads none such") }
    let contents = contents.withoutEmptyFactors()
    for module in contents.modules { try requireFinite(module, format, name) }
    return (contents, try entries(contents, format))
  }

  private static func requireFinite(_ module: AdapterContents.Module, _ format: NumberFormat, _ folder: String) throws(ModelFileError) {
    func largest(_ floats: [Float]) -> Float { floats.reduce(0) { $1.isNaN ? .infinity : max($0, abs($1)) } }
    let largest = max(largest(module.a), largest(module.b))
    guard largest < .infinity else { throw ModelFileError(.unwritable, "\(folder): the factors of \(module.name) hold NaN or infinity") }
    // Float16 ends at 65504, and rounds to infinity from 65520 on.
    guard format != .float16 || largest < 65520 else {
      throw ModelFileError(.unwritable, "\(folder): \(largest) in the factors of \(module.name) is too large for float16; take bfloat16 or float32")
    }
  }

  /// A tensor of the file, in the file's order: wide elements first, so that all are aligned, then by name.
  private struct Entry {
    let key: String
    let format: NumberFormat
    let shape: [Int]
    let values: AdapterContents.Saved.Values
    var size: Int { shape.reduce(format.size, *) }

    func write(to file: borrowing AtomicFile) throws(ModelFileError) {
      switch values {
      case .file(let source, let tensor): try file.append(source.bytes(of: tensor))
      case .computed:
        for start in stride(from: 0, to: elements, by: Self.chunk) { try file.append(encoded(start, min(Self.chunk, elements - start))) }
      }
    }

    func append(to bytes: inout [UInt8]) {
      switch values {
      case .file(let source, let tensor): bytes.append(contentsOf: source.bytes(of: tensor))
      case .computed:
        for start in stride(from: 0, to: elements, by: Self.chunk) { bytes += encoded(start, min(Self.chunk, elements - start)) }
      }
    }

    private static var chunk: Int { 65536 }
    private var elements: Int { size / format.size }

    /// Computed elements as they are stored.
    private func encoded(_ start: Int, _ count: Int) -> [UInt8] {
      guard case .computed(_, _, let fill) = values else { return [] }
      let floats = [Float](unsafeUninitializedCapacity: count) { buffer, filled in
        buffer.initialize(repeating: 0)
        fill(start, count, buffer.baseAddress!)
        filled = count
      }
      var bytes = [UInt8](repeating: 0, count: count * format.size)
      bytes.withUnsafeMutableBytes { format.encode(floats, count: count, into: $0.baseAddress!) }
      return bytes
    }
  }

  private static func entries(_ contents: AdapterContents, _ format: NumberFormat) throws(ModelFileError) -> [Entry] {
    var entries: [Entry] = []
    func factor(_ module: AdapterContents.Module, _ part: AdapterTensorName.Part, _ shape: [Int], _ floats: [Float]) -> Entry {
      Entry(
        key: Adapter.namePrefix + module.name + part.rawValue, format: format, shape: shape,
        values: .computed(format: format, shape: shape) { offset, count, target in
          floats.withUnsafeBufferPointer { target.update(from: $0.baseAddress! + offset, count: count) }
        })
    }
    for module in contents.modules {
      let isEmbedding = module.kind == .embedding
      entries.append(factor(module, isEmbedding ? .embeddingA : .a, [module.rank, module.inputs], module.a))
      entries.append(factor(module, isEmbedding ? .embeddingB : .b, [module.outputs, module.rank], module.b))
    }
    for saved in contents.saved {
      var parts = saved.name.split(separator: ".", omittingEmptySubsequences: false)
      if saved.isBaseLayer { parts.insert("base_layer", at: parts.count - 1) }
      entries.append(Entry(key: Adapter.namePrefix + parts.joined(separator: "."), format: saved.format, shape: saved.shape, values: saved.values))
    }
    entries.sort { ($1.format.size, $0.key) < ($0.format.size, $1.key) }
    for (one, next) in zip(entries, entries.dropFirst()) where one.key == next.key {
      throw ModelFileError(.unwritable, "the tensor \(one.key) would be written twice")
    }
    return entries
  }

  private static func header(_ entries: [Entry]) -> [UInt8] {
    var text = "{\"__metadata__\":{\"format\":\"pt\"}", offset = 0
    for entry in entries {
      text += ",\(OrderedJSON.quoted(entry.key)):{\"dtype\":\"\(entry.format.rawValue)\",\"shape\":\(entry.shape),"
      text += "\"data_offsets\":[\(offset),\(offset + entry.size)]}"
      offset += entry.size
    }
    text += "}"
    var bytes = Array(text.utf8)
    while bytes.count % 8 != 0 { bytes.append(0x20) }
    return withUnsafeBytes(of: UInt64(bytes.count).littleEndian) { Array($0) } + bytes
  }
}

extension AdapterContents {
  /// PEFT refuses rank 0, so a module without change gets rank 1 and zeros.
  fileprivate func withoutEmptyFactors() -> AdapterContents {
    var result = self
    for index in modules.indices where modules[index].rank == 0 {
      result.modules[index].rank = 1
      result.modules[index].a = Array(repeating: 0, count: modules[index].inputs)
      result.modules[index].b = Array(repeating: 0, count: modules[index].outputs)
    }
    return result
  }
}
