import CentramGenome
import GateCorpus
import Testing

@Suite struct WeightsTests {
  private func view<Value>(_ bytes: [UInt8], limit: Int = SafetensorsView.maximumHeaderLength, _ body: (SafetensorsView) -> Value) throws(GenomeError) -> Value {
    let result: Result<Value, GenomeError> = bytes.withUnsafeBytes { lent in
      do throws(GenomeError) { return .success(body(try SafetensorsView(lent, maximumHeaderLength: limit))) } catch { return .failure(error) }
    }
    return try result.get()
  }
  private func refusal(_ bytes: [UInt8], limit: Int = SafetensorsView.maximumHeaderLength) -> GenomeError? {
    thrown { () throws(GenomeError) in try view(bytes, limit: limit) { _ in 0 } }
  }
  private func header(_ text: String, _ data: Int) -> [UInt8] { SafetensorsText.file(header: text, data: Array(repeating: 0, count: data)) }

  @Test func readsEachElementType() throws {
    let file = SafetensorsText.file([
      .init("a", [2], [1.5, -2]), .init("b", "F16", [2], [0x00, 0x3e, 0x00, 0xc0]), .init("c", "BF16", [2], [0xc0, 0x3f, 0x00, 0xc0]),
    ])
    let floats = try view(file) { view in view.tensors.map { view.floats(of: $0) } }
    #expect(floats == [[1.5, -2], [1.5, -2], [1.5, -2]])
  }

  @Test func findsWhatIsNotFinite() throws {
    for (type, bad) in [("F32", [0, 0, 0x80, 0x7f]), ("F32", [1, 0, 0xc0, 0xff]), ("F16", [0, 0x7c]), ("F16", [1, 0xfe]), ("BF16", [0x80, 0x7f])] as [(String, [UInt8])] {
      for place in [0, 1023, 1024, 2999] {
        var bytes = [UInt8](repeating: 0, count: 3000 * bad.count)
        bytes.replaceSubrange(place * bad.count..<(place + 1) * bad.count, with: bad)
        let found = try view(SafetensorsText.file([.init("x", type, [3000], bytes)])) { $0.firstNotFinite(in: $0.tensors[0]) }
        #expect(found == place, "\(type) \(place)")
      }
    }
    let largest = try view(SafetensorsText.file([.init("x", [2], [.greatestFiniteMagnitude, -.greatestFiniteMagnitude])])) { $0.firstNotFinite(in: $0.tensors[0]) }
    #expect(largest == nil)
  }

  @Test(arguments: [
    (#"{"x":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}"#, 8, GenomeError.Code.unsupported), (#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}"#, 8, .malformed),
    (#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, 8, .malformed), (#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, 4, .malformed),
    (#"{"x":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}"#, 0, .malformed), (#"{"x":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, 4, .malformed),
    (#"{"x":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}"#, 4, .malformed), (#"{"x":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}"#, 4, .outOfRange),
    (#"{"x":{"dtype":"F32","shape":[1,1,1,1,1],"data_offsets":[0,4]}}"#, 4, .outOfRange), (#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}"#, 4, .outOfRange),
    (#"{"x":{"dtype":"F32","shape":[1]}}"#, 4, .missingKey), (#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"extra":1}}"#, 4, .unknownKey),
    (#"{"x":{"dtype":"F32","shape":[9223372036854775807,4],"data_offsets":[0,4]}}"#, 4, .malformed), (#"{"":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 4, .tooLarge),
    (#"{"__metadata__":{"a":1}}"#, 0, .malformed), (#"{"__metadata__":[]}"#, 0, .malformed), (" {}", 0, .malformed), ("[]", 0, .malformed), ("{}", 1, .malformed),
  ]) func refusesWhatIsNoGoodFile(text: String, data: Int, code: GenomeError.Code) { #expect(refusal(header(text, data))?.code == code, "\(text)") }

  @Test func theHeaderHasItsLimit() {
    let text = "{" + String(repeating: " ", count: 998) + "}"
    #expect(refusal(header(text, 0), limit: 1000) == nil)
    #expect(refusal(header(text, 0), limit: 999)?.code == .tooLarge)
    #expect(refusal(Array(header(text, 0).dropLast()))?.code == .malformed)
    #expect(refusal([1, 2, 3])?.code == .malformed && refusal([])?.code == .malformed)
  }

  private func settings(_ text: String) -> GenomeError? { thrown { () throws(GenomeError) in try AdapterSettings(parsing: Array(text.utf8)) } }

  @Test func readsSettingsAsPEFTWritesThem() throws {
    let text = """
      {"peft_type":"LORA","r":4,"lora_alpha":8,"bias":"none","use_rslora":false,"rank_pattern":{"layers.0.q_proj":2},"alpha_pattern":{"q_proj":3.5},
      "auto_mapping":{"base_model_class":"LlamaForCausalLM","parent_library":"transformers.models.llama.modeling_llama"},"loftq_config":{},"lora_bias":false,
      "kasa_config":null,"qalora_group_size":16,"megatron_core":"megatron.core","revision":null}
      """
    let settings = try AdapterSettings(parsing: Array(text.utf8))
    #expect(settings.rank(of: "model.layers.0.q_proj") == 2 && settings.rank(of: "model.layers.1.q_proj") == 4 && settings.rank(of: "xlayers.0.q_proj") == 4)
    #expect(settings.scale(of: "model.layers.0.q_proj") == 1.75 && settings.scale(of: "model.layers.0.up_proj") == 2)
    let root = try AdapterSettings(parsing: Array(#"{"peft_type":"LORA","r":4,"lora_alpha":8,"use_rslora":true}"#.utf8))
    #expect(root.scale(of: "x") == 4)
  }

  @Test(arguments: [
    (#""peft_type":"LOHA","r":4,"lora_alpha":8"#, GenomeError.Code.unsupported), (#""peft_type":"LORA","lora_alpha":8"#, .missingKey),
    (#""peft_type":"LORA","r":0,"lora_alpha":8"#, .outOfRange), (#""peft_type":"LORA","r":4,"lora_alpha":1e10"#, .outOfRange),
    (#""peft_type":"LORA","r":4,"lora_alpha":8,"use_dora":true"#, .unsupported), (#""peft_type":"LORA","r":4,"lora_alpha":8,"bias":"all"#, .malformed),
    (#""peft_type":"LORA","r":4,"lora_alpha":8,"bias":"all""#, .unsupported), (#""peft_type":"LORA","r":4,"lora_alpha":8,"modules_to_save":["lm_head"]"#, .unsupported),
    (#""peft_type":"LORA","r":4,"lora_alpha":8,"new_feature":1"#, .unsupported), (#""peft_type":"LORA","r":4,"lora_alpha":8,"init_lora_weights":"pissa""#, .unsupported),
    (#""peft_type":"LORA","r":4,"lora_alpha":8,"auto_mapping":{"parent_library":"os"}"#, .unsupported),
    (#""peft_type":"LORA","r":4,"lora_alpha":8,"rank_pattern":{"a.*":2}"#, .unsupported), (#""peft_type":"LORA","r":4,"lora_alpha":8,"rank_pattern":{"a":0}"#, .outOfRange),
    (#""peft_type":"LORA","r":4,"lora_alpha":8,"rank_pattern":{"a.b":2,"b":3}"#, .unsupported), (#""peft_type":"LORA","r":4,"lora_alpha":8,"use_rslora":1"#, .wrongType),
  ]) func refusesSettingsThatMeanSomethingElse(members: String, code: GenomeError.Code) { #expect(settings("{\(members)}")?.code == code, "\(members)") }

  @Test func factorsAreFoundByModule() throws {
    let shape = CorpusShape.small, factors = shape.factors(seed: 3), weights = shape.weights(factors)
    let found: Result<[(String, [Float], [Float])], GenomeError> = weights.withUnsafeBytes { lent in
      do throws(GenomeError) {
        let adapter = try AdapterMatrices(configuration: shape.configuration(), weights: lent)
        return .success(adapter.pairs.map { ($0.module, adapter.factors(of: $0).a, adapter.factors(of: $0).b) })
      } catch { return .failure(error) }
    }
    let pairs = try found.get()
    #expect(pairs.map(\.0) == shape.modules.map(\.name).sorted())
    for (module, a, b) in pairs {
      let original = try #require(factors.first { $0.module.name == module })
      #expect(a == original.a && b == original.b)
    }
  }
}
