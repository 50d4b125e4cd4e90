/// The trained numbers of an engine: values, gradients, and where each tensor lies in both. Tensors start on cache lines.
final class ParameterStorage {
  struct Entry {
    let name: String
    let shape: [Int]
    let offset: Int
    let isTrained: Bool
    var count: Int { shape.reduce(1, *) }
  }

  let entries: [Entry]
  let values: FloatBuffer
  let gradients: FloatBuffer
  var count: Int { values.count }

  init(_ plan: ParameterPlan) {
    entries = plan.entries
    values = FloatBuffer(count: plan.count)
    gradients = FloatBuffer(count: plan.count)
    values.base.update(repeating: 0, count: plan.count)
    gradients.base.update(repeating: 0, count: plan.count)
  }

  var tensors: [TrainingTensor] {
    entries.map { TrainingTensor(name: $0.name, shape: $0.shape, values: values.base + $0.offset, gradients: gradients.base + $0.offset, isTrained: $0.isTrained) }
  }
}

/// Tensors in their order, before memory is there.
struct ParameterPlan {
  private(set) var entries: [ParameterStorage.Entry] = []
  private(set) var count = 0

  /// - Returns: the entry's number.
  mutating func add(_ name: String, _ shape: [Int], isTrained: Bool = true) -> Int {
    entries.append(ParameterStorage.Entry(name: name, shape: shape, offset: count, isTrained: isTrained))
    count += (entries[entries.count - 1].count + 15) / 16 * 16
    return entries.count - 1
  }
}
