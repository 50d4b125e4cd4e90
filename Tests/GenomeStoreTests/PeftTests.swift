import CentramNode
import Foundation
import Testing

/// Asks the real PEFT. Needs a Python with peft, transformers and torch in CENTRAM_TEST_PYTHON.
@Suite struct PeftTests {
  static let python = ProcessInfo.processInfo.environment["CENTRAM_TEST_PYTHON"]

  /// A tiny model and an adapter of PEFT's own; later, what an exported genome of that adapter computes beside the adapter itself.
  static let make = """
    import sys, torch
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig, LlamaForCausalLM
    torch.manual_seed(1)
    model = LlamaForCausalLM(LlamaConfig(vocab_size=64, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2))
    model.save_pretrained(sys.argv[1])
    model = get_peft_model(LlamaForCausalLM.from_pretrained(sys.argv[1]), LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "down_proj"], init_lora_weights=False))
    model.save_pretrained(sys.argv[2])
    """
  static let compare = """
    import sys, torch, warnings
    from peft import PeftModel
    from transformers import AutoModelForCausalLM
    rows, logits = torch.arange(20).reshape(1, 20), []
    for adapter in sys.argv[2:]:
        model = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32)
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            model = PeftModel.from_pretrained(model, adapter).eval()
        with torch.no_grad():
            logits.append(model(rows).logits)
    assert torch.equal(logits[0], logits[1])
    print("equal")
    """

  private func run(_ script: String, _ arguments: String...) throws -> String {
    let process = Process(), output = Pipe(), errors = Pipe()
    (process.executableURL, process.arguments) = (URL(fileURLWithPath: try #require(Self.python)), ["-c", script] + arguments)
    (process.standardOutput, process.standardError) = (output, errors)
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile(), complaint = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "\(String(decoding: complaint.suffix(2000), as: UTF8.self))")
    return String(decoding: text, as: UTF8.self)
  }

  @Test(.enabled(if: python != nil, "set CENTRAM_TEST_PYTHON to a Python with peft, transformers and torch")) func anExportedGenomeLoadsInPeft() throws {
    let home = try Home()
    _ = try run(Self.make, home("base"), home("adapter"))
    let record = try home.library.create(home("adapter"), GenomeDescription())
    try home.library.export(record, to: home("genome"))
    let answer = try run(Self.compare, home("base"), home("adapter"), home("genome"))
    #expect(answer == "equal\n")
  }
}
