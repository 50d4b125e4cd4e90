internal import ArgumentParser
internal import CentramModel
internal import Foundation

extension ModelCommand {
  struct Export: ParsableCommand {
    enum Target: String, ExpressibleByArgument, CaseIterable {
      case safetensors, gguf
      case ggufLora = "gguf-lora"
    }

    static let configuration = CommandConfiguration(
      commandName: "export", abstract: "Writes a model, with adapters folded in, for other programs.",
      discussion: """
        safetensors: a Hugging Face folder, for transformers, vLLM and others. gguf: one file, for llama.cpp. gguf-lora: one adapter as a file for llama.cpp's \
        --lora, made for MODEL but without its weights.
        """)
    @Argument(help: "A model's name or path.", completion: .file()) var model: String
    @Argument(help: "The folder or file to write.", completion: .file()) var output: String
    @Option(help: "safetensors, gguf or gguf-lora.") var to: Target
    @Option(
      name: .customLong("adapter"),
      help: ArgumentHelp("An adapter's folder; a weight other than 1 behind a colon, as in folder:0.5. May be given again.", valueName: "folder[:weight]"))
    var adapters: [String] = []
    @Option(
      help: ArgumentHelp(
        "For safetensors float32, float16 or bfloat16; for gguf also q8_0, q5_0, q4_1 or q4_0; for gguf-lora float32, float16 or bfloat16. Default: as the model has it.",
        valueName: "format"))
    var dtype: String?
    @OptionGroup var options: StoreOptions
    @Flag(help: "Replace the output whatever it holds.") var force = false
    @Flag(help: "Print JSON.") var json = false
    @Flag(help: "No progress and no notes.") var quiet = false

    func run() throws {
      Interrupt.watch()
      try Terminal.reporting {
        let files = try ModelFiles(path: try options.store().location(model))
        let sides = try adapters.map(Self.side)
        let format = try dtype.map { try Self.format($0, for: to) }
        let line = StepLine("exporting", isShown: !quiet && !json)
        defer { line.finish() }
        var observer = ExportObserver()
        observer.progress = { line.show($0, of: $1) }
        observer.isCancelled = { Interrupt.isRequested }
        let report: ExportReport
        switch to {
        case .safetensors:
          report = try ModelExport(model: files, adapters: sides).writeSafetensors(
            to: output, format: format?.numberFormat, replaces: force, observer: observer)
        case .gguf: report = try ModelExport(model: files, adapters: sides).writeGGUF(to: output, format: format, replaces: force, observer: observer)
        case .ggufLora:
          guard sides.count == 1, sides[0].weight == 1 else {
            throw ModelFileError(.malformed, "--to gguf-lora takes one --adapter without a weight; llama.cpp's --lora-scaled gives it one")
          }
          report = try GGUFAdapterExport.write(sides[0].adapter, model: files.configuration, to: output, format: format ?? .f32, replaces: force)
        }
        line.finish()
        if json { return try Terminal.printJSON(report) }
        guard !quiet else { return }
        for note in report.notes { Terminal.note("note: \(note)") }
        let formats = report.formats.sorted(by: <).map { "\($0.value) as \($0.key)" }.joined(separator: ", ")
        print("\(report.path): \(Terminal.bytes(report.bytes)), \(Terminal.count(report.tensors, "tensor")) (\(formats)), \(report.changed) changed by adapters")
      }
    }

    /// `folder` or `folder:weight`.
    private static func side(_ text: String) throws -> ModelExport.Side {
      if let colon = text.lastIndex(of: ":"), let weight = Double(text[text.index(after: colon)...]), !FileManager.default.fileExists(atPath: text) {
        return .init(try Adapter(folder: String(text[..<colon])), weight: weight)
      }
      return .init(try Adapter(folder: text))
    }

    private static func format(_ text: String, for target: Target) throws -> WeightFormat {
      let name = text.lowercased()
      let known: [WeightFormat] = target == .gguf ? WeightFormat.writable : [.f32, .f16, .bf16]
      guard let format = known.first(where: { $0.name.lowercased() == name || $0.numberFormat?.torchName == name }) else {
        let names = known.map { $0.numberFormat?.torchName ?? $0.name.lowercased() }.joined(separator: ", ")
        throw ModelFileError(.malformed, "--dtype \(text): for \(target.rawValue) it is one of \(names)")
      }
      return format
    }
  }
}
