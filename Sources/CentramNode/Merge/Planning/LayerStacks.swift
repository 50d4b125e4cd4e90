/// How a model's tensors are divided into numbered layers and the rest.
struct LayerStacks {
  /// By stack and layer: the tails of the names.
  private(set) var tails: [String: [Int: Set<String>]] = [:]
  /// The names outside all layers.
  private(set) var rest: Set<String> = []

  init(_ catalog: TensorCatalog) {
    var others: [String] = []
    for name in catalog.entries.keys {
      if let layered = TensorName.layered(name) { insert(layered) } else { others.append(name) }
    }
    rest = Set(others)
    guard tails.isEmpty else { return }
    // No word that is known: then the numbers that most tensors have, if they count from 0 without a gap.
    var candidates: [String: [(String, TensorName.Layered)]] = [:]
    for name in others {
      if let layered = TensorName.layered(name, { _ in true }) { candidates[layered.stack, default: []].append((name, layered)) }
    }
    let best = candidates.filter { Set($0.value.map(\.1.layer)) == Set(0..<Set($0.value.map(\.1.layer)).count) }
      .max { ($0.value.count, $1.key) < ($1.value.count, $0.key) }
    guard let best, best.value.count > 1 else { return }
    for (name, layered) in best.value {
      insert(layered)
      rest.remove(name)
    }
  }

  private mutating func insert(_ layered: TensorName.Layered) {
    tails[layered.stack, default: [:]][layered.layer, default: []].insert(layered.tail)
  }

  var names: [String] { tails.keys.sorted(by: TensorName.naturallyPrecedes) }

  /// The numbers of a stack's layers, in no order.
  func layers(_ stack: String) -> [Int] { tails[stack].map { Array($0.keys) } ?? [] }

  /// How many layers a stack has: one more than its highest number.
  func count(_ stack: String) -> Int { (tails[stack]?.keys.max() ?? -1) + 1 }

  /// The number of layers of the largest stack.
  var largest: Int { tails.keys.map(count).max() ?? 0 }
}
