extension ModelExport {
  /// Writes a GGUF file that llama.cpp reads.
  /// - Parameters:
  ///   - format: of the matrices; nil: each keeps its own where it can be written. Vectors are float32, as llama.cpp needs
  ///     them. Below 8 bits, embedding and head are Q8_0, since every token passes them. A matrix whose rows are no whole
  ///     number of blocks becomes float16.
  ///   - replaces: whether a file that is there already may be replaced.
  /// - Throws: `.unwritable`, `.cancelled`, or what the model's files are refused with.
  public func writeGGUF(to path: String, format: WeightFormat? = nil, replaces: Bool = false, observer: ExportObserver = .init()) throws(ModelFileError) -> ExportReport {
    if let format, !WeightFormat.writable.contains(format) {
      throw ModelFileError(.unwritable, "\(path): \(format.name) cannot be written; \(WeightFormat.writable.map(\.name).joined(separator: ", ")) can")
    }
    let configuration = model.configuration
    guard ModelConfiguration.ggufFamilies.contains(configuration.family) else {
      throw ModelFileError(.unsupported, "\(path): GGUF has no architecture for \(configuration.family.name); export it as safetensors")
    }
    let modules = GGUFNames(family: configuration.family).modules(layers: configuration.layers)
    var plan: [(name: String, shape: [Int], item: GGUFWriter.Item, format: WeightFormat)] = []
    for (name, shape) in names {
      guard let dot = name.lastIndex(of: "."), let module = modules[String(name[..<dot])] else { preconditionFailure("\(name) has no name in GGUF") }
      let own = try self.format(name, shape: shape, module: module, asked: format)
      plan.append((name, shape, GGUFWriter.Item(name: module + name[dot...], type: GGUFTensorType(rawValue: own.rawValue)!, shape: shape), own))
    }
    let divisors = model.gguf?.divisors ?? configuration.rope?.tensorOfDivisors(headSize: configuration.headSize)
    var items = plan.map(\.item)
    if let divisors { items.insert(GGUFWriter.Item(name: "rope_freqs.weight", type: .f32, shape: [divisors.count]), at: 0) }
    var report = ExportReport(path: path)
    let metadata = try metadata(largest: plan.filter { $0.shape.count == 2 }.map(\.format), &report)
    let output = try ExportPath(path, replaces: replaces)
    report.path = output.path
    return try output.write { (temporary) throws(ModelFileError) in
      let writer = try GGUFWriter(path: temporary, metadata: metadata, items: items)
      if let divisors { try writer.write(divisors, of: "rope_freqs.weight") }
      let loop = ExportLoop(total: plan.reduce(0) { $0 + $1.shape.reduce(1, *) }, observer: observer)
      for part in plan {
        try write(part.name, part.shape, part.item.name, part.format, loop, writer)
        report.tensors += 1
        report.changed += isChanged(part.name) ? 1 : 0
        report.formats[part.format.name, default: 0] += 1
      }
      try writer.synchronize()
      report.bytes = writer.size
      return report
    }
  }

  private func write(_ name: String, _ shape: [Int], _ gguf: String, _ format: WeightFormat, _ loop: ExportLoop, _ writer: GGUFWriter) throws(ModelFileError) {
    let tensor = try folded(name, shape: shape)
    let headSize = model.configuration.headSize
    let isPaired = GGUFNames(family: model.configuration.family).pairedHeads(gguf: gguf, model.configuration) != nil
    guard shape.count == 2 else {
      var floats = tensor.floats(rows: 0..<1)
      if isPaired { floats = floats.indices.map { floats[GGUFNames.halvedRow($0, headSize: headSize)] } }
      return try writer.write(floats, of: gguf)
    }
    let halved: @Sendable (Int) -> Int = { GGUFNames.halvedRow($0, headSize: headSize) }
    try loop.run(tensor, as: .weight(format), rowOrder: isPaired ? halved : nil) { (bytes, offset) throws(ModelFileError) in try writer.write(bytes, of: gguf, at: offset) }
  }

  private func format(_ name: String, shape: [Int], module: String, asked: WeightFormat?) throws(ModelFileError) -> WeightFormat {
    guard shape.count == 2 else { return .f32 }
    let columns = shape[1]
    guard var format = asked else {
      guard let own = try model.weights.matrix(name)?.format else { return .f16 }
      if !isChanged(name) || WeightFormat.writable.contains(own) { return own }
      return WeightFormat.q8_0.rowSize(columns: columns) == nil ? .f16 : .q8_0
    }
    let isLarge = module == "token_embd" || module == "output"
    if isLarge, [.q4_0, .q4_1, .q5_0].contains(format) { format = .q8_0 }
    return format.rowSize(columns: columns) == nil ? .f16 : format
  }
}

extension GGUFWriter {
  /// Writes a whole tensor of float32.
  func write(_ floats: [Float], of name: String) throws(ModelFileError) {
    let result: Result<Void, ModelFileError> = floats.withUnsafeBytes { bytes in
      do throws(ModelFileError) { return .success(try write(bytes, of: name, at: 0)) } catch { return .failure(error) }
    }
    try result.get()
  }
}

extension RotaryEmbedding {
  /// `rope_freqs.weight`, by which llama.cpp divides the frequencies; nil where nothing is divided, or everything alike.
  func tensorOfDivisors(headSize: Int) -> [Float]? {
    guard case .llama3 = scaling else { return nil }
    return (0..<headSize / 2).map { Float(scaling.divisor(pair: $0, pairs: headSize / 2, theta: theta)) }
  }
}
