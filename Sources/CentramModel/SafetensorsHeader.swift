/// The JSON header of a safetensors file, with what can be checked without the data.
struct SafetensorsHeader {
  /// In the order of the data.
  private(set) var tensors: [SafetensorsFile.Tensor] = []
  private(set) var metadata: [String: String] = [:]

  init(_ bytes: UnsafeRawBufferPointer) throws(StrictJSON.Failure) {
    var json = StrictJSON(bytes)
    var found: [SafetensorsFile.Tensor] = []
    var strings: [String: String] = [:]
    try json.object { (json, name) throws(StrictJSON.Failure) in
      if name == "__metadata__" {
        try json.object { (json, key) throws(StrictJSON.Failure) in strings[key] = try json.string() }
      } else {
        found.append(try Self.tensor(name, &json))
      }
    }
    try json.end()
    tensors = found.sorted { ($0.range.lowerBound, $0.range.upperBound, $0.name) < ($1.range.lowerBound, $1.range.upperBound, $1.name) }
    metadata = strings
  }

  private static func tensor(_ name: String, _ json: inout StrictJSON) throws(StrictJSON.Failure) -> SafetensorsFile.Tensor {
    var format: NumberFormat?
    var shape: [Int]?
    var offsets: [Int]?
    let start = json.position
    func failure(_ message: String) -> StrictJSON.Failure { .init(message: "\(name.prefix(200)): \(message)", position: start) }
    func integers(_ json: inout StrictJSON, atMost limit: Int, _ what: String) throws(StrictJSON.Failure) -> [Int] {
      var list: [Int] = []
      try json.array { (json) throws(StrictJSON.Failure) in
        guard list.count < limit else { throw failure("more than \(limit) \(what)") }
        list.append(try json.integer())
      }
      return list
    }
    try json.object { (json, key) throws(StrictJSON.Failure) in
      switch key {
      case "dtype":
        let text = try json.string()
        guard let known = NumberFormat(rawValue: text) else { throw failure("the dtype \(text.prefix(40)) is unknown") }
        format = known
      case "shape": shape = try integers(&json, atMost: SafetensorsFile.maximumRank, "axes")
      case "data_offsets": offsets = try integers(&json, atMost: 2, "offsets")
      default: throw failure("the key \"\(key.prefix(40))\" is unknown")
      }
    }
    guard let format, let shape, let offsets else { throw failure("dtype, shape and data_offsets are all needed") }
    guard offsets.count == 2, offsets[0] <= offsets[1] else { throw failure("the offsets \(offsets) are no range") }
    var bytes = format.size
    for extent in shape {
      let (product, overflow) = bytes.multipliedReportingOverflow(by: extent)
      guard !overflow else { throw failure("the shape \(shape) overflows") }
      bytes = product
    }
    guard bytes == offsets[1] - offsets[0] else {
      throw failure("\(offsets[1] - offsets[0]) bytes do not make \(format.rawValue) of shape \(shape)")
    }
    return .init(name: name, format: format, shape: shape, range: offsets[0]..<offsets[1])
  }
}
