extension Manifest {
  /// The manifest's text, to be signed once and then kept as it is. Metrics are written in the order of their names.
  /// - Throws: what a reader would refuse it for, so that nothing is signed that nobody takes.
  public func encoded() throws(GenomeError) -> [UInt8] {
    for metric in metrics where !metric.value.isFinite { throw GenomeError(.notFinite, "manifest.metrics.\(GenomeError.shown(metric.name)) is \(metric.value)") }
    for (name, value) in privacy?.numbers ?? [] where !value.isFinite { throw GenomeError(.notFinite, "manifest.privacy.\(name) is \(value)") }
    let bytes = Array(JSONValue.object(members).text.utf8)
    _ = try Manifest(parsing: bytes)
    return bytes
  }

  private var members: [JSONValue.Member] {
    func number(_ value: some BinaryInteger) -> JSONValue { .number("\(value)") }
    let files = files.map { file in
      JSONValue.object([
        .init("name", .string(file.name)), .init("size", number(file.size)), .init("sha256", .string(file.sha256)), .init("chunkSize", number(file.chunkSize)),
        .init("chunks", .string(file.chunks)),
      ])
    }
    var members: [JSONValue.Member] = [
      .init("schema", number(Self.schema)), .init("id", .string(id)), .init("base", .string(base)), .init("kind", .string(kind.rawValue)), .init("files", .array(files)),
      .init("parents", .array(parents.map { .object([.init("id", .string($0.id)), .init("weight", number($0.weight))]) })),
    ]
    if let recipe {
      members.append(
        .init(
          "recipe",
          .object([.init("operator", .string(recipe.operator)), .init("version", .string(recipe.version)), .init("parameters", .object(recipe.parameters))])))
    }
    members += [.init("generation", number(generation)), .init("author", .string(author)), .init("sequence", number(sequence))]
    if let previous { members.append(.init("previous", .string(previous))) }
    members += [
      .init("madeMilliseconds", number(madeMilliseconds)), .init("domain", .string(domain)),
      .init("trainer", .object([.init("id", .string(trainer.id)), .init("version", .string(trainer.version))])),
      .init("metrics", .object(metrics.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }.map { .init($0.name, .number("\($0.value)")) })),
    ]
    if let privacy {
      members.append(
        .init(
          "privacy",
          .object(
            privacy.numbers.map { .init($0.name, .number("\($0.value)")) } + [
              .init("steps", number(privacy.steps)), .init("mechanism", .string(privacy.mechanism)), .init("sampling", .string(privacy.sampling)),
            ])))
    }
    return members + [.init("license", .string(license)), .init("agent", .string(agent))]
  }
}

extension Manifest.Privacy {
  fileprivate var numbers: [(name: String, value: Double)] {
    [("epsilon", epsilon), ("delta", delta), ("noiseMultiplier", noiseMultiplier), ("sampleRate", sampleRate), ("clippingNorm", clippingNorm)]
  }
}
