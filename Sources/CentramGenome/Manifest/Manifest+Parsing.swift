extension Manifest {
  static let keys = [
    "schema", "id", "base", "kind", "files", "parents", "recipe", "generation", "author", "sequence", "previous", "madeMilliseconds", "domain", "trainer", "metrics",
    "privacy", "license", "agent",
  ]

  /// Reads a manifest: every key known, of its type and within its limits. How values fit together is for `checkRelations`.
  /// - Parameter bytes: as signed.
  /// - Throws: with the key's place, its value and the limit.
  public init(parsing bytes: [UInt8]) throws(GenomeError) {
    guard bytes.count <= Self.maximumLength else {
      throw GenomeError(.tooLarge, "the manifest has \(bytes.count) bytes; \(Self.maximumLength) are allowed")
    }
    let root = try ObjectReader(try JSONValue(parsing: bytes, name: "manifest"), place: "manifest", keys: Self.keys)
    _ = try root.integer("schema", 1...1)
    id = try root.digest("id")
    base = try root.digest("base")
    let name = try root.text("kind", bytes: 1...32)
    guard let kind = GenomeKind(rawValue: name) else {
      throw GenomeError(.outOfRange, "manifest.kind is \"\(name)\"; there are \(GenomeKind.allCases.map(\.rawValue).joined(separator: " and "))")
    }
    self.kind = kind
    var files: [File] = []
    for (index, value) in try root.list("files", items: 1...Self.maximumFiles).enumerated() { files.append(try File(value, place: "manifest.files[\(index)]")) }
    for (one, next) in zip(files, files.dropFirst()) where !one.name.utf8.lexicographicallyPrecedes(next.name.utf8) {
      throw GenomeError(.inconsistent, "manifest.files is not sorted by name without repetition: \(one.name) stands before \(next.name)")
    }
    self.files = files
    var parents: [Parent] = []
    for (index, value) in try root.list("parents", items: 0...Self.maximumParents).enumerated() {
      let reader = try ObjectReader(value, place: "manifest.parents[\(index)]", keys: ["id", "weight"])
      parents.append(Parent(id: try reader.digest("id"), weight: Int(try reader.integer("weight", 0...Int64(Self.wholeWeight)))))
    }
    self.parents = parents
    recipe = try root.optional("recipe").map { (value) throws(GenomeError) in try Recipe(value) }
    generation = Int(try root.integer("generation", 0...Int64(Self.maximumGeneration)))
    author = try root.digest("author")
    sequence = try root.integer("sequence", 1...Self.maximumInteger)
    previous = root.optional("previous") == nil ? nil : try root.digest("previous")
    madeMilliseconds = try root.integer("madeMilliseconds", 1...Self.maximumInteger)
    domain = try root.text("domain", bytes: 1...128)
    let trainer = try ObjectReader(try root.required("trainer"), place: "manifest.trainer", keys: ["id", "version"])
    self.trainer = Trainer(id: try trainer.text("id", bytes: 1...128), version: try trainer.text("version", bytes: 1...64))
    var metrics: [Metric] = []
    for member in try root.table("metrics", items: 0...Self.maximumEntries, keyBytes: 1...128) {
      metrics.append(Metric(member.key, try ObjectReader.real(member.value, "manifest.metrics.\(GenomeError.shown(member.key))")))
    }
    self.metrics = metrics.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    privacy = try root.optional("privacy").map { (value) throws(GenomeError) in try Privacy(value) }
    license = try root.text("license", bytes: 1...128)
    agent = try root.text("agent", bytes: 1...128)
  }
}

extension Manifest.File {
  init(_ value: JSONValue, place: String) throws(GenomeError) {
    let reader = try ObjectReader(value, place: place, keys: ["name", "size", "sha256", "chunkSize", "chunks"])
    name = try reader.text("name", bytes: 1...128)
    guard Self.isName(name) else {
      throw GenomeError(.outOfRange, "\(place).name is \"\(GenomeError.shown(name))\"; letters, digits, '.', '-' and '_' are allowed, and no dot in front")
    }
    size = try reader.integer("size", 0...Manifest.maximumFileSize)
    sha256 = try reader.digest("sha256")
    chunkSize = Int(try reader.integer("chunkSize", 1...Int64(Manifest.maximumChunkSize)))
    chunks = try reader.digest("chunks")
  }

  /// Whether it names a file of the genome's own folder and nothing else.
  static func isName(_ name: String) -> Bool {
    name.utf8.first != UInt8(ascii: ".")
      && name.utf8.allSatisfy {
        (0x61...0x7a).contains($0) || (0x41...0x5a).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
      }
  }
}

extension Manifest.Recipe {
  init(_ value: JSONValue) throws(GenomeError) {
    let reader = try ObjectReader(value, place: "manifest.recipe", keys: ["operator", "version", "parameters"])
    `operator` = try reader.text("operator", bytes: 1...128)
    version = try reader.text("version", bytes: 1...64)
    parameters = try reader.table("parameters", items: 0...Manifest.maximumEntries, keyBytes: 1...128)
    for parameter in parameters {
      let place = "manifest.recipe.parameters.\(GenomeError.shown(parameter.key))"
      switch parameter.value {
      case .number: _ = try ObjectReader.real(parameter.value, place)
      case .string(let text) where text.utf8.count <= 1024: break
      case .string(let text): throw GenomeError(.outOfRange, "\(place) has \(text.utf8.count) bytes; 1024 are allowed")
      case .boolean: break
      default: throw GenomeError(.wrongType, "\(place) is \(parameter.value.typeName), not a number, a text, true or false")
      }
    }
  }
}

extension Manifest.Privacy {
  static let keys = ["epsilon", "delta", "noiseMultiplier", "sampleRate", "steps", "clippingNorm", "mechanism", "sampling"]

  init(_ value: JSONValue) throws(GenomeError) {
    let reader = try ObjectReader(value, place: "manifest.privacy", keys: Self.keys)
    epsilon = try reader.real("epsilon", 0 ... .greatestFiniteMagnitude)
    delta = try reader.real("delta", 0...1)
    noiseMultiplier = try reader.real("noiseMultiplier", 0 ... .greatestFiniteMagnitude)
    sampleRate = try reader.real("sampleRate", 0...1)
    steps = try reader.integer("steps", 0...1_000_000_000)
    clippingNorm = try reader.real("clippingNorm", 0 ... .greatestFiniteMagnitude)
    mechanism = try reader.text("mechanism", bytes: 1...64)
    sampling = try reader.text("sampling", bytes: 1...64)
  }
}
