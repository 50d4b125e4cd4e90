// Times what is done for each token besides the model: sampling from 152,064 scores, and the mask of a JSON schema.
// swift run -c release centram-sampling-bench
import CentramModel
import Foundation

let vocabulary = 152_064

/// Sums of twelve uniform numbers: near enough to a normal distribution.
struct Noise {
  private var state: UInt64 = 1
  mutating func draw() -> Float {
    var sum: Float = 0
    for _ in 0..<12 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      sum += Float(state >> 40) / 16_777_216
    }
    return sum - 6
  }
}

/// The best of some rounds, in milliseconds.
func best(_ rounds: Int = 50, _ work: (Int) throws -> Void) rethrows -> Double {
  var least = Double.infinity
  for round in 0..<rounds {
    let start = ProcessInfo.processInfo.systemUptime
    try work(round)
    least = min(least, ProcessInfo.processInfo.systemUptime - start)
  }
  return least * 1000
}

var noise = Noise()
let logits = (0..<vocabulary).map { _ in noise.draw() * 3 }
let cases: [(String, (inout SamplingParameters) -> Void)] = [
  ("greedy", { _ in }), ("temperature 1", { $0.temperature = 1 }), ("top-k 40, top-p 0.95, min-p 0.05", { ($0.temperature, $0.topK, $0.topP, $0.minP) = (0.8, 40, 0.95, 0.05) }),
  ("top-p 0.95", { ($0.temperature, $0.topP) = (1, 0.95) }), ("top-k 10,000", { ($0.temperature, $0.topK) = (1, 10_000) }),
  ("temperature 1, 20 log-probabilities", { ($0.temperature, $0.topLogProbabilities) = (1, 20) }),
]
for (name, change) in cases {
  var parameters = SamplingParameters()
  change(&parameters)
  var sampler = try Sampler(parameters)
  let time = try logits.withUnsafeBufferPointer { logits in try best { _ = try sampler.sample(logits, position: $0) } }
  print("\(name): \(String(format: "%.3f", time)) ms")
}

let pieces = (0..<vocabulary).map { index -> [UInt8] in
  if index < 256 { return [UInt8(index)] }
  let letters = Array(" etaoinshrdlu\"{}[]:,0123456789\n".utf8)
  return (0..<(2 + index % 7)).map { _ in letters[Int(abs(noise.draw()) * 16) % letters.count] }
}
let schema =
  #"{"type":"object","properties":{"name":{"type":"string"},"note":{"type":"string","maxLength":200},"age":{"type":"integer","minimum":0,"maximum":150}},"required":["name","note","age"]}"#
var tree = TokenTree([])
print("tree of the vocabulary: \(String(format: "%.0f", best(3) { _ in tree = TokenTree(pieces) })) ms")
let grammar = try JSONGrammar(schema: Array(schema.utf8))
for (name, text) in [
  ("start", ""), ("inside a string", "{\"name\": \"a"), ("inside a string with a limit", "{\"name\": \"a\", \"note\": \"abc"),
  ("inside an integer", "{\"name\": \"a\", \"note\": \"\", \"age\": 1"),
] {
  let first = try best(5) { _ in
    let matcher = GrammarMatcher(grammar, tokens: tree, endTokens: [])
    var constraint = try GrammarConstraint(matcher)
    for byte in text.utf8 { try constraint.accept(Int32(byte)) }
    _ = try constraint.allowed()
  }
  var constraint = try GrammarConstraint(GrammarMatcher(grammar, tokens: tree, endTokens: []))
  for byte in text.utf8 { try constraint.accept(Int32(byte)) }
  let again = try best { _ in _ = try constraint.allowed() }
  print("mask, \(name): \(String(format: "%.2f", first)) ms, known \(String(format: "%.3f", again)) ms")
}
