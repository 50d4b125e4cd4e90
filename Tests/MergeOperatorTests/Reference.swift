import CentramPluginAPI
import Foundation

/// Every method in plain double precision, straight from the formulas, whole tensors at a time: what the operators are
/// judged against. Random methods take the masks to use.
struct Reference {
  let inputs: [[Double]]
  let shape: [Int]
  let base: Int?
  let parameters: Parameters
  /// For each input that is not the base.
  var masks: [[UInt8]] = []

  var count: Int { shape.reduce(1, *) }
  var row: Int { shape.last ?? 1 }
  var others: [Int] { inputs.indices.filter { $0 != base } }
  var b: [Double] { inputs[base!] }
  var deltas: [[Double]] { others.map { input in zip(inputs[input], b).map { $0 - $1 } } }

  func shared(_ name: String) -> Double { try! parameters.requiredNumber(name) }
  func each(_ name: String) -> [Double] { others.map { try! parameters.requiredNumber(name, input: $0) } }
  func flag(_ name: String) -> Bool { try! parameters.flag(name) }

  func merge(_ method: String) -> [Double] {
    switch method {
    case "linear": linear()
    case "passthrough": inputs[0].map { $0 * ((try! parameters.number("scale", input: 0)) ?? 1) }
    case "slerp": slerp(shared("t"), b, inputs[others[0]])
    case "nuslerp": nuslerp()
    case "multislerp": multislerp()
    case "karcher": karcher()
    case "model_stock": modelStock()
    case "task_arithmetic": sum(deltas, elects: false)
    case "ties": sum(zip(deltas, each("density")).map(trimmed), elects: true)
    case "dare_ties", "della": sum(masked(), elects: true)
    case "dare_linear", "della_linear": sum(masked(), elects: false)
    case "breadcrumbs": sum(crumbs(), elects: false)
    case "breadcrumbs_ties": sum(crumbs(), elects: true)
    case "sce": sce()
    case "arcee_fusion": fusion()
    case "nearswap": nearswap()
    case "ram": ram(amplifies: false)
    case "ramplus_tl": ram(amplifies: true)
    default: preconditionFailure("no method \(method)")
    }
  }

  // MARK: Sums of task vectors

  private func linear() -> [Double] {
    let weights = inputs.indices.map { try! parameters.requiredNumber("weight", input: $0) }
    let divisor = flag("normalize") ? weights.reduce(0, +) : 1
    return (0..<count).map { i in inputs.indices.reduce(0) { $0 + weights[$1] * inputs[$1][i] } / divisor }
  }

  private func rescaled(_ whole: [Double], _ kept: [Double]) -> [Double] {
    let before = whole.reduce(0) { $0 + abs($1) }, after = kept.reduce(0) { $0 + abs($1) }
    return flag("rescale") && after > 0 ? kept.map { $0 * before / after } : kept
  }

  private func trimmed(_ delta: [Double], _ density: Double) -> [Double] {
    if density >= 1 { return delta }
    if density <= 0 { return delta.map { _ in 0 } }
    let order = delta.indices.sorted { (abs(delta[$1]), $0) < (abs(delta[$0]), $1) }
    return kept(delta, order.prefix(max(1, Int(density * Double(count)))))
  }

  private func crumbs() -> [[Double]] {
    zip(deltas, zip(each("density"), each("gamma"))).map { delta, parameters in
      let (density, gamma) = parameters
      if density >= 1 { return delta }
      let keep = Int(density * Double(count)), top = Int(gamma * Double(count)), bottom = max(0, count - keep - top)
      let order = delta.indices.sorted { (abs(delta[$0]), $0) < (abs(delta[$1]), $1) }
      return kept(delta, order.dropFirst(bottom).prefix(keep))
    }
  }

  private func kept(_ delta: [Double], _ indices: ArraySlice<Int>) -> [Double] {
    var result = delta.map { _ in 0.0 }
    for index in indices { result[index] = delta[index] }
    return rescaled(delta, result)
  }

  private func masked() -> [[Double]] {
    zip(deltas, each("density")).enumerated().map { vector, pair in
      pair.1 >= 1 ? pair.0 : rescaled(pair.0, zip(pair.0, masks[vector]).map { $0 * Double($1) })
    }
  }

  func sum(_ deltas: [[Double]], elects: Bool) -> [Double] {
    let weights = each("weight"), all = weights.indices
    return (0..<count).map { i in
      let values = all.map { weights[$0] * deltas[$0][i] }
      let sign: Double = values.reduce(0, +) >= 0 ? 1 : -1
      let voters = elects ? all.filter { values[$0] * sign > 0 } : Array(all)
      var sum = voters.reduce(0) { $0 + values[$1] }, share = voters.reduce(0) { $0 + weights[$1] }
      if abs(share) < (elects ? .leastNonzeroMagnitude : 1e-8) { share = 1 }
      if flag("normalize") { sum /= share }
      return b[i] + shared("lambda") * sum
    }
  }

  // MARK: By element

  private func sce() -> [Double] {
    var deltas = deltas
    let n = Double(deltas.count), topk = shared("select_topk")
    if topk < 1 {
      let variance = (0..<count).map { i in
        let mean = deltas.reduce(0) { $0 + $1[i] } / n
        return deltas.reduce(0) { $0 + ($1[i] - mean) * ($1[i] - mean) } / n
      }
      let keep = Int(topk * Double(variance.count { $0 > 0 }))
      let order = variance.indices.sorted { (variance[$1], $0) < (variance[$0], $1) }
      let chosen = Set(order.prefix(keep))
      deltas = deltas.map { delta in delta.indices.map { chosen.contains($0) ? delta[$0] : 0 } }
    }
    let energy = deltas.map { $0.reduce(0) { $0 + $1 * $1 } }, total = energy.reduce(0, +)
    let weights = energy.map { total > 0 ? $0 / total : 1 / n }
    return (0..<count).map { i in
      let sign: Double = deltas.reduce(0) { $0 + $1[i] } >= 0 ? 1 : -1
      let voters = deltas.indices.filter { deltas[$0][i] * sign > 0 }
      let share = voters.reduce(0) { $0 + weights[$1] }
      return b[i] + (share == 0 ? 0 : voters.reduce(0) { $0 + weights[$1] * deltas[$1][i] } / share)
    }
  }

  private func fusion() -> [Double] {
    let x = inputs[others[0]]
    var importance: [Double] = []
    for start in stride(from: 0, to: count, by: row) {
      func softmax(_ v: ArraySlice<Double>) -> [Double] {
        let powers = v.map { exp($0 - v.max()!) }, sum = powers.reduce(0, +)
        return powers.map { $0 / sum + 1e-8 }
      }
      let p = softmax(x[start..<(start + row)]), q = softmax(b[start..<(start + row)])
      let divergence = zip(p, q).reduce(0) { $0 + $1.0 * log($1.0 / $1.1) }
      importance += (start..<(start + row)).map { abs(x[$0] - b[$0]) * divergence }
    }
    let sorted = importance.sorted(), last = count - 1
    let (q1, q2, q3) = (sorted[last / 4], sorted[last / 2], sorted[last * 3 / 4])
    return (0..<count).map { importance[$0] >= q2 + 1.5 * (q3 - q1) ? x[$0] : b[$0] }
  }

  private func nearswap() -> [Double] {
    zip(inputs[others[0]], b).map { x, b in
      let w = min(1, max(0, shared("t") / max(abs(b - x), 1e-6)))
      return w * x + (1 - w) * b
    }
  }

  private func ram(amplifies: Bool) -> [Double] {
    let deltas = deltas, epsilon = Double(Float(shared("epsilon")))
    let changed = (0..<count).map { i in deltas.indices.filter { abs(deltas[$0][i]) > epsilon } }
    var factors = deltas.map { _ in 1.0 }
    if amplifies {
      for input in deltas.indices {
        let mine = changed.filter { $0.contains(input) }
        let unique = Double(mine.count { $0.count == 1 }), together = Double(mine.count { $0.count > 1 })
        factors[input] = 1 + shared("r") * min(shared("alpha"), together / max(unique, shared("epsilon")))
      }
    }
    return (0..<count).map { i in
      let who = changed[i]
      if who.count == 1 { return b[i] + factors[who[0]] * deltas[who[0]][i] }
      return b[i] + who.reduce(0) { $0 + deltas[$1][i] } / Double(max(1, who.count))
    }
  }
}
