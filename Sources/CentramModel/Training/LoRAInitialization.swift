internal import CentramNumerics

extension LoRAConfiguration {
  /// A's first values, as PEFT's default draws them: uniform in ±1/√columns (He et al., 2015, with a = √5).
  static func draw(_ a: UnsafeMutablePointer<Float>, rank: Int, columns: Int, seed: UInt64, name: String) {
    let random = ElementRandom(seed: seed, name: name, stream: 0)
    let bound = 1 / Float(columns).squareRoot()
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 1024) { words in
      guard let base = words.baseAddress else { return }
      for start in stride(from: 0, to: rank * columns, by: 1024) {
        let count = min(1024, rank * columns - start)
        random.fill(base, index: start, count: count)
        for i in 0..<count { a[start + i] = (Float(base[i] >> 8) * 0x1p-23 - 1) * bound }
      }
    }
  }

  /// Whether a module gets factors: its whole name or its last parts are among the targets, or there are none.
  func includes(_ module: String) -> Bool {
    targets.isEmpty || targets == ["all-linear"] || targets.contains { module == $0 || module.hasSuffix("." + $0) }
  }

  /// - Throws: `.unsupported` for numbers that make no factors and for targets that no module has.
  func check(modules: [String], path: String) throws(ModelFileError) {
    func refuse(_ message: String) -> ModelFileError { ModelFileError(.unsupported, "\(path): LoRA cannot be trained: \(message)") }
    guard (1...4096).contains(rank) else { throw refuse("the rank is \(rank); 1 to 4096 are possible") }
    guard alpha.isFinite, alpha > 0 else { throw refuse("alpha is \(alpha); a positive number is needed") }
    guard dropout >= 0, dropout < 1 else { throw refuse("dropout is \(dropout); from 0 to below 1 is possible") }
    for target in targets where target != "all-linear" && !modules.contains(where: { $0 == target || $0.hasSuffix("." + target) }) {
      let known = Set(modules.compactMap { $0.split(separator: ".").last.map(String.init) }).sorted().joined(separator: ", ")
      throw refuse("no matrix of the blocks is called \(target); there are \(known)")
    }
  }
}
