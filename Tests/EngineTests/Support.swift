import CModelKernels
import CentramModel
import ModelGoldens

extension Golden {
  static func adapter(_ name: String, _ model: LanguageModel) throws -> AdapterWeights { try AdapterWeights(Adapter(folder: path(name)), model: model) }

  /// What golden.json of a tiny model says.
  struct Text: Decodable {
    let ids: [Int32]
    let greedy: [Int32]
  }
  static func text(_ name: String) throws -> Text { try json(right(name, "golden.json"), as: Text.self) }
}

extension Engine {
  /// All logits of a text from its beginning.
  func logits(_ tokens: [Int32], adapters: [AppliedAdapter] = []) throws -> [Float] {
    let logits = try step([StepInput(tokens: tokens, cache: KeyValueCache(model: model), adapters: adapters, logits: .all)])
    return (0..<logits.count).flatMap { Array(logits[$0]) }
  }

  func greedy(_ prompt: [Int32], count: Int) throws -> [Int32] {
    let cache = try KeyValueCache(model: model)
    var (tokens, next) = ([Int32](), prompt)
    for _ in 0..<count {
      next = [argmax(try step([StepInput(tokens: next, cache: cache)]).last(of: 0))]
      tokens += next
    }
    return tokens
  }
}

/// The first of the largest.
func argmax(_ logits: UnsafeMutableBufferPointer<Float>) -> Int32 { Int32(mk_arg_max(logits.baseAddress, logits.count)) }
