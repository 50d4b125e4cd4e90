extension AdapterWeights {
  /// Collects an adapter's factors under the places of a model's matrices.
  struct Builder {
    static let linears = ModelFamily.Linear.allCases.count

    let name: String
    let model: LanguageModel
    private(set) var factors: [Factors?]
    private(set) var buffers: [FloatBuffer] = []
    private let places: [String: (layer: Int, linear: ModelFamily.Linear)]

    init(name: String, model: LanguageModel) {
      (self.name, self.model) = (name, model)
      factors = Array(repeating: nil, count: model.layers.count * Self.linears)
      var places: [String: (layer: Int, linear: ModelFamily.Linear)] = [:]
      let family = model.configuration.family
      for layer in 0..<model.configuration.layers {
        for linear in family.linears {
          if let module = family.name(linear, layer: layer) { places[module] = (layer, linear) }
        }
      }
      self.places = places
    }

    /// Where a module's factors go; nil where another machine runs its layer.
    /// - Throws: `.malformed` for a module that the model lacks or that has another shape there, or that comes twice.
    func slot(_ module: String, outputs: Int, inputs: Int) throws(ModelFileError) -> Int? {
      guard let place = places[module] else {
        let near = EditDistance.nearest(module, among: places.keys).map { "; nearest: \($0)" } ?? ""
        throw ModelFileError(.malformed, "\(name): the model \(model.path) has no module \(module.prefix(200)) to adapt\(near)")
      }
      let shape = model.configuration.shape(place.linear)
      guard shape.outputs == outputs, shape.inputs == inputs else {
        throw ModelFileError(
          .malformed, "\(name): \(module) is \(outputs) × \(inputs) in the adapter, but \(shape.outputs) × \(shape.inputs) in the model \(model.path)")
      }
      guard model.layers.contains(place.layer) else { return nil }
      let slot = (place.layer - model.layers.lowerBound) * Self.linears + place.linear.index
      guard factors[slot] == nil else { throw ModelFileError(.malformed, "\(name): the module \(module) comes twice") }
      return slot
    }

    mutating func add(_ slot: Int, outputs: Int, inputs: Int, rank: Int, a: [Float], b: [Float], scale: Double) {
      guard rank > 0 else { return }
      let padded = (rank + 15) / 16 * 16
      let (left, right) = (FloatBuffer(count: padded * inputs), FloatBuffer(count: outputs * padded))
      left.base.update(repeating: 0, count: left.count)
      right.base.update(repeating: 0, count: right.count)
      a.withUnsafeBufferPointer { left.base.update(from: $0.baseAddress!, count: rank * inputs) }
      b.withUnsafeBufferPointer { source in
        for output in 0..<outputs { (right.base + output * padded).update(from: source.baseAddress! + output * rank, count: rank) }
      }
      buffers += [left, right]
      factors[slot] = Factors(
        inputs: inputs, outputs: outputs, rank: rank, paddedRank: padded, a: UnsafePointer(left.base), b: UnsafePointer(right.base), scale: scale)
    }
  }
}

/// Finds the name that a wrong one was most likely meant to be.
enum EditDistance {
  /// The candidate with the fewest insertions, deletions and replacements, the first in order of equal ones; nil where more
  /// than a third of the letters differ.
  static func nearest(_ name: String, among candidates: some Sequence<String>) -> String? {
    let wanted = Array(name.utf8.prefix(200))
    var best: (name: String, distance: Int)?
    for candidate in candidates {
      let letters = Array(candidate.utf8.prefix(200))
      let limit = max(1, max(wanted.count, letters.count) / 3)
      guard abs(wanted.count - letters.count) <= limit else { continue }
      let distance = distance(wanted, letters)
      guard distance <= limit else { continue }
      if let found = best, (found.distance, found.name) <= (distance, candidate) { continue }
      best = (candidate, distance)
    }
    return best?.name
  }

  private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var last = Array(0...b.count)
    for i in a.indices {
      var row = [i + 1]
      row.reserveCapacity(b.count + 1)
      for j in b.indices { row.append(min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))) }
      last = row
    }
    return last[b.count]
  }
}
