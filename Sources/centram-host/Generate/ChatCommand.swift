internal import ArgumentParser
internal import CentramModel
internal import CentramNode
internal import Foundation

struct ChatCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "chat", abstract: "Talks with a model.",
    discussion: """
      Draws as the model's generation_config.json says, else as llama.cpp does: --temperature 0.8 --top-k 40 --top-p 0.95 --min-p 0.05. \
      Control-C stops an answer, Control-D ends. A line that ends in \\ goes on in the next. \
      /help shows what else can be done.
      """)
  @Argument(help: "A model's name or path.", completion: .file()) var model: String
  @Option(help: "The system's message.") var system: String?
  @Option(help: ArgumentHelp("A chat template instead of the model's: a file of Jinja, or chatml, llama3, mistral, alpaca, exaone.", valueName: "file"))
  var chatTemplate: String?
  @Option(name: .customLong("adapter"), help: ArgumentHelp("An adapter by name or path, and perhaps how much of it. May be given again; all apply.", valueName: "adapter[:scale]"))
  var adapters: [String] = []
  @OptionGroup var evolved: EvolvedOptions
  @Option(help: "A conversation that /save wrote, to go on with.", completion: .file()) var load: String?
  @Option(help: "Most tokens of an answer. Default: as many as the context holds.") var maxTokens: Int?
  @OptionGroup var sampling: SamplingOptions
  @Option(name: .customLong("stop"), help: "A text that ends an answer. May be given again.") var stops: [String] = []
  @Option(help: "Most tokens of the conversation. Default: the model's context.") var context: Int?
  @OptionGroup var options: RunOptions
  @Flag(help: "No greeting and no speed.") var quiet = false

  func run() throws {
    Interrupt.watch(endingReads: true)
    try Terminal.reporting {
      let loaded = try options.load(model)
      let generator = try Generator(engine: loaded.engine, tokenizer: loaded.tokenizer, endTokens: loaded.endTokens, context: context, clock: Clock.seconds)
      var conversation = Conversation(loaded: loaded, generator: generator, location: options.location)
      conversation.system = system
      conversation.template = try chatTemplate.map(LoadedModel.template)
      conversation.parameters = sampling.parameters(defaults(loaded.files.generationDefaults))
      (conversation.maximumTokens, conversation.stops, conversation.isQuiet) = (maxTokens, stops, quiet)
      conversation.adapters = try adapters.map { (name: $0, adapter: try options.adapters([$0], of: loaded)[0]) }
      if let evolved = try evolved.model(loaded) {
        guard adapters.isEmpty else { throw GenerationError(.parameter, "--evolved goes without --adapter") }
        let path = try options.location(model)
        conversation.evolved = (
          evolved,
          { [evolvedOptions = self.evolved] text, experts, result in
            if let experts { try evolvedOptions.record([result], experts) }
            evolvedOptions.count(text, loaded, path: path)
          }
        )
      }
      // A model that cannot chat should say so before it is spoken to.
      _ = try loaded.prompt([ChatMessage(role: "user", content: "?")], template: conversation.template)
      if let load { try conversation.read(load) }
      let isTerminal = isatty(STDIN_FILENO) == 1
      if isTerminal, !quiet { Terminal.note("\(loaded.model.path); /help shows the commands, Control-D ends") }
      while let line = nextLine(isTerminal) {
        if line.hasPrefix("/") {
          if try conversation.command(line) == .end { break }
        } else if !line.trimmingCharacters(in: .whitespacesAndNewlines).isEmpty {
          try conversation.answer(line)
        }
      }
      if isTerminal { print() }
      if Interrupt.isRequested { throw ExitCode(130) }
    }
  }

  /// A message of one line, or of several where all but the last end in a backslash.
  private func nextLine(_ isTerminal: Bool) -> String? {
    var text = ""
    while true {
      if isTerminal { Terminal.write(text.isEmpty ? "> " : "  ", to: STDOUT_FILENO) }
      guard let line = readLine(), !Interrupt.isRequested else { return text.isEmpty || Interrupt.isRequested ? nil : text }
      guard line.hasSuffix("\\") else { return text + line }
      text += line.dropLast() + "\n"
    }
  }

  private func defaults(_ makers: GenerationDefaults) -> SamplingParameters {
    var result = SamplingParameters()
    guard makers.samples != false, makers.temperature != nil || makers.topP != nil || makers.topK != nil else {
      (result.temperature, result.topK, result.topP, result.minP) = (0.8, 40, 0.95, 0.05)
      return result
    }
    (result.temperature, result.topK) = (Float(makers.temperature ?? 1), makers.topK ?? 0)
    (result.topP, result.minP) = (max(1e-6, Float(makers.topP ?? 1)), Float(makers.minP ?? 0))
    result.repetitionPenalty = Float(makers.repetitionPenalty ?? 1)
    return result
  }
}
