import CentramModel
import Foundation
import Fuzzing
import Testing

@Suite struct ModelConfigurationTests {
  static func golden(_ name: String) throws -> ModelConfiguration {
    try ModelConfiguration(
      json: FormatFixtures.bytes("\(name)/config.json"), generation: FormatFixtures.bytes("\(name)/generation_config.json"), name: "\(name)/config.json")
  }

  static func expected(_ family: ModelFamily, heads: Int = 4, keyValueHeads: Int = 2, headSize: Int = 16, theta: Double, tied: Bool) -> ModelConfiguration {
    ModelConfiguration(
      family: family, layers: 3, hidden: heads * headSize, intermediate: 160, heads: heads, keyValueHeads: keyValueHeads, headSize: headSize, vocabulary: 320,
      contextLength: 256, normEpsilon: 1e-6, rope: .init(theta: theta), tiesEmbeddings: tied, hasAttentionBias: family == .qwen2,
      beginToken: family == .qwen2 ? nil : 1, endTokens: family == .qwen2 ? [] : [2])
  }

  @Test func readsWhatTransformersFiveWrites() throws {
    #expect(try Self.golden("llama-gqa") == Self.expected(.llama, theta: 10000, tied: false))
    #expect(try Self.golden("llama-tied-3heads") == Self.expected(.llama, heads: 3, keyValueHeads: 1, headSize: 32, theta: 100_000, tied: true))
    #expect(try Self.golden("qwen2-tied") == Self.expected(.qwen2, theta: 1_000_000, tied: true))
    #expect(try Self.golden("qwen2-untied") == Self.expected(.qwen2, theta: 10000, tied: false))
    let llama3 = try Self.golden("tiny/tiny-llama3")
    #expect(llama3.rope == .init(theta: 500_000, scaling: .llama3(factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 64)))
    #expect(llama3.endTokens == [511])
    #expect(llama3.beginToken == nil)
  }

  /// A configuration as older versions write it, with some of its members changed.
  static func old(_ changes: [String: String?] = [:]) -> [UInt8] {
    var members: [String: String] = [
      "model_type": "\"llama\"", "hidden_size": "64", "intermediate_size": "160", "num_hidden_layers": "2", "num_attention_heads": "4", "vocab_size": "320",
      "max_position_embeddings": "256", "rms_norm_eps": "1e-05", "hidden_act": "\"silu\"", "torch_dtype": "\"bfloat16\"", "rope_theta": "500000.0",
      "rope_scaling": "null", "bos_token_id": "1", "eos_token_id": "[2, 7, 7, -1, 320]", "tie_word_embeddings": "true",
    ]
    for (key, value) in changes { members[key] = value }
    return Array("{\(members.sorted(by: <).map { "\"\($0)\": \($1)" }.joined(separator: ", "))}".utf8)
  }

  @Test func readsWhatOlderVersionsWrite() throws {
    let model = try ModelConfiguration(json: Self.old())
    #expect(model.rope == .init(theta: 500_000))
    #expect(model.keyValueHeads == 4)
    #expect(model.headSize == 16)
    #expect(model.endTokens == [2, 7])
    #expect(model.tiesEmbeddings)
    #expect(!model.hasAttentionBias)
    #expect(try ModelConfiguration(json: Self.old(["head_dim": "32"])).headSize == 32)
    #expect(try ModelConfiguration(json: Self.old(["rope_scaling": #"{"type": "linear", "factor": 2}"#])).rope?.scaling == .linear(factor: 2))
    let llama3 = #"{"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}"#
    #expect(
      try ModelConfiguration(json: Self.old(["rope_scaling": llama3])).rope
        == .init(theta: 500_000, scaling: .llama3(factor: 32, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 8192)))
    #expect(try ModelConfiguration(json: Self.old(["rope_theta": nil, "rope_scaling": nil])).rope == .init(theta: 10000))
    #expect(try ModelConfiguration(json: Self.old(["eos_token_id": "5"])).endTokens == [5])
    #expect(try ModelConfiguration(json: Self.old(["eos_token_id": nil])).endTokens == [])
    #expect(try ModelConfiguration(json: Self.old(["attention_bias": "true"])).hasAttentionBias)
    #expect(try ModelConfiguration(json: Self.old(["model_type": "\"qwen2\""])).hasAttentionBias)
  }

  @Test func endTokensForGenerationCountFirst() throws {
    let json = Self.old()
    #expect(try ModelConfiguration(json: json, generation: Array(#"{"eos_token_id": [9, 8]}"#.utf8)).endTokens == [9, 8])
    #expect(try ModelConfiguration(json: json, generation: Array(#"{"temperature": 0.6}"#.utf8)).endTokens == [2, 7])
  }

  @Test func slidingWindowsThatNobodyUsesAreFine() throws {
    for changes: [String: String?] in [
      ["use_sliding_window": "false", "sliding_window": "32", "max_window_layers": "0"], ["use_sliding_window": "true", "sliding_window": "32", "max_window_layers": "2"],
      ["use_sliding_window": "true", "sliding_window": "256", "max_window_layers": "0"], ["layer_types": #"["full_attention", "full_attention"]"#],
    ] { _ = try ModelConfiguration(json: Self.old(changes.merging(["model_type": "\"qwen2\""]) { $1 })) }
  }

  static let unsupported: [(String, [String: String?])] = [
    ("supported are gpt-byte, llama, qwen2", ["model_type": "\"mixtral\""]),
    ("hidden_act \"gelu\" is not supported", ["hidden_act": "\"gelu\""]),
    ("mlp_bias true", ["mlp_bias": "true"]),
    ("quantization_config", ["quantization_config": #"{"quant_method": "gptq"}"#]),
    ("the rope type \"yarn\" is not supported; supported are default, linear and llama3", ["rope_scaling": #"{"rope_type": "yarn", "factor": 4.0}"#]),
    ("the rope type \"dynamic\"", ["rope_scaling": #"{"type": "dynamic", "factor": 4.0}"#]),
    ("parameters by kind of layer", ["rope_scaling": #"{"full_attention": {"rope_theta": 1}}"#]),
    ("partial_rotary_factor 0.5", ["partial_rotary_factor": "0.5"]),
    ("use_sliding_window with a window of 32", ["model_type": "\"qwen2\"", "use_sliding_window": "true", "sliding_window": "32", "max_window_layers": "1"]),
    ("only full_attention is supported", ["layer_types": #"["full_attention", "sliding_attention"]"#]),
  ]

  @Test(arguments: unsupported) func refusesWhatWouldComputeSomethingElse(reason: String, changes: [String: String?]) {
    let error = #expect(throws: ModelFileError.self) { _ = try ModelConfiguration(json: Self.old(changes), name: "dir/config.json") }
    #expect(error?.code == .unsupported)
    #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
    #expect(error?.message.hasPrefix("dir/config.json") == true)
  }

  static let malformed: [(String, [String: String?])] = [
    ("model_type is missing", ["model_type": nil]),
    ("vocab_size is missing", ["vocab_size": nil]),
    ("hidden_size is 0, not from 1 to 1048576", ["hidden_size": "0"]),
    ("hidden_size is 1048577, not from 1 to 1048576", ["hidden_size": "1048577"]),
    ("hidden_size is -64", ["hidden_size": "-64"]),
    ("hidden_size is 64.5, not a whole number", ["hidden_size": "64.5"]),
    ("hidden_size is not a number", ["hidden_size": "\"64\""]),
    ("num_hidden_layers is 1000000000000000000, not from 1 to 4096", ["num_hidden_layers": "1e18"]),
    ("num_hidden_layers is 1e+300, not a whole number", ["num_hidden_layers": "1e300"]),
    ("expected a value", ["num_hidden_layers": "1e400"]),
    ("expected a value", ["rms_norm_eps": "NaN"]),
    ("does not divide among 5 heads", ["num_attention_heads": "5"]),
    ("4 attention heads cannot share 3", ["num_key_value_heads": "3"]),
    ("4 attention heads cannot share 8", ["num_key_value_heads": "8"]),
    ("heads of 15 cannot be rotated", ["head_dim": "15"]),
    ("rope_theta is 0.0", ["rope_theta": "0"]),
    ("rms_norm_eps is -1.0", ["rms_norm_eps": "-1"]),
    ("factor is missing", ["rope_scaling": #"{"type": "linear"}"#]),
    ("factor is 0.5, not from 1.0", ["rope_scaling": #"{"type": "linear", "factor": 0.5}"#]),
    ("is not below high_freq_factor", ["rope_scaling": #"{"type": "llama3", "factor": 8, "low_freq_factor": 4, "high_freq_factor": 4}"#]),
    ("rope_scaling is not an object", ["rope_scaling": "4"]),
    ("eos_token_id holds something other than token ids", ["eos_token_id": "\"</s>\""]),
    ("eos_token_id holds something other than token ids", ["eos_token_id": "[1.5]"]),
    ("eos_token_id holds more than 64 ids", ["eos_token_id": "\(Array(0..<65))"]),
    ("tie_word_embeddings is neither true nor false", ["tie_word_embeddings": "1"]),
    ("layer_types is not a list", ["layer_types": "\"full_attention\""]),
    ("hidden_act is not a string", ["hidden_act": "1"]),
  ]

  @Test(arguments: malformed) func refusesWith(reason: String, changes: [String: String?]) {
    let error = #expect(throws: ModelFileError.self) { _ = try ModelConfiguration(json: Self.old(changes)) }
    #expect(error?.code == .malformed)
    #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
  }

  @Test func takesTheLimitsThemselves() throws {
    let model = try ModelConfiguration(
      json: Self.old(["hidden_size": "1048576", "head_dim": "4096", "num_hidden_layers": "4096", "vocab_size": "16777216", "eos_token_id": "\(Array(0..<64))"]))
    #expect(model.hidden == 1 << 20)
    #expect(model.parameterCount > 0)
  }

  @Test func refusesTextThatIsNoObject() {
    for text in ["", "[]", "3", "{", "{} {}", #"{"model_type": "llama", "model_type": "llama"}"#, String(repeating: "[", count: 100_000)] {
      #expect(throws: ModelFileError.self) { _ = try ModelConfiguration(json: Array(text.utf8)) }
    }
    let long = Array(#"{"a": ""#.utf8) + [UInt8](repeating: 0x61, count: 4 << 20) + Array("\"}".utf8)
    let error = #expect(throws: ModelFileError.self) { _ = try ModelConfiguration(json: long) }
    #expect(error?.message.contains("are more than 4194304") == true)
  }

  /// Values are exchanged for others of all kinds, and bytes anywhere are spoilt.
  @Test func survivesHostileConfigurations() throws {
    let fuzz = Fuzz("ModelConfigurationTests", rounds: 20_000)
    var random = fuzz.random
    let values = [
      "0", "-1", "1", "2", "4", "64", "1e18", "-1e18", "9223372036854775807", "9223372036854775808", "1e308", "0.5", "-0.0", "1e-320", "true", "false", "null",
      "\"\"", "\"x\"", "[]", "{}", "[[]]", "[-1]", #"{"rope_type": 3}"#, #"{"type": "llama3", "factor": 1e18}"#, #"{"rope_type": "linear", "factor": 1e6}"#, "\"qwen2\"",
      "\"gpt-byte\"",
    ]
    let keys = ["head_dim", "num_key_value_heads", "layer_types", "sliding_window", "use_sliding_window", "rope_parameters", "mlp_bias", "attention_bias", "layer_norm_eps"]
    let own = [
      "model_type", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "vocab_size", "max_position_embeddings", "rms_norm_eps", "rope_theta",
      "rope_scaling", "eos_token_id",
    ]
    var accepted = 0
    for round in 0..<fuzz.rounds {
      var changes: [String: String?] = [:]
      for _ in 0...Int.random(in: 0..<3, using: &random) {
        changes[(round % 2 == 0 ? keys : own).randomElement(using: &random)!] = values.randomElement(using: &random)!
      }
      var json = Self.old(changes)
      if round % 4 == 3 { json[Int.random(in: 0..<json.count, using: &random)] = UInt8.random(in: 0...255, using: &random) }
      do throws(ModelFileError) {
        let model = try ModelConfiguration(json: json, generation: json)
        if model.layers <= 64 { #expect(model.parameterCount > 0) }
        accepted += 1
      } catch {
        #expect(error.code == .malformed || error.code == .unsupported)
      }
    }
    #expect(accepted > fuzz.rounds / 200)
  }
}
